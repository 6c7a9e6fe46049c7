#include "logprob_file.h"

#include <bit>
#include <cerrno>
#include <cstring>

namespace lathe::app {

static_assert(std::endian::native == std::endian::little);

Result<std::unique_ptr<LogprobFile>> LogprobFile::Create(const std::string& path,
                                                         uint32_t vocab_size) {
    std::FILE* file = std::fopen(path.c_str(), "wb");
    if (!file) return InvalidParam("logprobs", "cannot write {}: {}", path, std::strerror(errno));
    auto stream = std::unique_ptr<LogprobFile>(new LogprobFile(path, file));
    LATHE_RETURN_IF_ERROR(stream->Write("LATHELP1", 8));
    LATHE_RETURN_IF_ERROR(stream->WriteNumber(vocab_size));
    return stream;
}

Status LogprobFile::BeginWindow(std::span<const engine::TokenId> ids) {
    LATHE_RETURN_IF_ERROR(WriteNumber(static_cast<uint32_t>(ids.size())));
    return Write(ids.data(), ids.size_bytes());
}

Status LogprobFile::Rows(std::span<const float> logprobs) {
    return Write(logprobs.data(), logprobs.size_bytes());
}

Status LogprobFile::Finish() {
    LATHE_RETURN_IF_ERROR(WriteNumber(0));
    if (std::fclose(file_.release()) != 0)
        return MakeError(Code::kInternal, "cannot write {}: {}", path_, std::strerror(errno));
    return {};
}

Status LogprobFile::WriteNumber(uint32_t number) {
    return Write(&number, sizeof number);
}

Status LogprobFile::Write(const void* bytes, size_t size) {
    if (std::fwrite(bytes, 1, size, file_.get()) != size)
        return MakeError(Code::kInternal, "cannot write {}: {}", path_, std::strerror(errno));
    return {};
}

}  // namespace lathe::app
