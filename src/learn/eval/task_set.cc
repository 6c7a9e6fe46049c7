#include "learn/eval/task_set.h"

#include <algorithm>
#include <optional>

#include "learn/eval/filter_options.h"
#include "learn/eval/task_yaml.h"

namespace lathe::eval {
namespace {

constexpr int kGroupDepthMax = 16;

bool IsGroup(const Json& config) {
    return config.contains("group") && config.contains("task") && config["task"].is_array();
}

Result<std::vector<GroupMetric>> ParseGroupMetrics(const Json& given) {
    std::vector<GroupMetric> metrics;
    if (given.is_null()) return metrics;
    for (const Json& entry : given.is_array() ? given : Json::array({given})) {
        if (!entry.is_object())
            return InvalidParam("aggregate_metric_list",
                                "`aggregate_metric_list` is a list of "
                                "mappings with `metric`");
        FilterOptions keys(entry);
        GroupMetric metric;
        LATHE_TRY(metric.metric, keys.TakeText("metric", ""));
        LATHE_TRY(metric.weight_by_size, keys.TakeBool("weight_by_size", true));
        LATHE_TRY(metric.filters, keys.TakeTexts("filter_list"));
        LATHE_TRY(std::string aggregation, keys.TakeText("aggregation", "mean"));
        if (aggregation != "mean")
            return InvalidParam("aggregate_metric_list", "a group aggregates by `mean`, not `{}`",
                                aggregation);
        LATHE_RETURN_IF_ERROR(keys.CheckAllTaken());
        metrics.push_back(std::move(metric));
    }
    return metrics;
}

class Reader {
public:
    Status ReadFile(const std::filesystem::path& path, std::vector<std::string>* members) {
        LATHE_TRY(Json config, ReadTaskYaml(path));
        auto added = Add(config, path.parent_path(), members);
        if (!added) return std::unexpected(WithContext(std::move(added).error(), path.string()));
        return {};
    }

    TaskSet Release() { return std::move(set_); }

private:
    // Adds a task or group and its name to the `members` of the group around it.
    Status Add(const Json& config, const std::filesystem::path& folder,
               std::vector<std::string>* members) {
        if (IsGroup(config)) return AddGroup(config, folder, members);
        LATHE_TRY(TaskConfig task, TaskConfig::FromJson(config, folder));
        if (members) members->push_back(task.name);
        auto same = std::ranges::find(set_.tasks, task.name, &TaskConfig::name);
        if (same == set_.tasks.end()) {
            set_.tasks.push_back(std::move(task));
        } else if (same->as_written != task.as_written) {
            return InvalidParam("task", "two different tasks are named {}; rename one", task.name);
        }
        return {};
    }

    Status AddGroup(const Json& config, const std::filesystem::path& folder,
                    std::vector<std::string>* members) {
        if (++depth_ > kGroupDepthMax)
            return InvalidParam("group", "groups stand in each other more than {} deep",
                                kGroupDepthMax);
        FilterOptions keys(config);
        TaskGroup group;
        LATHE_TRY(group.name, keys.TakeText("group", ""));
        LATHE_TRY(group.alias, keys.TakeText("group_alias", group.name));
        LATHE_TRY(Json list, keys.Take("task", Json::array()));
        LATHE_TRY(Json metrics, keys.Take("aggregate_metric_list", Json(nullptr)));
        LATHE_TRY(group.metrics, ParseGroupMetrics(metrics));
        LATHE_TRY(Json metadata, keys.Take("metadata", Json::object()));
        if (metadata.is_object() && metadata.contains("version"))
            group.version = metadata["version"];
        LATHE_RETURN_IF_ERROR(keys.Take("tag", Json(nullptr)));
        LATHE_RETURN_IF_ERROR(keys.CheckAllTaken());
        for (const Json& member : list)
            LATHE_RETURN_IF_ERROR(AddMember(member, folder, group.members));
        for (const std::string& name : group.members) AddLeaves(name, group.tasks);
        if (group.tasks.empty())
            return InvalidParam("task", "the group {} has no tasks", group.name);
        if (members) members->push_back(group.name);
        if (std::ranges::count(set_.groups, group.name, &TaskGroup::name) == 0)
            set_.groups.push_back(std::move(group));
        --depth_;
        return {};
    }

    Status AddMember(const Json& member, const std::filesystem::path& folder,
                     std::vector<std::string>& members) {
        if (member.is_string()) {
            const auto& name = member.get_ref<const std::string&>();
            if (std::filesystem::is_regular_file(folder / name))
                return ReadFile(folder / name, &members);
            LATHE_TRY(Json config, FindByName(name, folder));
            return Add(config, folder, &members);
        }
        if (!member.is_object())
            return InvalidParam("task", "a member of a group is a name, a file or a mapping");
        if (IsGroup(member) || member.contains("doc_to_text") || member.contains("dataset_path"))
            return Add(member, folder, &members);
        if (!member.contains("task") || !member["task"].is_string())
            return InvalidParam("task", "a member of a group that is a mapping needs `task: NAME`");
        LATHE_TRY(Json config, FindByName(member["task"].get<std::string>(), folder));
        config.update(member);
        return Add(config, folder, &members);
    }

    // The task or group of that name in a file of the folder.
    static Result<Json> FindByName(const std::string& name, const std::filesystem::path& folder) {
        std::error_code failed;
        std::vector<std::filesystem::path> files;
        for (const auto& entry : std::filesystem::directory_iterator(folder, failed))
            if (entry.path().extension() == ".yaml") files.push_back(entry.path());
        std::ranges::sort(files);
        for (const std::filesystem::path& file : files) {
            auto config = ReadTaskYaml(file);
            if (!config) continue;  // another one's fault
            const char* key = IsGroup(*config) ? "group" : "task";
            if (config->value(key, Json()) == name) return *std::move(config);
        }
        return InvalidParam("task", "no file in {} is, or has, the task or group `{}`",
                            folder.string(), name);
    }

    void AddLeaves(const std::string& name, std::vector<std::string>& tasks) const {
        auto group = std::ranges::find(set_.groups, name, &TaskGroup::name);
        std::vector<std::string> leaves = {name};
        if (group != set_.groups.end()) leaves = group->tasks;
        for (const std::string& leaf : leaves)
            if (std::ranges::count(tasks, leaf) == 0) tasks.push_back(leaf);
    }

    TaskSet set_;
    int depth_ = 0;
};

}  // namespace

Result<TaskSet> ReadTaskSet(const std::vector<std::filesystem::path>& paths) {
    Reader reader;
    for (const std::filesystem::path& path : paths)
        LATHE_RETURN_IF_ERROR(reader.ReadFile(path, nullptr));
    return reader.Release();
}

Result<TaskSet> MakePromptCheck(const PromptCheck& check) {
    std::string metric = check.match;
    std::ranges::replace(metric, '-', '_');
    Json config{
        {"task", check.file.stem().string()},
        {"dataset_path", check.file.extension() == ".csv" ? "csv" : "json"},
        {"dataset_kwargs", {{"data_files", {{"test", check.file.filename().string()}}}}},
        {"test_split", "test"},
        {"output_type", "generate_until"},
        {"doc_to_text", "{{ prompt }}"},
        {"doc_to_target", "{{ expected }}"},
        {"generation_kwargs", {{"until", Json::array()}, {"max_gen_toks", check.tokens_max}}},
        {"metric_list", Json::array({Json{{"metric", metric}}})}};
    TaskSet set;
    LATHE_TRY(TaskConfig task, TaskConfig::FromJson(config, check.file.parent_path()));
    set.tasks.push_back(std::move(task));
    return set;
}

}  // namespace lathe::eval
