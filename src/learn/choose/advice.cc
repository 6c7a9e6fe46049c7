#include "learn/choose/advice.h"

namespace lathe::choose {

TuningAdvice::Verdict VerdictOf(const TuningAdvice& advice) {
    using Verdict = TuningAdvice::Verdict;
    if (advice.quality >= kQualityEnough) return Verdict::kEnough;
    int64_t examples = advice.examples.value_or(0);
    if (examples >= kExamplesToTune) return Verdict::kTune;
    if (examples >= kExamplesToTry) return Verdict::kTryTuning;
    return advice.larger_is_better() ? Verdict::kGrow : Verdict::kCollect;
}

}  // namespace lathe::choose
