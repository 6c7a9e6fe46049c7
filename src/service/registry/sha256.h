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

// True if the file has this size and checksum. Reads it only if no stamp beside it
// (.NAME.verified: size, time of change, checksum) says that it was whole before;
// leaves one when it was. Error: kCancelled, or the file cannot be read.
Result<bool> FileHasSha256(const std::filesystem::path& path, uint64_t bytes,
                           std::string_view sha256, std::stop_token stop = {});

// Leaves that stamp. Not being able to is no error: the next check reads the file.
void StampSha256(const std::filesystem::path& path, std::string_view sha256);

}  // namespace lathe::registry
