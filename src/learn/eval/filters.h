#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/json/json.h"

namespace lathe::eval {

// One step between what the model said and what is scored. `answers` are those to one
// request, one per repetition; `document` is where they come from. Const-safe unless said
// otherwise.
class Filter {
public:
    virtual ~Filter() = default;
    // True if it turns a list of answers into one.
    virtual bool selects() const { return false; }
    virtual Result<std::vector<std::string>> Apply(std::vector<std::string> answers,
                                                   const Json& document) = 0;
};

// The `filter_list` entry of a task: named steps in a row. Supported functions: regex,
// multi_choice_regex, take_first, take_first_k, majority_vote, remove_whitespace,
// lowercase, uppercase, map, code_block. But for the last, the code of a chat's answer, they
// do what lm-evaluation-harness's filters of these names
// do.
//
// One thread.
class FilterPipeline {
public:
    // The pipeline of a task without a filter_list: "none", take_first.
    static FilterPipeline Default();
    // The same of a task that scores all answers: "none", no step.
    static FilterPipeline Everything();
    // Errors name the function and the key.
    static Result<FilterPipeline> FromJson(const Json& config);

    const std::string& name() const { return name_; }

    // What is scored of the answers to one request. More than one if no step selects.
    Result<std::vector<std::string>> Apply(std::vector<std::string> answers, const Json& document);

    // How often a `regex` step had an answer before it, and how often it found nothing.
    struct Tally {
        std::string pattern;
        size_t seen = 0;
        size_t missed = 0;
    };
    std::vector<Tally> tallies() const;

private:
    std::string name_;
    std::vector<std::unique_ptr<Filter>> steps_;
};

}  // namespace lathe::eval
