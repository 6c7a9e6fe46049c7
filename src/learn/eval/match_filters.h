// The filters that look for patterns in answers.
#pragma once

#include <memory>

#include "learn/eval/filter_options.h"
#include "learn/eval/filters.h"
#include "learn/metrics/pattern.h"

namespace lathe::eval {

// `regex`: of what the pattern finds in an answer, the match number group_select (negative:
// from the end), of its groups the first that is not empty; `fallback` if there is none.
// Counts how often there was none. One thread.
class RegexFilter : public Filter {
public:
    RegexFilter(metrics::Pattern pattern, int64_t group_select, std::string fallback);

    Result<std::vector<std::string>> Apply(std::vector<std::string> answers,
                                           const Json& document) override;
    const FilterPipeline::Tally& tally() const { return tally_; }

private:
    metrics::Pattern pattern_;
    int64_t group_select_;
    std::string fallback_;
    FilterPipeline::Tally tally_;
};

Result<std::unique_ptr<Filter>> MakeRegexFilter(FilterOptions& options);

// `multi_choice_regex`: as `regex`; where that finds nothing, a choice of the document's
// column `choices` that stands in the answer gives its letter "(A)", and then a letter
// after a colon.
Result<std::unique_ptr<Filter>> MakeMultiChoiceRegexFilter(FilterOptions& options);

}  // namespace lathe::eval
