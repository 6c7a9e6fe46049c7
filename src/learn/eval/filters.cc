#include "learn/eval/filters.h"

#include <algorithm>
#include <map>
#include <optional>

#include "compute/chat/text.h"
#include "compute/chat/unicode.h"
#include "learn/eval/filter_options.h"
#include "learn/eval/match_filters.h"
#include "learn/sandbox/code_task.h"

namespace lathe::eval {
namespace {

using Answers = std::vector<std::string>;

class TakeFirst : public Filter {
public:
    bool selects() const override { return true; }
    Result<Answers> Apply(Answers answers, const Json&) override {
        if (answers.empty()) return InvalidArgument("take_first: there is no answer");
        answers.resize(1);
        return answers;
    }
};

class TakeFirstK : public Filter {
public:
    explicit TakeFirstK(size_t count) : count_(count) {}
    Result<Answers> Apply(Answers answers, const Json&) override {
        if (answers.size() < count_)
            return InvalidParam("repeats",
                                "take_first_k takes {} answers and there are {}; raise the task's "
                                "`repeats`",
                                count_, answers.size());
        answers.resize(count_);
        return answers;
    }

private:
    size_t count_;
};

// Of equally frequent answers the one that came first.
class MajorityVote : public Filter {
public:
    bool selects() const override { return true; }
    Result<Answers> Apply(Answers answers, const Json&) override {
        if (answers.empty()) return InvalidArgument("majority_vote: there is no answer");
        std::map<std::string_view, size_t> votes;
        for (const std::string& answer : answers) ++votes[answer];
        auto best = std::ranges::max_element(
            answers, {}, [&](const std::string& answer) { return votes[answer]; });
        return Answers{*best};
    }
};

// Changes every answer by itself.
template <typename Change>
class Each : public Filter {
public:
    explicit Each(Change change) : change_(std::move(change)) {}
    Result<Answers> Apply(Answers answers, const Json&) override {
        for (std::string& answer : answers) answer = change_(answer);
        return answers;
    }

private:
    Change change_;
};

template <typename Change>
std::unique_ptr<Filter> MakeEach(Change change) {
    return std::make_unique<Each<Change>>(std::move(change));
}

Result<std::unique_ptr<Filter>> MakeMap(FilterOptions& options) {
    LATHE_TRY(Json mapping, options.Take("mapping_dict", Json::object()));
    LATHE_TRY(Json fallback, options.Take("default_value", Json(nullptr)));
    if (!mapping.is_object())
        return InvalidParam("mapping_dict", "map: `mapping_dict` must be a mapping");
    std::map<std::string, std::string> table;
    for (const auto& [key, value] : mapping.items())
        table[key] = value.is_string() ? value.get<std::string>() : DumpJson(value);
    std::string otherwise = fallback.is_null()     ? "None"
                            : fallback.is_string() ? fallback.get<std::string>()
                                                   : DumpJson(fallback);
    return MakeEach([table = std::move(table), otherwise](const std::string& answer) {
        auto found = table.find(answer);
        return found == table.end() ? otherwise : found->second;
    });
}

Result<std::unique_ptr<Filter>> MakeStep(const std::string& function, FilterOptions& options) {
    if (function == "take_first") return std::make_unique<TakeFirst>();
    if (function == "majority_vote") return std::make_unique<MajorityVote>();
    if (function == "take_first_k") {
        LATHE_TRY(int64_t count, options.TakeInteger("k", 0));
        if (count < 1) return InvalidParam("k", "take_first_k: `k` must be at least 1");
        return std::make_unique<TakeFirstK>(static_cast<size_t>(count));
    }
    if (function == "remove_whitespace")
        return MakeEach([](const std::string& answer) {
            return std::string(chat::Strip(answer, std::nullopt, chat::Side::kLeft));
        });
    if (function == "lowercase")
        return MakeEach([](const std::string& answer) { return chat::Lower(answer); });
    if (function == "uppercase")
        return MakeEach([](const std::string& answer) { return chat::Upper(answer); });
    if (function == "code_block")
        return MakeEach([](const std::string& answer) { return sandbox::CodeOfAnswer(answer); });
    if (function == "map") return MakeMap(options);
    if (function == "regex") return MakeRegexFilter(options);
    if (function == "multi_choice_regex") return MakeMultiChoiceRegexFilter(options);
    return InvalidParam("filter_list",
                        "the filter `{}` is not known; there are regex, multi_choice_regex, "
                        "take_first, take_first_k, majority_vote, remove_whitespace, lowercase, "
                        "uppercase, map and code_block",
                        function);
}

}  // namespace

FilterPipeline FilterPipeline::Default() {
    FilterPipeline pipeline;
    pipeline.name_ = "none";
    pipeline.steps_.push_back(std::make_unique<TakeFirst>());
    return pipeline;
}

FilterPipeline FilterPipeline::Everything() {
    FilterPipeline pipeline;
    pipeline.name_ = "none";
    return pipeline;
}

Result<FilterPipeline> FilterPipeline::FromJson(const Json& config) {
    auto wrong = [] {
        return InvalidParam("filter_list",
                            "an entry of `filter_list` is a mapping with `name` and `filter`, a "
                            "list of mappings with `function`");
    };
    if (!config.is_object() || !config.contains("name") || !config["name"].is_string() ||
        !config.contains("filter") || !config["filter"].is_array())
        return wrong();
    FilterPipeline pipeline;
    pipeline.name_ = config["name"].get<std::string>();
    for (const Json& step : config["filter"]) {
        if (!step.is_object() || !step.contains("function") || !step["function"].is_string())
            return wrong();
        FilterOptions options(step);
        auto made = MakeStep(step["function"].get<std::string>(), options);
        if (!made)
            return std::unexpected(
                WithContext(std::move(made).error(), "filter `" + pipeline.name_ + "`"));
        LATHE_RETURN_IF_ERROR(options.CheckAllTaken());
        pipeline.steps_.push_back(*std::move(made));
    }
    return pipeline;
}

Result<std::vector<std::string>> FilterPipeline::Apply(std::vector<std::string> answers,
                                                       const Json& document) {
    for (const auto& step : steps_) {
        auto filtered = step->Apply(std::move(answers), document);
        if (!filtered)
            return std::unexpected(
                WithContext(std::move(filtered).error(), "filter `" + name_ + "`"));
        answers = *std::move(filtered);
    }
    return answers;
}

std::vector<FilterPipeline::Tally> FilterPipeline::tallies() const {
    std::vector<Tally> tallies;
    for (const auto& step : steps_)
        if (const auto* matcher = dynamic_cast<const RegexFilter*>(step.get()))
            tallies.push_back(matcher->tally());
    return tallies;
}

}  // namespace lathe::eval
