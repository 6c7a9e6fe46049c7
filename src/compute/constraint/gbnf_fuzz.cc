#include <cstdint>
#include <string_view>

#include "compute/constraint/grammar.h"

// Any bytes as a grammar: refused or compiled.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace lathe::constraint;
    if (size > 2048) return 0;
    auto expression = Gbnf({reinterpret_cast<const char*>(data), size});
    if (expression) (void)Compile(*expression);
    return 0;
}
