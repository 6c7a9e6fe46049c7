// Any text as the query of a request: what is accepted has known names, each once, and no NUL.
#include "edge/api/query.h"

#include <cstdint>

#include "core/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static constexpr std::string_view kKnown[] = {"task", "offset"};
    std::string_view text(reinterpret_cast<const char*>(data), size);
    auto query = lathe::api::ParseQuery(text, kKnown);
    if (!query) {
        LATHE_CHECK(!query.error().message.empty());
        return 0;
    }
    for (const auto& [name, value] : *query) {
        LATHE_CHECK(name == "task" || name == "offset");
        LATHE_CHECK(value.find('\0') == value.npos && value.size() <= size);
    }
    auto offset = lathe::api::CountOr(*query, "offset", 7, 1000);
    LATHE_CHECK(!offset || *offset <= 1000);
    return 0;
}
