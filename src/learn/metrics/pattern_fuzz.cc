// A pattern, then the text it is to search, with a zero byte between.
#include "learn/metrics/pattern.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view input(reinterpret_cast<const char*>(data), size);
    size_t cut = std::min(input.find('\0'), input.size());
    auto pattern = lathe::metrics::Pattern::Compile(input.substr(0, cut));
    if (!pattern) return 0;
    std::string_view text = input.substr(std::min(cut + 1, input.size()));
    (void)pattern->FindAll(text, 100);
    (void)pattern->ReplaceAll(text, "-");
    return 0;
}
