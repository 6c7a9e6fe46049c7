#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <stop_token>
#include <string>

#include "core/base/result.h"

namespace lathe::registry {

// SHA-256 of bytes as they come.
class Sha256 {
public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;

    void Update(std::span<const char> bytes);
    // 64 lower-case hexadecimal digits. Starts over afterwards.
    std::string Finish();

private:
    struct Context;
    std::unique_ptr<Context> context_;
};

// True for 64 hexadecimal digits.
bool IsSha256(std::string_view text);

// Of the first `bytes_max` bytes of a file. Errors: the file's, kCancelled.
Result<Sha256> HashFile(const std::filesystem::path& path, uint64_t bytes_max = UINT64_MAX,
                        std::stop_token stop = {});

}  // namespace lathe::registry
