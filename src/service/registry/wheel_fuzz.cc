// Any bytes as a ZIP archive; the member's name is the first line of the input.
#include <cstdint>

#include "core/base/check.h"
#include "service/registry/wheel.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    constexpr uint64_t kBytesMax = 1u << 20;
    std::string_view text(reinterpret_cast<const char*>(data), size);
    size_t line = text.find('\n');
    if (line == text.npos) return 0;
    uint64_t written = 0;
    auto archive = std::as_bytes(std::span(data, size)).subspan(line + 1);
    auto status =
        lathe::registry::ExtractZipMember(archive, text.substr(0, line), kBytesMax,
                                          [&](std::span<const char> bytes) -> lathe::Status {
                                              written += bytes.size();
                                              return {};
                                          });
    LATHE_CHECK(written <= kBytesMax);
    return 0;
}
