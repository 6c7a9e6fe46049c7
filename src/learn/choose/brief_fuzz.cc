// A text is a brief or an error with a message; a brief keeps its limits.
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "learn/choose/brief.h"
#include "learn/choose/candidate.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace lathe::choose;
    std::string_view text(reinterpret_cast<const char*>(data), size);
    auto brief = Brief::Parse(text, "/nonexistent");
    if (!brief) {
        LATHE_CHECK(!brief.error().message.empty());
        return 0;
    }
    LATHE_CHECK(!brief->title.empty() && !brief->tasks.empty() && !brief->candidates.empty());
    for (const BriefTask& task : brief->tasks) LATHE_CHECK(task.weight > 0);
    LATHE_CHECK(brief->screen_documents <= brief->documents);
    auto candidates = CandidatesOf(*brief);
    LATHE_CHECK(candidates.size() <= Brief::kCandidatesMax);
    for (size_t i = 0; i < candidates.size(); ++i)
        for (size_t j = 0; j < i; ++j) LATHE_CHECK(candidates[i].folder != candidates[j].folder);
    return 0;
}
