#include "eval/eval_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "compute/tokenizer/utf8.h"
#include "core/json/member.h"

namespace lathe::app {
namespace {

using Cells = std::vector<std::string>;

// Terminal columns, taking each character for one.
size_t Width(std::string_view text) {
    return static_cast<size_t>(
        std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string Number(const Json& value) {
    return value.is_number() ? fmt::format("{:.4f}", value.get<double>()) : "";
}

Cells LineOf(const Json& results, const std::string& task, const std::string& key) {
    const Json& scores = results["results"][task];
    size_t comma = key.find(',');
    std::string metric = key.substr(0, comma);
    std::string filter = key.substr(comma + 1);
    auto lookup = [&](const char* table) {
        return results.contains(table) ? results[table].value(task, Json()) : Json();
    };
    Json directions = lookup("higher_is_better");
    Json direction = directions.is_object() ? directions.value(metric, Json()) : Json();
    std::string error = Number(scores.value(metric + "_stderr," + filter, Json()));
    return {scores.value("alias", task),
            ShownOf(lookup("versions")),
            filter,
            ShownOf(lookup("n-shot")),
            ShownOf(scores.value("sample_len", Json())),
            metric,
            Number(scores[key]),
            (error.empty() ? "" : "± " + error) +
                (direction == Json(false) ? "  lower is better" : "")};
}

}  // namespace

std::string TextTable(const std::vector<std::vector<std::string>>& lines) {
    std::vector<size_t> widths;
    for (const Cells& line : lines) {
        widths.resize(std::max(widths.size(), line.size()));
        for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], Width(line[i]));
    }
    std::string out;
    for (const Cells& line : lines) {
        std::string text;
        for (size_t i = 0; i < line.size(); ++i)
            text += line[i] + std::string(widths[i] - Width(line[i]) + 2, ' ');
        out += text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
    }
    return out;
}

std::string EvalTable(const Json& results) {
    std::vector<Cells> lines = {
        {"task", "version", "filter", "shots", "documents", "metric", "value", "standard error"}};
    for (const auto& [task, scores] : results["results"].items())
        for (const auto& [key, value] : scores.items())
            if (key.contains(',') && !key.contains("_stderr,"))
                lines.push_back(LineOf(results, task, key));
    return TextTable(lines);
}

}  // namespace lathe::app
