#include "learn/eval/match_filters.h"

#include <algorithm>
#include <map>
#include <optional>

#include "compute/chat/text.h"
#include "compute/chat/unicode.h"
#include "learn/eval/text_ignores.h"

namespace lathe::eval {
namespace {

using metrics::Pattern;

constexpr std::string_view kDefaultPattern = R"(#### (\-?[0-9\.\,]+))";

// Of what re.findall gives the selected match, or nothing. Python raises an error for a
// number that is out of range; a task whose answers have fewer matches than that has
// nothing to score either.
std::optional<std::string> Select(const std::vector<Pattern::Match>& matches,
                                  int64_t group_select) {
    auto count = static_cast<int64_t>(matches.size());
    int64_t at = group_select < 0 ? count + group_select : group_select;
    if (at < 0 || at >= count) return std::nullopt;
    const Pattern::Match& match = matches[static_cast<size_t>(at)];
    auto stripped = [](const std::optional<std::string>& group) {
        return std::string(chat::Strip(group.value_or(""), std::nullopt));
    };
    if (match.size() <= 2) return stripped(match.back());  // the whole, or the one group
    auto filled = std::find_if(match.begin() + 1, match.end(),
                               [](const auto& group) { return group && !group->empty(); });
    if (filled == match.end()) return std::nullopt;
    return stripped(*filled);
}

std::string EscapePattern(std::string_view text) {
    static constexpr std::string_view kSpecial = "()[]{}?*+-|^$\\.&~# \t\n\r\v\f";
    std::string out;
    for (char c : text) {
        if (kSpecial.contains(c)) out.push_back('\\');
        out.push_back(c);
    }
    return out;
}

class MultiChoiceRegex : public Filter {
public:
    struct Options {
        int64_t group_select = 0;
        std::string fallback;
        TextIgnores ignores;
    };

    MultiChoiceRegex(Pattern pattern, Options options)
        : pattern_(std::move(pattern)), options_(std::move(options)) {}

    Result<std::vector<std::string>> Apply(std::vector<std::string> answers,
                                           const Json& document) override {
        if (!document.contains("choices") || !document["choices"].is_array())
            return InvalidArgument("multi_choice_regex needs a column `choices`, a list");
        std::map<std::string, std::string> letters;
        std::string any_choice;
        std::string any_letter;
        char letter = 'A';
        for (const Json& choice : document["choices"]) {
            if (!choice.is_string())
                return InvalidArgument("multi_choice_regex needs `choices` that are texts");
            LATHE_TRY(std::string text,
                      options_.ignores.Apply(chat::Strip(choice.get<std::string>(), std::nullopt)));
            if (!any_choice.empty()) any_choice += '|';
            any_choice += EscapePattern(text);
            letters[text] = fmt::format("({})", letter);
            if (!any_letter.empty()) any_letter += '|';
            any_letter += letter++;
        }
        LATHE_TRY(Pattern choice, Pattern::Compile(any_choice));
        LATHE_TRY(Pattern colon, Pattern::Compile(":[\\s]*(" + any_letter + ")"));
        for (std::string& answer : answers) {
            LATHE_TRY(answer, One(answer, choice, colon, letters));
        }
        return answers;
    }

private:
    Result<std::string> One(const std::string& answer, const Pattern& choice, const Pattern& colon,
                            const std::map<std::string, std::string>& letters) {
        LATHE_TRY(auto direct, pattern_.FindAll(answer));
        auto found = Select(direct, options_.group_select);
        if (found && !found->empty()) return *found;
        LATHE_TRY(std::string plain, options_.ignores.Apply(answer));
        LATHE_TRY(auto by_text, choice.FindAll(plain));
        found = Select(by_text, options_.group_select);
        if (found && letters.contains(*found)) return letters.at(*found);
        LATHE_TRY(auto by_letter, colon.FindAll(answer));
        found = Select(by_letter, options_.group_select);
        return found && !found->empty() ? "(" + *found + ")" : options_.fallback;
    }

    Pattern pattern_;
    Options options_;
};

}  // namespace

RegexFilter::RegexFilter(Pattern pattern, int64_t group_select, std::string fallback)
    : pattern_(std::move(pattern)), group_select_(group_select), fallback_(std::move(fallback)) {
    tally_.pattern = pattern_.text();
}

Result<std::vector<std::string>> RegexFilter::Apply(std::vector<std::string> answers, const Json&) {
    for (std::string& answer : answers) {
        LATHE_TRY(auto matches, pattern_.FindAll(answer));
        auto found = Select(matches, group_select_);
        ++tally_.seen;
        tally_.missed += !found;
        answer = found ? *std::move(found) : fallback_;
    }
    return answers;
}

Result<std::unique_ptr<Filter>> MakeRegexFilter(FilterOptions& options) {
    LATHE_TRY(std::string pattern, options.TakeText("regex_pattern", std::string(kDefaultPattern)));
    LATHE_TRY(int64_t group_select, options.TakeInteger("group_select", 0));
    LATHE_TRY(std::string fallback, options.TakeText("fallback", "[invalid]"));
    LATHE_TRY(Pattern compiled, Pattern::Compile(pattern));
    return std::make_unique<RegexFilter>(std::move(compiled), group_select, fallback);
}

Result<std::unique_ptr<Filter>> MakeMultiChoiceRegexFilter(FilterOptions& options) {
    LATHE_TRY(std::string pattern, options.TakeText("regex_pattern", std::string(kDefaultPattern)));
    MultiChoiceRegex::Options made;
    LATHE_TRY(made.group_select, options.TakeInteger("group_select", 0));
    LATHE_TRY(made.fallback, options.TakeText("fallback", "[invalid]"));
    TextIgnores::Options ignores;
    LATHE_TRY(ignores.ignore_case, options.TakeBool("ignore_case", false));
    LATHE_TRY(ignores.ignore_punctuation, options.TakeBool("ignore_punctuation", false));
    LATHE_TRY(ignores.patterns, options.TakeTexts("regexes_to_ignore"));
    LATHE_TRY(made.ignores, TextIgnores::Create(ignores));
    LATHE_TRY(Pattern compiled, Pattern::Compile(pattern));
    return std::make_unique<MultiChoiceRegex>(std::move(compiled), std::move(made));
}

}  // namespace lathe::eval
