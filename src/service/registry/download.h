#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/net/http_client.h"
#include "core/telemetry/progress.h"
#include "service/registry/part_file.h"

namespace lathe::registry {

// What every transfer of one pull has in common. Borrowed for the time of the call.
struct TransferContext {
    const net::HttpClient& client;
    telemetry::ProgressDisplay& display;
    std::stop_token stop{};
    int retries_max = 5;                          // in a row without a new byte
    std::chrono::milliseconds retry_delay{1000};  // doubles with each
};

struct DownloadRequest {
    std::string url;
    std::vector<net::Header> headers{};
    std::filesystem::path target;  // its folder is made
    uint64_t bytes = 0;            // what it must have; 0: not known
    std::string sha256{};          // "": not known; then what the server states, if it does
};

struct FileFacts {
    uint64_t bytes = 0;
    std::string sha256;
};

// Brings one file over HTTP. Goes on where an earlier call stopped if the server can
// and its file is still the same; tries again when the connection breaks; checks size,
// checksum and, of a .gguf, the first four bytes before the file gets its name.
//
// Errors: kNotFound, kPermissionDenied, kUnavailable, kDeadlineExceeded (the part
// stays), kDataLoss (arrived wrong: the part is gone), kResourceExhausted (disk),
// kCancelled (the part stays).
Result<FileFacts> Download(const DownloadRequest& request, const TransferContext& context);

// Copies a file of this machine in the same way.
Result<FileFacts> CopyIn(const std::filesystem::path& from, const DownloadRequest& request,
                         const TransferContext& context);

// Checks what has arrived ("": no checksum to compare with) and gives it its name.
// Error: kDataLoss, and the part is gone; or the file cannot be renamed.
Result<FileFacts> AcceptPart(PartFile& part, std::string_view expected_sha256);

// Waits, but not longer than until `stop`.
void SleepFor(std::chrono::milliseconds time, const std::stop_token& stop);

}  // namespace lathe::registry
