// Answers of a server: an error, or as many answers as were asked for.
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "learn/eval/server_reply.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace lathe::eval;
    std::string_view body(reinterpret_cast<const char*>(data), size);
    const ModelRequest asked[] = {
        {.kind = ModelRequest::Kind::kLoglikelihood, .context = "Q: é ", .continuation = " a"},
        {.kind = ModelRequest::Kind::kLoglikelihood, .context = "", .continuation = "b"}};
    for (size_t count = 1; count <= 2; ++count)
        if (auto answers = ParseScored(body, {asked, count})) LATHE_CHECK(answers->size() == count);
    (void)ParseText(body);
    (void)ParseModelIds(body);
    LATHE_CHECK(!ParseRefusal(body).empty());
    return 0;
}
