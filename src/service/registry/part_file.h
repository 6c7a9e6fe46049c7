#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <stop_token>
#include <string>

#include "core/base/result.h"
#include "service/registry/sha256.h"

namespace lathe::registry {

// Where the bytes of a part come from; lets a later attempt know whether it may go on.
struct PartOrigin {
    std::string url;        // without the query
    std::string validator;  // strong ETag or Last-Modified, for If-Range; "" if none
    uint64_t bytes = 0;     // of the whole file; 0: not known
    std::string sha256;     // of the whole file; "": not known
};

// A file that is arriving. Lies at TARGET.part, its origin at TARGET.part.json; Commit
// makes it TARGET by renaming, so that TARGET is whole or not there, however the
// process ends. Bytes are hashed as they pass.
//
// The caller holds the model's lock. One thread.
class PartFile {
public:
    // Opens what an earlier attempt left, hashing it again, or begins empty.
    static Result<PartFile> Open(const std::filesystem::path& target, std::stop_token stop);

    PartFile(PartFile&& other) noexcept;
    PartFile& operator=(PartFile&&) = delete;
    ~PartFile();  // closes; the part stays

    uint64_t bytes() const { return bytes_; }
    const PartOrigin& origin() const { return origin_; }
    const std::filesystem::path& target() const { return target_; }

    Status SetOrigin(const PartOrigin& origin);
    // Throws away what has arrived.
    Status Restart();

    // Errors: kResourceExhausted when the disk is full, saying how much is missing; what
    // has been written stays.
    Status Append(std::span<const char> bytes);
    // The same error before anything is written, if `bytes` more do not fit.
    Status CheckSpace(uint64_t bytes) const;

    // Checksum of all bytes. Append must not follow.
    std::string FinishHash() { return hash_.Finish(); }

    // Makes it the target, durably. The object is of no use afterwards.
    Status Commit();
    // Deletes the part.
    void Discard();

private:
    explicit PartFile(std::filesystem::path target) : target_(std::move(target)) {}
    std::filesystem::path PartPath() const;
    std::filesystem::path OriginPath() const;
    Error DiskFull(uint64_t needed_bytes, std::string_view reason) const;

    std::filesystem::path target_;
    int descriptor_ = -1;
    uint64_t bytes_ = 0;
    PartOrigin origin_;
    Sha256 hash_;
};

}  // namespace lathe::registry
