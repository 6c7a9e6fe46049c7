// Tune, grow, or leave it: what to do about the quality that is missing.
//
// Thread-safe: free functions only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "learn/choose/quality.h"

namespace lathe::choose {

// Rules of thumb, not measurements: below the first number of examples, tuning a small model
// mostly does not pay; from the second on it mostly does where the task is narrow.
inline constexpr int64_t kExamplesToTry = 200;
inline constexpr int64_t kExamplesToTune = 1000;
// Quality above which there is little to win.
inline constexpr double kQualityEnough = 0.9;

struct TuningAdvice {
    enum class Verdict : uint8_t {
        kEnough,     // little to win
        kTune,       // the data is there
        kTryTuning,  // it may be
        kGrow,       // too little data, and a larger model is certainly better
        kCollect,    // too little data, and none of the larger models is certainly better
    };
    Verdict verdict = Verdict::kCollect;
    double quality = 0;
    std::optional<int64_t> examples;
    // The best of the larger models that were measured; "": there is none.
    std::string larger;
    double larger_ratio = 0;  // of parameters
    bool larger_breaks_limits = false;
    QualityDifference larger_gain;  // of the larger over the winner

    bool larger_is_better() const { return !larger.empty() && larger_gain.certainly_higher(); }
};

// `advice` with everything but the verdict.
TuningAdvice::Verdict VerdictOf(const TuningAdvice& advice);

}  // namespace lathe::choose
