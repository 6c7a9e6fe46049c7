#include <cstdint>
#include <string_view>

#include "compute/constraint/grammar.h"
#include "compute/constraint/regex.h"

// Any bytes as a pattern, plain and as a schema's: refused or compiled.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace lathe::constraint;
    if (size > 512) return 0;
    std::string_view pattern(reinterpret_cast<const char*>(data), size);
    for (bool in_schema : {false, true}) {
        auto expression = ParseRegex(pattern, {.search = in_schema, .in_json_string = in_schema});
        if (expression) (void)Compile(*expression);
    }
    return 0;
}
