#include <cstdint>
#include <cstdlib>

#include "core/json/json.h"

// What parses must survive a round trip through its own text.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    auto value = lathe::ParseJson({reinterpret_cast<const char*>(data), size});
    if (value) {
        std::string text = lathe::DumpJson(*value);
        auto again = lathe::ParseJson(text);
        if (!again || lathe::DumpJson(*again) != text) std::abort();
    }
    return 0;
}
