#pragma once

#include <string_view>

#include "core/base/result.h"
#include "learn/metrics/pattern.h"

namespace lathe::metrics {

// Whether an answer declines: told by the words it begins with, in English and Chinese
// ("I'm sorry, but", "I cannot help with", 我无法). A rule, not a judge: it knows what is
// said, not whether an answer that agrees is of any use.
//
// On the 217 answers of GPT-4, Llama 2 and Mistral that two people marked as full refusal or
// full compliance in XSTest (Röttger et al. 2024): docs/design/metrics.md.
//
// Const-safe.
class RefusalDetector {
public:
    static constexpr size_t kCharactersMax = 300;  // of an answer that are looked at

    RefusalDetector();

    // Errors (kResourceExhausted): never on texts of this length in practice.
    Result<bool> Refuses(std::string_view answer) const;

private:
    Pattern pattern_;
};

}  // namespace lathe::metrics
