#include "eval/eval_diff.h"

#include <fmt/format.h>

#include <cstdio>

#include "eval/eval_report.h"
#include "learn/eval/run_diff.h"
#include "runs_folder.h"

namespace lathe::app {
namespace {

struct DiffArguments {
    std::string baseline;
    std::string candidate;
    int64_t show = 10;
    bool json = false;
};

std::string Points(const Json& row, double value) {
    bool share = row["metric"] != "bits_per_byte";
    return share ? fmt::format("{:+.2f}", value * 100) : fmt::format("{:+.4f}", value);
}

std::string RowsTable(const Json& diff) {
    std::vector<std::vector<std::string>> lines = {{"task", "filter", "metric", "documents", "a",
                                                    "b", "b - a", "95 % interval", "better",
                                                    "worse", "p"}};
    for (const Json& row : diff["tasks"])
        lines.push_back({row["task"], row["filter"], row["metric"],
                         fmt::format("{}", row["documents"].get<int64_t>()),
                         fmt::format("{:.4f}", row["a"].get<double>()),
                         fmt::format("{:.4f}", row["b"].get<double>()),
                         Points(row, row["difference"].get<double>()),
                         fmt::format("{} .. {}", Points(row, row["interval"][0].get<double>()),
                                     Points(row, row["interval"][1].get<double>())),
                         fmt::format("{}", row["wins"].get<int64_t>()),
                         fmt::format("{}", row["losses"].get<int64_t>()),
                         fmt::format("{:.3g}", row["p"].get<double>())});
    return TextTable(lines);
}

// The end of a text, in one line.
std::string Short(const Json& value, size_t length) {
    std::string text = value.get<std::string>();
    for (char& c : text)
        if (c == '\n' || c == '\t') c = ' ';
    if (text.size() <= length) return text;
    size_t begin = text.size() - length;
    while (begin < text.size() && (text[begin] & 0xc0) == 0x80) ++begin;  // whole characters
    return "…" + text.substr(begin);
}

std::string ChangedText(const Json& diff, size_t most) {
    const Json& changed = diff["changed"];
    size_t shown = std::min(most, changed.size());
    if (shown == 0) return "";
    std::string out = fmt::format("\nchanged, {} of {}:\n", shown, changed.size());
    for (size_t i = 0; i < shown; ++i) {
        const Json& one = changed[i];
        out += fmt::format(
            "  {} {} {}, document {}: {:.3g} -> {:.3g}\n    asked   {}\n    right   {}\n"
            "    a said  {}\n    b said  {}\n",
            one["task"].get<std::string>(), one["filter"].get<std::string>(),
            one["metric"].get<std::string>(), one["doc_id"].get<int64_t>(), one["a"].get<double>(),
            one["b"].get<double>(), Short(one["question"], 160), Short(one["target"], 80),
            Short(one["a_answer"], 80), Short(one["b_answer"], 80));
    }
    return out;
}

std::string DiffText(const Json& diff, size_t show) {
    std::string out;
    for (size_t i = 0; i < 2; ++i)
        out += fmt::format("{}  {}  {}\n", "ab"[i], diff["runs"][i]["model"].get<std::string>(),
                           diff["runs"][i]["folder"].get<std::string>());
    out += "\n" + RowsTable(diff) + "\n";
    for (const Json& row : diff["tasks"])
        out += fmt::format("{} {}: {}\n", row["task"].get<std::string>(),
                           row["metric"].get<std::string>(), row["conclusion"].get<std::string>());
    return out + ChangedText(diff, show);
}

Result<Json> Run(const DiffArguments& arguments) {
    LATHE_TRY(auto baseline, FindRun(arguments.baseline));
    LATHE_TRY(auto candidate, FindRun(arguments.candidate));
    return eval::DiffRuns(baseline, candidate);
}

int DiffCommand(const DiffArguments& arguments) {
    auto diff = Run(arguments);
    if (!diff) {
        std::fprintf(stderr, "lathe eval diff: %s\n", diff.error().message.c_str());
        return 1;
    }
    for (const Json& warning : (*diff)["warnings"])
        std::fprintf(stderr, "lathe eval diff: warning: %s\n",
                     warning.get_ref<const std::string&>().c_str());
    fmt::print("{}", arguments.json ? DumpJson(*diff, 2) + "\n"
                                    : DiffText(*diff, static_cast<size_t>(arguments.show)));
    return 0;
}

}  // namespace

void AddEvalDiffCommand(CLI::App& eval, int& exit_code) {
    auto arguments = std::make_shared<DiffArguments>();
    CLI::App* command = eval.add_subcommand(
        "diff",
        "Compare two runs on the documents that both answered: what changed, and may "
        "one say that one is better");
    command->add_option("baseline", arguments->baseline, "A run's folder")->required();
    command->add_option("candidate", arguments->candidate, "Another's")->required();
    command->add_option("--show", arguments->show, "How many of the changed documents to print")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    command->add_flag("--json", arguments->json, "Print all as JSON");
    command->callback([arguments, &exit_code] { exit_code = DiffCommand(*arguments); });
}

}  // namespace lathe::app
