// A line of an evaluation's samples_TASK.jsonl (lm-evaluation-harness's fields), read by the
// one rule that every place which shows samples goes by. Free functions, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/json/json.h"

namespace lathe::samples {

inline constexpr size_t kChoicesMax = 1000;  // and requests, metrics
inline constexpr size_t kTextsMax = 64;      // answers that were written

// A continuation that was scored, without the white space in front. Where the contexts are
// what differs, it is context and continuation.
struct Choice {
    std::string text;
    std::optional<double> loglikelihood;  // natural; nothing if it is no finite number
    std::optional<double> unconditional;  // without the question, where that was asked
    bool is_greedy = false;               // every token of it was the likeliest
    bool is_target = false;
};

// What a line says. What it lacks, or has as another type, is empty here.
struct Sample {
    int64_t document = 0;
    std::string filter;
    std::string question;  // the first prompt; of a line without requests the document, as JSON
    // The right answer as text: of choices those that are right, with " | " between them. A
    // number is that of a choice if there are so many, as in the harness.
    std::string target;
    std::vector<Choice> choices;        // if continuations were scored
    std::vector<std::string> texts;     // else what was written, after the filter
    std::vector<std::string> raw;       // before it; as `texts` if the line has one of them
    std::vector<std::string> verdicts;  // how each text ran, if the texts are programs
    Json metrics = Json::object();      // name: value as in the line
    // The metric that tells right from wrong: the first of those that a reader would ask for
    // that is 0 or 1 here. "" if there is none, and then `right` is open.
    std::string deciding;
    std::optional<bool> right;
};

// Error (kDataLoss): it is no object, or has no integer `doc_id`.
Result<Sample> ReadSample(const Json& line);

// The choice that the model made, as `metric` has it. Of two or more the likeliest: per character
// for acc_norm, per byte for acc_bytes, against its unconditional likelihood for
// acc_mutual_info; the first of equals. The only one if it is greedy: what would have come
// instead is not known.
std::optional<size_t> ChosenOf(const Sample& sample, std::string_view metric);
// What the model said: the text of that choice, else what was written after the filter. Several
// texts one below the other, each with its number and verdict above: "[1/2] passed".
std::string AnswerOf(const Sample& sample, std::string_view metric);
// The texts before the filter, in the same form; "" of choices.
std::string RawAnswerOf(const Sample& sample);

}  // namespace lathe::samples
