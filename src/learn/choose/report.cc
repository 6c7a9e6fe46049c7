#include "learn/choose/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "compute/chat/unicode.h"
#include "core/base/html.h"
#include "learn/choose/pareto_chart.h"
#include "learn/choose/report_table.h"
#include "learn/choose/words.h"

namespace lathe::choose {
namespace {

// Columns of a terminal: wide characters take two.
size_t Width(std::string_view text) {
    size_t width = 0;
    for (size_t at = 0; at < text.size();) {
        char32_t c = chat::NextCodePoint(text, at);
        bool wide = (c >= 0x2e80 && c <= 0xa4cf) || (c >= 0xac00 && c <= 0xd7a3) ||
                    (c >= 0xf900 && c <= 0xfaff) || (c >= 0xff00 && c <= 0xff60);
        width += wide ? 2 : 1;
    }
    return width;
}

std::string TableAsText(const ReportTable& table) {
    std::vector<size_t> widths(table.heads.size());
    auto measure = [&](const std::vector<std::string>& row) {
        for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
    };
    measure(table.heads);
    for (const auto& row : table.rows) measure(row);
    auto line = [&](const std::vector<std::string>& row) {
        std::string text;
        for (size_t i = 0; i < row.size(); ++i)
            text += row[i] + std::string(widths[i] - Width(row[i]) + 2, ' ');
        return text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
    };
    std::string out = line(table.heads);
    for (const auto& row : table.rows) out += line(row);
    return out;
}

std::string TableAsHtml(const ReportTable& table) {
    std::string out = "<div class=\"wide\"><table><thead><tr>";
    for (const std::string& head : table.heads) out += fmt::format("<th>{}</th>", EscapeHtml(head));
    out += "</tr></thead><tbody>\n";
    for (const auto& row : table.rows) {
        out += "<tr>";
        for (const std::string& cell : row) out += fmt::format("<td>{}</td>", EscapeHtml(cell));
        out += "</tr>\n";
    }
    return out + "</tbody></table></div>\n";
}

struct Section {
    std::string title;
    std::vector<std::string> sentences;
};

std::vector<Section> Sections(const Choice& choice, Language language) {
    return {{Say(language, "Recommendation", "推荐"), RecommendationSentences(choice, language)},
            {Say(language, "What would change it", "什么会改变推荐"),
             ChangeSentences(choice, language)},
            {Say(language, "Tune or grow", "微调还是换大模型"), AdviceSentences(choice, language)}};
}

std::string SectionAsHtml(const Section& section) {
    if (section.sentences.empty()) return "";
    std::string out = fmt::format("<h2>{}</h2>\n<ul>\n", EscapeHtml(section.title));
    for (const std::string& sentence : section.sentences)
        out += fmt::format("<li>{}</li>\n", EscapeHtml(sentence));
    return out + "</ul>\n";
}

// Quality against one of the costs; "" if no candidate has it.
std::string ChartOf(const Choice& choice, Limit limit, Language language) {
    ParetoChart chart;
    std::string name = LimitName(limit, language);
    static constexpr std::string_view kUnits[] = {"ms", "tok/s", "GiB", ""};
    std::string unit(kUnits[static_cast<size_t>(limit)]);
    if (limit == Limit::kCost) unit = choice.brief.money.currency;
    chart.x_title = name + ", " + unit +
                    (IsLeast(limit) ? Say(language, " (more is better)", "（越高越好）")
                                    : Say(language, " (less is better)", "（越低越好）"));
    chart.y_title = Say(language, "quality", "质量");
    chart.limit = ValueOf(choice.brief.limits, limit);
    for (size_t place = 0; place < choice.standings.size(); ++place) {
        const Standing& standing = choice.standings[place];
        const Contestant& one = choice.contestants[standing.contestant];
        auto x = ValueOf(one.costs, limit);
        if (!x) continue;
        bool on_front = limit == Limit::kSpeed    ? standing.on_speed_front
                        : limit == Limit::kMemory ? standing.on_memory_front
                                                  : standing.on_cost_front;
        chart.points.push_back(
            {.label = fmt::format("{}", place + 1),
             .title = fmt::format("{}: {}, {}", one.name, Points(standing.quality),
                                  LimitValue(limit, *x, choice.brief)),
             .x = *x,
             .y = standing.quality,
             .low = standing.interval.low,
             .high = standing.interval.high,
             .on_front = on_front,
             .keeps_limits = standing.broken.empty(),
             .recommended = choice.winner == standing.contestant});
    }
    std::string svg = chart.AsSvg();
    if (svg.empty()) return "";
    return fmt::format("<h3>{}</h3>\n{}",
                       EscapeHtml(Say(language, fmt::format("Quality against {}", name),
                                      fmt::format("质量与{}", name))),
                       svg);
}

constexpr std::string_view kStyle =
    ":root{color-scheme:light dark;--point:#2a6fb0;--best:#1a7f4b;--out:#8a8a8a;--limit:#b03a2e}"
    "@media(prefers-color-scheme:dark){:root{--point:#6fb1ec;--best:#5fd39a;--out:#888;"
    "--limit:#ff8a7a}}"
    "body{font:15px/1.5 system-ui,sans-serif;max-width:64em;margin:2em auto;padding:0 1em}"
    ".wide{overflow-x:auto}table{border-collapse:collapse}th,td{padding:.3em .7em;"
    "text-align:left;border-bottom:1px solid #8884;vertical-align:top}"
    "svg{max-width:100%;font-size:12px;fill:currentColor}.grid{stroke:#8884}"
    ".front{fill:none;stroke:var(--point);stroke-width:1.5;opacity:.6}"
    ".limit{stroke:var(--limit);stroke-dasharray:5 4}.bar{stroke-width:2;opacity:.45}"
    ".point circle{fill:var(--point)}.point .bar{stroke:var(--point)}"
    ".best circle{fill:var(--best)}.best .bar{stroke:var(--best)}"
    ".out circle{fill:var(--out)}.out .bar{stroke:var(--out)}"
    "g text{fill:Canvas;font-size:11px;font-weight:600}footer{opacity:.7;font-size:13px}";

std::string Charts(const Choice& choice, Language language) {
    std::string charts;
    for (Limit limit : {Limit::kSpeed, Limit::kMemory, Limit::kCost})
        charts += ChartOf(choice, limit, language);
    if (charts.empty()) return "";
    return fmt::format(
        "<h2>{}</h2>\n<p>{}</p>\n{}", EscapeHtml(Say(language, "What quality costs", "质量的代价")),
        EscapeHtml(Say(language,
                       "The numbers are the places in the table; bars are 95 % intervals. The "
                       "line joins those that nobody beats in both; grey breaks a limit, green is "
                       "recommended, the dashed line is the limit.",
                       "数字是表中的名次，竖线为 95% 区间。连线上的候选没有其他候选同时更好更省；"
                       "灰色表示超出限制，绿色为推荐，虚线为限制。")),
        charts);
}

}  // namespace

std::string ChoiceAsText(const Choice& choice, Language language) {
    std::string out = choice.brief.title + "\n" + choice.machine + "\n\n";
    if (!choice.standings.empty()) out += TableAsText(RankingTable(choice, language)) + "\n";
    ReportTable fates = FateTable(choice, language);
    if (!fates.rows.empty()) out += TableAsText(fates) + "\n";
    for (const Section& section : Sections(choice, language)) {
        if (section.sentences.empty()) continue;
        out += section.title + "\n";
        for (const std::string& sentence : section.sentences) out += "  " + sentence + "\n";
        out += "\n";
    }
    ReportTable machines = MachineTable(choice, language);
    if (!machines.rows.empty())
        out += PredictionSentence(language) + "\n" + TableAsText(machines) + "\n";
    return out + QualitySentence(language) + "\n" + TrafficSentence(choice, language) + "\n";
}

std::string ChoiceAsHtml(const Choice& choice, Language language) {
    std::string title = EscapeHtml(choice.brief.title);
    std::string out = fmt::format(
        "<!doctype html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\">"
        "<meta name=\"viewport\" content=\"width=device-width\"><title>{}</title>"
        "<style>{}</style></head><body>\n<h1>{}</h1>\n<p>{}</p>\n",
        Say(language, "en", "zh-CN"), title, kStyle, title, EscapeHtml(choice.machine));
    std::vector<Section> sections = Sections(choice, language);
    out += SectionAsHtml(sections[0]);
    if (!choice.standings.empty())
        out += fmt::format("<h2>{}</h2>\n", EscapeHtml(Say(language, "Ranking", "排名"))) +
               TableAsHtml(RankingTable(choice, language));
    out += Charts(choice, language);
    for (size_t i = 1; i < sections.size(); ++i) out += SectionAsHtml(sections[i]);
    if (ReportTable fates = FateTable(choice, language); !fates.rows.empty())
        out +=
            fmt::format("<h2>{}</h2>\n", EscapeHtml(Say(language, "Not in the ranking, and remarks",
                                                        "未列入排名者与备注"))) +
            TableAsHtml(fates);
    if (ReportTable machines = MachineTable(choice, language); !machines.rows.empty())
        out +=
            fmt::format("<h2>{}</h2>\n<p>{}</p>\n",
                        EscapeHtml(Say(language, "Other machines (predicted)", "其他机器（预测）")),
                        EscapeHtml(PredictionSentence(language))) +
            TableAsHtml(machines);
    out += fmt::format("<h2>{}</h2>\n", EscapeHtml(Say(language, "Tasks", "任务"))) +
           TableAsHtml(TaskTable(choice, language));
    return out + fmt::format("<footer><p>{}</p><p>{}</p></footer>\n</body></html>\n",
                             EscapeHtml(QualitySentence(language)),
                             EscapeHtml(TrafficSentence(choice, language)));
}

}  // namespace lathe::choose
