// How well labels agree: with the truth (as scikit-learn computes it) or with each other.
//
// Thread-safe: free functions only. Requires of all: both spans have one length.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace lathe::metrics {

using Label = int32_t;

struct LabelPairs {
    std::span<const Label> expected;
    std::span<const Label> given;
};

// F1 of the label `positive`; 0 where it neither occurs nor is given.
double BinaryF1(const LabelPairs& pairs, Label positive = 1);
// The unweighted mean of the F1 of each label that occurs on either side.
double MacroF1(const LabelPairs& pairs);
// Matthews' correlation, for any number of labels (Gorodkin 2004), -1..1; 0 where one side
// has a single label.
double MatthewsCorrelation(const LabelPairs& pairs);

// Cohen's kappa: agreement beyond what two raters with these frequencies would reach by
// chance. nullopt where chance alone agrees always: both give one label throughout.
std::optional<double> CohensKappa(const LabelPairs& pairs);

}  // namespace lathe::metrics
