#include "service/runs/run_results.h"

#include <set>
#include <string>

#include "core/json/member.h"

namespace lathe::runs {
namespace {

constexpr size_t kScoresMax = 2000;
constexpr size_t kHeadlineMax = 6;

// The version may be a number or text; shots a number.
Json PlainOrNull(const Json& value) {
    return value.is_number() || value.is_string() ? value : Json(nullptr);
}

Json NumberOrNull(const Json& value) {
    return value.is_number() ? value : Json(nullptr);
}

Json ScoreOf(const Json& results, const std::string& task, const std::string& key,
             const Json& entry) {
    size_t comma = key.find(',');
    std::string metric = key.substr(0, comma);
    std::string filter = key.substr(comma + 1);
    const Json& direction = MemberOf(MemberOf(MemberOf(results, "higher_is_better"), task), metric);
    const Json& samples = MemberOf(MemberOf(MemberOf(results, "n-samples"), task), "effective");
    std::string alias = TextOf(entry, "alias");
    return Json{
        {"task", task},
        {"alias", alias.empty() ? task : alias},
        {"metric", metric},
        {"filter", filter},
        {"value", entry[key]},
        {"stderr", NumberOrNull(MemberOf(entry, metric + "_stderr," + filter))},
        {"higher_is_better", direction.is_boolean() ? direction : Json(nullptr)},
        {"documents", NumberOrNull(samples.is_number() ? samples : MemberOf(entry, "sample_len"))},
        {"shots", PlainOrNull(MemberOf(MemberOf(results, "n-shot"), task))},
        {"version", PlainOrNull(MemberOf(MemberOf(results, "versions"), task))},
        {"is_group", MemberOf(MemberOf(results, "group_subtasks"), task).is_array()}};
}

}  // namespace

Json ScoresOf(const Json& results) {
    Json scores = Json::array();
    const Json& tasks = MemberOf(results, "results");
    if (!tasks.is_object()) return scores;
    for (const auto& [task, entry] : tasks.items()) {
        if (!entry.is_object()) continue;
        for (const auto& [key, value] : entry.items()) {
            if (scores.size() == kScoresMax) return scores;
            size_t comma = key.find(',');
            bool is_score = comma != std::string::npos && value.is_number() &&
                            !std::string_view(key).substr(0, comma).ends_with("_stderr");
            if (is_score) scores.push_back(ScoreOf(results, task, key, entry));
        }
    }
    return scores;
}

Json HeadlineOf(const Json& scores, const Json& results) {
    std::set<std::string> members;
    const Json& groups = MemberOf(results, "group_subtasks");
    if (groups.is_object())
        for (const auto& [group, names] : groups.items())
            if (names.is_array() && names.size() > 0)
                for (const Json& name : names)
                    if (name.is_string()) members.insert(name.get<std::string>());
    std::set<std::string> scored;
    for (const Json& score : scores) scored.insert(score["task"].get<std::string>());
    // A group without a score of its own does not speak for its members.
    auto is_spoken_for = [&](const std::string& task) {
        if (!members.contains(task)) return false;
        for (const auto& [group, names] : groups.items())
            if (scored.contains(group) && names.is_array())
                for (const Json& name : names)
                    if (name == task) return true;
        return false;
    };
    Json headline = Json::array();
    std::set<std::string> shown;
    for (bool wants_groups : {true, false})
        for (const Json& score : scores) {
            std::string task = score["task"].get<std::string>();
            if (headline.size() == kHeadlineMax) return headline;
            if (score["is_group"] == wants_groups && !is_spoken_for(task) &&
                shown.insert(task).second)
                headline.push_back(score);
        }
    return headline;
}

}  // namespace lathe::runs
