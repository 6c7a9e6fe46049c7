// A model's text against expected calls, and expectations from a file.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/check.h"
#include "learn/eval/tool_call_match.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace lathe;
    std::string_view text(reinterpret_cast<const char*>(data), size);
    static const Json expected =
        *ParseJson(R"([{"f": {"x": [1, ""], "y": [{"z": ["a"]}], "w": [[1, 2]]}}])");
    LATHE_CHECK(eval::CallsTools(text, expected).has_value());
    if (auto given = ParseJson(text)) (void)eval::CallsTools(R"({"name": "f"})", *given);
    return 0;
}
