#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/json/json.h"
#include "learn/choose/advice.h"
#include "learn/choose/brief.h"
#include "learn/choose/candidate.h"
#include "learn/choose/standing.h"
#include "learn/choose/workbench.h"

namespace lathe::choose {

// A prediction that breaks a limit even at the good end of its error.
struct SetAside {
    Limit limit = Limit::kMemory;
    double predicted = 0;
    double error = 1;  // factor
    double bound = 0;
};

// What became of a candidate.
struct Outcome {
    enum class Stage : uint8_t {
        kSetAside,  // by prediction; nothing was measured
        kFailed,    // could not be measured
        kDropped,   // after the screen
        kMeasured,  // in full
    };
    Candidate candidate;
    Stage stage = Stage::kMeasured;
    std::optional<SetAside> set_aside{};
    std::string failure{};      // of kFailed
    std::string dropped_for{};  // the better one's name
    QualityDifference dropped_by{};
    std::optional<Predictions> predictions{};
    std::optional<Costs> costs{};      // measured
    std::vector<TaskScores> scores{};  // of the last stage it came to
    std::string remark{};
};

struct ChoiceTask {
    std::string name;
    double weight = 1;
    double chance = 0;
    std::string metric;
    size_t documents = 0;  // of those measured in full
};

// What the chooser found out. Const-safe.
struct Choice {
    Brief brief;
    std::string machine;
    bool quick = false;  // the screen is all there is
    std::vector<ChoiceTask> tasks;
    std::vector<Outcome> outcomes;        // in the brief's order
    std::vector<Contestant> contestants;  // those measured, with the documents of all
    std::vector<Standing> standings;      // of the contestants, best first
    std::optional<size_t> winner;         // a contestant
    std::vector<Change> changes;
    std::optional<TuningAdvice> advice;
    std::vector<std::string> languages_not_measured;  // of the brief's

    const Outcome& OutcomeOf(const Contestant& contestant) const;
    Json AsJson() const;
};

}  // namespace lathe::choose
