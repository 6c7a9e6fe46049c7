#include "learn/quant/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/html.h"

namespace lathe::quant {
namespace {

double Megabytes(uint64_t bytes) {
    return static_cast<double>(bytes) / 1e6;
}

const std::vector<std::string> kHeads = {"types",         "file MB",      "memory MB",
                                         "prefill tok/s", "decode tok/s", "perplexity",
                                         "KL mean",       "KL 99.9 %",    "same top-1"};

std::vector<std::string> Cells(const ReportRow& row) {
    return {row.name,
            fmt::format("{:.1f}", Megabytes(row.file_bytes)),
            fmt::format("{:.0f}", Megabytes(row.resident_bytes)),
            fmt::format("{:.0f}", row.prefill_tokens_per_second),
            fmt::format("{:.1f}", row.decode_tokens_per_second),
            fmt::format("{:.3f}", row.perplexity),
            fmt::format("{:.5f}", row.kl_mean),
            fmt::format("{:.4f}", row.kl_p999),
            fmt::format("{:.2f} %", 100 * row.top1_agreement)};
}

// Tasks in the order in which rows name them.
std::vector<std::string> Tasks(const std::vector<ReportRow>& rows) {
    std::vector<std::string> tasks;
    for (const ReportRow& row : rows)
        for (const ReportRow::Score& score : row.scores)
            if (std::ranges::find(tasks, score.task) == tasks.end()) tasks.push_back(score.task);
    return tasks;
}

std::string ScoreCell(const ReportRow& row, const std::string& task) {
    auto found = std::ranges::find(row.scores, task, &ReportRow::Score::task);
    if (found == row.scores.end()) return "";
    std::string value = fmt::format("{:.3f}", found->value);
    if (!found->kept || (found->low == 1 && found->high == 1)) return value;
    return fmt::format("{}  {:.1f} % [{:.1f}, {:.1f}]", value, 100 * *found->kept, 100 * found->low,
                       100 * found->high);
}

using Table = std::vector<std::vector<std::string>>;

Table MainTable(const std::vector<ReportRow>& rows) {
    Table lines = {kHeads};
    for (const ReportRow& row : rows) lines.push_back(Cells(row));
    return lines;
}

// A line per task; empty if none were evaluated.
Table ScoreTable(const std::vector<ReportRow>& rows) {
    std::vector<std::string> tasks = Tasks(rows);
    if (tasks.empty()) return {};
    Table lines = {{"score, share kept [95 %]"}};
    for (const ReportRow& row : rows) lines[0].push_back(row.name);
    for (const std::string& task : tasks) {
        lines.push_back({task});
        for (const ReportRow& row : rows) lines.back().push_back(ScoreCell(row, task));
    }
    return lines;
}

std::string TextOf(const Table& lines) {
    std::vector<size_t> widths(lines[0].size());
    for (const auto& line : lines)
        for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
    std::string out;
    for (const auto& line : lines) {
        out += fmt::format("{:<{}}", line[0], widths[0]);
        for (size_t i = 1; i < line.size(); ++i) out += fmt::format("  {:>{}}", line[i], widths[i]);
        out += "\n";
    }
    return out;
}

std::string HtmlOf(const Table& lines) {
    std::string out = "<table><thead><tr>";
    for (const std::string& head : lines[0]) out += fmt::format("<th>{}</th>", EscapeHtml(head));
    out += "</tr></thead><tbody>\n";
    for (size_t i = 1; i < lines.size(); ++i) {
        out += "<tr>";
        for (const std::string& cell : lines[i])
            out += fmt::format("<td>{}</td>", EscapeHtml(cell));
        out += "</tr>\n";
    }
    return out + "</tbody></table>\n";
}

// Divergence (logarithmic) against size; a row without divergence is the source and left out.
class Chart {
public:
    explicit Chart(const std::vector<ReportRow>& rows) {
        for (const ReportRow& row : rows)
            if (row.kl_mean > 0) rows_.push_back(&row);
        for (const ReportRow* row : rows_) {
            x_max_ = std::max(x_max_, Megabytes(row->file_bytes) * 1.1);
            y_low_ = std::min(y_low_, std::floor(std::log10(row->kl_mean)));
            y_high_ = std::max(y_high_, std::ceil(std::log10(row->kl_mean)));
        }
        if (y_low_ >= y_high_) y_low_ = y_high_ - 1;
    }

    std::string Svg() const {
        if (rows_.empty()) return "";
        std::string out = fmt::format(
            "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"KL divergence against file "
            "size\">\n",
            kWidth, kHeight);
        for (double decade = y_low_; decade <= y_high_; ++decade)
            out += fmt::format(
                "<line class=\"grid\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>"
                "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">1e{:.0f}</text>\n",
                kLeft, kWidth - kRight, Y(decade), Y(decade), kLeft - 6, Y(decade) + 4, decade);
        for (int i = 0; i <= 4; ++i) {
            double megabytes = x_max_ * i / 4;
            out += fmt::format(
                "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{:.0f}</text>\n",
                X(megabytes), kHeight - kBottom + 18, megabytes);
        }
        out +=
            fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">file, MB</text>\n",
                        (kLeft + kWidth - kRight) / 2, kHeight - 6);
        for (const ReportRow* row : rows_) {
            double x = X(Megabytes(row->file_bytes)), y = Y(std::log10(row->kl_mean));
            out += fmt::format(
                "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\"/>"
                "<text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
                x, y, x + 7, y - 5, EscapeHtml(row->name));
        }
        return out + "</svg>\n";
    }

private:
    static constexpr double kWidth = 720, kHeight = 400;
    static constexpr double kLeft = 50, kRight = 70, kTop = 20, kBottom = 44;

    double X(double megabytes) const {
        return kLeft + megabytes / x_max_ * (kWidth - kLeft - kRight);
    }
    double Y(double decade) const {
        return kTop + (y_high_ - decade) / (y_high_ - y_low_) * (kHeight - kTop - kBottom);
    }

    std::vector<const ReportRow*> rows_;
    double x_max_ = 1;
    double y_low_ = 0;
    double y_high_ = -20;
};

constexpr std::string_view kStyle =
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse}th,td{padding:.3em .7em;text-align:right;"
    "border-bottom:1px solid #8884}th:first-child,td:first-child{text-align:left}"
    "svg{max-width:100%;font-size:12px;fill:currentColor}.grid{stroke:#8884}circle{fill:#2a6fb0}"
    ":root{color-scheme:light dark}";

}  // namespace

std::string Report::AsText() const {
    Table scores = ScoreTable(rows);
    return TextOf(MainTable(rows)) + (scores.empty() ? "" : "\n" + TextOf(scores));
}

Json Report::AsJson() const {
    Json list = Json::array();
    for (const ReportRow& row : rows) {
        Json scores = Json::object();
        for (const ReportRow::Score& score : row.scores)
            scores[score.task] = {{"metric", score.metric},
                                  {"value", score.value},
                                  {"kept", score.kept ? Json(*score.kept) : Json()},
                                  {"low", score.low},
                                  {"high", score.high}};
        list.push_back({{"types", row.name},
                        {"file_bytes", row.file_bytes},
                        {"peak_resident_bytes", row.resident_bytes},
                        {"prefill_tokens_per_second", row.prefill_tokens_per_second},
                        {"decode_tokens_per_second", row.decode_tokens_per_second},
                        {"perplexity", row.perplexity},
                        {"kl_mean", row.kl_mean},
                        {"kl_p999", row.kl_p999},
                        {"top1_agreement", row.top1_agreement},
                        {"scores", std::move(scores)}});
    }
    return Json{{"model", model},
                {"text", text},
                {"positions", positions},
                {"machine", machine},
                {"candidates", std::move(list)}};
}

std::string Report::AsHtml() const {
    std::string out = fmt::format(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
        "<meta name=\"viewport\" content=\"width=device-width\">"
        "<title>{0}: precisions</title><style>{1}</style></head><body>\n<h1>{0}</h1>\n"
        "<p>Divergence from the source over {2} positions of {3}, in nats; speeds on {4}.</p>\n",
        EscapeHtml(model), kStyle, positions, EscapeHtml(text), EscapeHtml(machine));
    out += HtmlOf(MainTable(rows)) + "<h2>What a byte buys</h2>\n" + Chart(rows).Svg();
    if (Table scores = ScoreTable(rows); !scores.empty())
        out +=
            "<h2>Tasks</h2>\n<p>Scores; behind them the share of the source's that is kept, "
            "with the 95 % interval of paired differences.</p>\n" +
            HtmlOf(scores);
    return out + "</body></html>\n";
}

}  // namespace lathe::quant
