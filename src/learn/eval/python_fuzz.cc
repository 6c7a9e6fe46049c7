// The first byte chooses: a Python literal, or a pattern (up to a zero byte) and a text.
#include <cstddef>
#include <cstdint>

#include "compute/chat/unicode.h"
#include "core/base/check.h"
#include "learn/eval/python_literal.h"
#include "learn/eval/python_regex.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace lathe::eval;
    if (size == 0) return 0;
    std::string text = lathe::chat::ValidUtf8({reinterpret_cast<const char*>(data) + 1, size - 1});
    if (data[0] % 2 == 0) {
        (void)ParsePythonLiteral(text);
        return 0;
    }
    size_t cut = std::min(text.find('\0'), text.size());
    auto regex = PythonRegex::Compile(text.substr(0, cut));
    if (!regex) return 0;
    (void)regex->FindAll(text.substr(cut));
    (void)regex->Remove(text.substr(cut));
    return 0;
}
