#include "eval/eval_show.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "eval/eval_report.h"

namespace lathe::app {
namespace {

using eval::ModelRequest;
using eval::Question;
using eval::Task;

std::string Fenced(const std::string& text) {
    std::string fence = "```";
    while (text.find(fence) != std::string::npos) fence += '`';
    return fmt::format("{}text\n{}{}{}\n", fence, text, text.ends_with('\n') ? "" : "\n", fence);
}

std::string Inline(const std::string& text) {
    return DumpJson(Json(text));
}

// The number of the right choice.
std::optional<size_t> RightChoice(const Json& target, const std::vector<std::string>& choices) {
    if (target.is_boolean()) return target.get<bool>() ? 1 : 0;
    if (target.is_number_integer()) return target.get<size_t>();
    auto found = target.is_string()
                     ? std::ranges::find(choices, target.get_ref<const std::string&>())
                     : choices.end();
    if (found == choices.end()) return std::nullopt;
    return static_cast<size_t>(found - choices.begin());
}

Result<std::string> Choices(const Task& task, const Question& question) {
    const Json& document = task.document(question.document);
    LATHE_TRY(std::vector<std::string> choices, task.Choices(document));
    LATHE_TRY(Json target,
              task.multiple_inputs() ? task.ChosenInput(document) : task.Target(document));
    std::optional<size_t> right = RightChoice(target, choices);
    bool one_context = std::ranges::all_of(question.requests, [&](const ModelRequest& request) {
        return request.context == question.requests[0].context;
    });
    std::string out;
    if (one_context && !question.requests[0].context.empty())
        out += "Prompt:\n\n" + Fenced(question.requests[0].context) + "\n";
    out += one_context ? "Choices, the right one marked:\n\n"
                       : "Texts to choose from, the right one marked:\n\n";
    for (size_t i = 0; i < choices.size() && i < question.requests.size(); ++i) {
        const ModelRequest& request = question.requests[i];
        std::string text =
            one_context ? request.continuation : request.context + request.continuation;
        out += fmt::format("- {}{}\n", Inline(text), i == right ? "  **right**" : "");
    }
    return out;
}

Result<std::string> Sample(const Task& task, const Question& question) {
    const Json& document = task.document(question.document);
    const ModelRequest& first = question.requests.at(0);
    switch (first.kind) {
        case ModelRequest::Kind::kRolling:
            return "Text whose likelihood is measured:\n\n" + Fenced(first.context);
        case ModelRequest::Kind::kGenerate:
            break;
        case ModelRequest::Kind::kLoglikelihood:
            if (task.has_choices()) return Choices(task, question);
            return fmt::format("Prompt:\n\n{}\nHow likely is {} then?\n", Fenced(first.context),
                               Inline(first.continuation));
    }
    LATHE_TRY(Json target, task.Target(document));
    std::string out;
    for (const std::string& url : first.images)
        out += fmt::format("Image: {}, {} characters as a URL\n\n",
                           url.substr(0, url.find_first_of(";?")).substr(0, 100), url.size());
    out += "Prompt:\n\n" + Fenced(first.context);
    for (const auto& metric : task.config().metrics)
        if (metric.name.starts_with("pass@")) return out + "\nRight: what passes the tests.\n";
    return out + fmt::format("\nRight: {}\n", DumpJson(target));
}

}  // namespace

std::string TaskTable(const eval::TaskLibrary& library) {
    std::vector<std::vector<std::string>> lines = {
        {"task", "category", "language", "data", "what it measures"}};
    for (const eval::LibraryTask& task : library.tasks())
        lines.push_back({task.name, task.category, task.language, task.licence, task.title});
    return TextTable(lines);
}

Result<std::string> WorkedSamples(const eval::TaskSet& tasks, const eval::TaskOptions& options,
                                  size_t count) {
    std::string out;
    for (const eval::TaskConfig& config : tasks.tasks) {
        LATHE_TRY(Task task, Task::Load(config, options));
        LATHE_TRY(auto questions, task.MakeQuestions());
        for (size_t i = 0; i < std::min(count, questions.size()); ++i) {
            LATHE_TRY(std::string sample, Sample(task, questions[i]));
            out += fmt::format("{}### {}, document {}\n\n{}", out.empty() ? "" : "\n", config.name,
                               questions[i].document, sample);
        }
    }
    return out;
}

}  // namespace lathe::app
