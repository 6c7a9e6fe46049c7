// A Python literal: a value, or none.
#include <cstddef>
#include <cstdint>

#include "compute/chat/unicode.h"
#include "learn/eval/python_literal.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace lathe::eval;
    if (size == 0) return 0;
    std::string text = lathe::chat::ValidUtf8({reinterpret_cast<const char*>(data) + 1, size - 1});
    (void)ParsePythonLiteral(text);
    return 0;
}
