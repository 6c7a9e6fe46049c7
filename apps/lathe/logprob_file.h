#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "compute/engine/divergence.h"

namespace lathe::app {

// Writes a reference's log-probabilities as a stream that a pipe can carry: for text
// of any length the file is never needed whole. Little-endian:
//
//   "LATHELP1"  u32 vocab_size
//   per window: u32 count, i32 ids[count], f32 logprobs[count][vocab_size]
//   u32 0       the end; a stream that lacks it was cut off
//
// Row i holds the distribution of the token after ids[i]. bench/quality/logprobs.py
// reads it.
class LogprobFile : public engine::LogprobWriter {
public:
    // `path` may name a pipe: opening waits for its reader. Errors: the system's.
    static Result<std::unique_ptr<LogprobFile>> Create(const std::string& path,
                                                       uint32_t vocab_size);

    Status BeginWindow(std::span<const engine::TokenId> ids) override;
    Status Rows(std::span<const float> logprobs) override;
    // Writes the end and closes. Without it the stream reads as cut off.
    Status Finish();

private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    LogprobFile(std::string path, std::FILE* file) : path_(std::move(path)), file_(file) {}
    Status Write(const void* bytes, size_t size);
    Status WriteNumber(uint32_t number);

    std::string path_;
    std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace lathe::app
