// Lines of samples: whatever is read keeps what the header promises.
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "learn/samples/sample.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace lathe;
    auto line = ParseJson({reinterpret_cast<const char*>(data), size});
    if (!line) return 0;
    auto sample = samples::ReadSample(*line);
    if (!sample) return 0;
    LATHE_CHECK(sample->choices.empty() || sample->texts.empty());
    LATHE_CHECK(sample->choices.size() <= samples::kChoicesMax);
    LATHE_CHECK(sample->texts.size() <= samples::kTextsMax);
    LATHE_CHECK(sample->right.has_value() == !sample->deciding.empty());
    for (const char* metric : {"acc", "acc_norm", "acc_bytes", "acc_mutual_info", ""}) {
        auto chosen = samples::ChosenOf(*sample, metric);
        LATHE_CHECK(!chosen || sample->choices.at(*chosen).loglikelihood ||
                    sample->choices.size() == 1);
        (void)samples::AnswerOf(*sample, metric);
    }
    (void)samples::RawAnswerOf(*sample);
    return 0;
}
