#include "learn/eval/task_config.h"

#include <algorithm>

#include "learn/eval/filter_options.h"
#include "learn/eval/metric_table.h"

namespace lathe::eval {
namespace {

struct Refused {
    const char* key;
    const char* why;
};

// Keys that lm-evaluation-harness has and that would change what is measured.
constexpr Refused kRefused[] = {
    {"class", "a task that is a Python class cannot run here"},
    {"custom_dataset", "data comes from local files: give `dataset_kwargs.data_files`"},
    {"process_docs", "it is a Python function: prepare the data file instead"},
    {"process_results", "it is a Python function: use `filter_list` and `metric_list`"},
    {"use_prompt", "promptsource is not supported: write the prompt into `doc_to_text`"},
    {"doc_to_audio", "tasks with sound are not supported"},
};

// Keys that change nothing here.
constexpr const char* kIgnored[] = {"tag", "group", "group_alias", "doc_to_decontamination_query"};

std::optional<std::string> TextOrNone(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    return std::nullopt;
}

Result<std::optional<std::string>> TakeOptional(FilterOptions& keys, const std::string& key) {
    LATHE_TRY(Json value, keys.Take(key, Json(nullptr)));
    if (!value.is_null() && !value.is_string())
        return InvalidParam(key, "`{}` must be a text", key);
    return TextOrNone(value);
}

Status AddFiles(TaskConfig& task, const std::string& split, const Json& value,
                const std::filesystem::path& folder) {
    std::vector<std::filesystem::path>& paths = task.data_files[split];
    for (const Json& item : value.is_array() ? value : Json::array({value})) {
        if (!item.is_string())
            return InvalidParam("data_files",
                                "`data_files` of `{}` must be a path or a list of "
                                "paths",
                                split);
        paths.push_back((folder / item.get<std::string>()).lexically_normal());
    }
    return {};
}

Status ReadDataKeys(FilterOptions& keys, TaskConfig& task, const std::filesystem::path& folder) {
    LATHE_TRY(std::string path, keys.TakeText("dataset_path", ""));
    LATHE_RETURN_IF_ERROR(TakeOptional(keys, "dataset_name"));
    LATHE_TRY(Json given, keys.Take("dataset_kwargs", Json::object()));
    if (path != "json" && path != "csv")
        return InvalidParam("dataset_path",
                            "`dataset_path: {}` is not a local file's kind. Data sets are not "
                            "fetched from a hub: save it as JSON lines or CSV, and write "
                            "`dataset_path: json` (or csv) with `dataset_kwargs: {{data_files: "
                            "{{test: FILE}}}}`",
                            path);
    task.data.format = path == "csv" ? DataFormat::kCsv : DataFormat::kJson;
    FilterOptions kwargs(given);
    LATHE_TRY(Json files, kwargs.Take("data_files", Json(nullptr)));
    LATHE_TRY(task.data.field, kwargs.TakeText("field", ""));
    LATHE_TRY(std::string delimiter, kwargs.TakeText("delimiter", ","));
    if (delimiter.size() != 1)
        return InvalidParam("delimiter", "`delimiter` must be one character");
    task.data.delimiter = delimiter[0];
    for (const char* harmless : {"trust_remote_code", "features"})
        LATHE_RETURN_IF_ERROR(kwargs.Take(harmless, Json(nullptr)));
    LATHE_RETURN_IF_ERROR(kwargs.CheckAllTaken());
    if (files.is_object()) {
        for (const auto& [split, value] : files.items())
            LATHE_RETURN_IF_ERROR(AddFiles(task, split, value, folder));
    } else if (!files.is_null()) {
        LATHE_RETURN_IF_ERROR(AddFiles(task, "train", files, folder));
    }
    if (task.data_files.empty())
        return InvalidParam("data_files",
                            "`dataset_kwargs.data_files` is missing: name the file "
                            "of each split, as {{test: data.jsonl}}, relative to the task file");
    return {};
}

Status CheckSplit(const TaskConfig& task, const std::optional<std::string>& split,
                  const std::string& key) {
    if (!split || task.data_files.contains(*split)) return {};
    return InvalidParam(key, "`{}: {}`: `data_files` has no such split", key, *split);
}

Status ReadSplits(FilterOptions& keys, TaskConfig& task) {
    LATHE_TRY(task.training_split, TakeOptional(keys, "training_split"));
    LATHE_TRY(task.validation_split, TakeOptional(keys, "validation_split"));
    LATHE_TRY(task.test_split, TakeOptional(keys, "test_split"));
    LATHE_TRY(task.fewshot.split, TakeOptional(keys, "fewshot_split"));
    if (!task.test_split && !task.validation_split)
        return InvalidParam("test_split", "a task needs `test_split` or `validation_split`");
    LATHE_RETURN_IF_ERROR(CheckSplit(task, task.training_split, "training_split"));
    LATHE_RETURN_IF_ERROR(CheckSplit(task, task.validation_split, "validation_split"));
    return CheckSplit(task, task.test_split, "test_split");
}

Status CheckField(const Json& value, const std::string& key) {
    bool fits = value.is_string() || value.is_number_integer();
    if (key.ends_with("choice")) fits = value.is_string() || value.is_array() || value.is_object();
    if (key.ends_with("target")) fits = fits || value.is_array();
    if (fits || (value.is_null() && key.ends_with("choice"))) return {};
    return InvalidParam(key,
                        "`{}` is missing or of a kind that it cannot have: give a column's "
                        "name or a template{}",
                        key, key.ends_with("choice") ? ", or a list of texts" : "");
}

Status ReadPrompt(FilterOptions& keys, TaskConfig& task) {
    for (auto [key, place] : {std::pair("doc_to_text", &task.doc_to_text),
                              std::pair("doc_to_target", &task.doc_to_target),
                              std::pair("doc_to_choice", &task.doc_to_choice)}) {
        LATHE_TRY(*place, keys.Take(key, Json(nullptr)));
        LATHE_RETURN_IF_ERROR(CheckField(*place, key));
    }
    if (task.output_type == OutputType::kMultipleChoice && task.doc_to_choice.is_null())
        return InvalidParam("doc_to_choice",
                            "`output_type: multiple_choice` needs "
                            "`doc_to_choice`: a column with a list, a list, or a template");
    LATHE_TRY(task.doc_to_image, keys.TakeTexts("doc_to_image"));
    if (!task.doc_to_image.empty() && task.output_type != OutputType::kGenerateUntil)
        return InvalidParam("doc_to_image",
                            "`doc_to_image` goes with `output_type: generate_until`");
    LATHE_TRY(task.description, keys.TakeText("description", ""));
    LATHE_TRY(task.target_delimiter, keys.TakeText("target_delimiter", " "));
    LATHE_TRY(task.fewshot_delimiter, keys.TakeText("fewshot_delimiter", "\n\n"));
    LATHE_TRY(task.gen_prefix, TakeOptional(keys, "gen_prefix"));
    return {};
}

Status ReadFewshotDocuments(FilterOptions& keys, FewshotConfig& fewshot) {
    LATHE_TRY(Json indices, keys.Take("fewshot_indices", Json(nullptr)));
    if (!indices.is_null()) {
        auto is_index = [](const Json& i) {
            return i.is_number_integer() && i.get<int64_t>() >= 0;
        };
        if (!indices.is_array() || !std::ranges::all_of(indices, is_index))
            return InvalidParam("fewshot_indices", "`fewshot_indices` must be a list of numbers");
        fewshot.indices = indices.get<std::vector<int64_t>>();
    }
    LATHE_TRY(Json samples, keys.Take("samples", Json(nullptr)));
    if (samples.is_null()) return {};
    auto is_document = [](const Json& sample) { return sample.is_object(); };
    if (!samples.is_array() || !std::ranges::all_of(samples, is_document))
        return InvalidParam("samples", "`fewshot_config.samples` must be a list of documents");
    fewshot.samples = samples.get<std::vector<Json>>();
    return {};
}

Status ReadFewshot(FilterOptions& keys, TaskConfig& task) {
    LATHE_TRY(Json count, keys.Take("num_fewshot", Json(nullptr)));
    if (!count.is_null()) {
        if (!count.is_number_integer() || count.get<int64_t>() < 0)
            return InvalidParam("num_fewshot", "`num_fewshot` must be 0 or more");
        task.num_fewshot = count.get<int64_t>();
    }
    LATHE_TRY(Json given, keys.Take("fewshot_config", Json::object()));
    if (given.is_null()) given = Json::object();
    if (!given.is_object())
        return InvalidParam("fewshot_config", "`fewshot_config` must be a mapping");
    FilterOptions inner(given);
    FewshotConfig& fewshot = task.fewshot;
    LATHE_TRY(fewshot.sampler, inner.TakeText("sampler", "default"));
    if (fewshot.sampler != "default" && fewshot.sampler != "first_n")
        return InvalidParam("sampler",
                            "the few-shot sampler `{}` is not known; there are "
                            "`default` and `first_n`",
                            fewshot.sampler);
    LATHE_TRY(auto split, TakeOptional(inner, "split"));
    if (split) fewshot.split = split;
    LATHE_RETURN_IF_ERROR(CheckSplit(task, fewshot.split, "fewshot_split"));
    for (auto [key, place, whole] :
         {std::tuple("doc_to_text", &fewshot.doc_to_text, &task.doc_to_text),
          std::tuple("doc_to_target", &fewshot.doc_to_target, &task.doc_to_target),
          std::tuple("doc_to_choice", &fewshot.doc_to_choice, &task.doc_to_choice)}) {
        LATHE_TRY(*place, inner.Take(key, *whole));
        LATHE_RETURN_IF_ERROR(CheckField(*place, key));
    }
    LATHE_TRY(fewshot.gen_prefix, TakeOptional(inner, "gen_prefix"));
    if (!fewshot.gen_prefix) fewshot.gen_prefix = task.gen_prefix;
    LATHE_TRY(fewshot.target_delimiter, inner.TakeText("target_delimiter", task.target_delimiter));
    LATHE_TRY(fewshot.fewshot_delimiter,
              inner.TakeText("fewshot_delimiter", task.fewshot_delimiter));
    LATHE_RETURN_IF_ERROR(ReadFewshotDocuments(inner, fewshot));
    return inner.CheckAllTaken();
}

Result<double> TakeNumber(FilterOptions& keys, const std::string& key, double fallback, double low,
                          double high) {
    LATHE_TRY(Json value, keys.Take(key, fallback));
    if (value.is_null()) value = fallback;
    if (!value.is_number() || value.get<double>() < low || value.get<double>() > high)
        return InvalidParam(key, "`generation_kwargs.{}` must be a number from {} to {}", key, low,
                            high);
    return value.get<double>();
}

Status ReadGeneration(FilterOptions& keys, TaskConfig& task) {
    LATHE_TRY(Json given, keys.Take("generation_kwargs", Json(nullptr)));
    GenerationConfig& generation = task.generation;
    if (given.is_null())
        given = Json{{"temperature", 0.0},
                     {"do_sample", false},
                     {"max_gen_toks", 256},
                     {"until", Json::array({task.fewshot_delimiter})}};
    if (!given.is_object())
        return InvalidParam("generation_kwargs", "`generation_kwargs` must be a mapping");
    if (!given.contains("until")) given["until"] = Json::array({task.fewshot_delimiter});
    if (given.contains("temperature") && given["temperature"].is_number())
        given["temperature"] = given["temperature"].get<double>();
    generation.as_written = given;
    FilterOptions inner(given);
    LATHE_TRY(generation.until, inner.TakeTexts("until"));
    std::erase(generation.until, "");
    LATHE_TRY(bool samples, inner.TakeBool("do_sample", false));
    for (const char* key :
         {"max_completion_tokens", "max_tokens", "max_new_tokens", "max_gen_toks"}) {
        LATHE_TRY(double count, TakeNumber(inner, key, generation.tokens_max, 1, 1 << 20));
        generation.tokens_max = static_cast<int32_t>(count);
    }
    LATHE_TRY(double temperature, TakeNumber(inner, "temperature", samples ? 1 : 0, 0, 100));
    LATHE_TRY(double top_p, TakeNumber(inner, "top_p", 1, 0, 1));
    LATHE_TRY(double top_k, TakeNumber(inner, "top_k", 0, 0, 1 << 20));
    generation.temperature = samples ? static_cast<float>(temperature) : 0;
    generation.top_p = static_cast<float>(top_p);
    generation.top_k = static_cast<int32_t>(top_k);
    return inner.CheckAllTaken();
}

Status ReadScoring(FilterOptions& keys, TaskConfig& task) {
    LATHE_TRY(Json metrics, keys.Take("metric_list", Json(nullptr)));
    if (metrics.is_null()) {
        task.metrics = DefaultMetrics(task.output_type);
    } else {
        if (!metrics.is_array() || metrics.empty())
            return InvalidParam("metric_list", "`metric_list` must be a list");
        for (const Json& entry : metrics) {
            LATHE_TRY(auto parsed, ParseMetric(entry, task.output_type));
            task.metrics.insert(task.metrics.end(), parsed.begin(), parsed.end());
        }
    }
    LATHE_TRY(task.repeats, keys.TakeInteger("repeats", 1));
    if (task.repeats < 1 || task.repeats > 1000)
        return InvalidParam("repeats", "`repeats` must be from 1 to 1000");
    LATHE_TRY(Json filters, keys.Take("filter_list", Json(nullptr)));
    if (filters.is_null()) return {};
    if (!filters.is_array() || filters.empty())
        return InvalidParam("filter_list", "`filter_list` must be a list");
    task.filters = filters.get<std::vector<Json>>();
    return {};
}

Status ReadHead(FilterOptions& keys, TaskConfig& task) {
    for (const Refused& refused : kRefused) {
        LATHE_TRY(Json value, keys.Take(refused.key, Json(nullptr)));
        if (!value.is_null())
            return InvalidParam(refused.key, "`{}` is not supported: {}", refused.key, refused.why);
    }
    for (const char* key : kIgnored) LATHE_RETURN_IF_ERROR(keys.Take(key, Json(nullptr)));
    LATHE_TRY(bool unsafe_code, keys.TakeBool("unsafe_code", false));  // runs in the sandbox
    (void)unsafe_code;
    LATHE_TRY(bool decontaminates, keys.TakeBool("should_decontaminate", false));
    if (decontaminates)
        return InvalidParam("should_decontaminate",
                            "`should_decontaminate: true` is not supported here");
    LATHE_TRY(task.name, keys.TakeText("task", ""));
    if (task.name.empty()) return InvalidParam("task", "`task` is missing: the task's name");
    LATHE_TRY(task.alias, keys.TakeText("task_alias", task.name));
    LATHE_TRY(Json metadata, keys.Take("metadata", Json::object()));
    if (metadata.is_object() && metadata.contains("version")) task.version = metadata["version"];
    LATHE_TRY(std::string output, keys.TakeText("output_type", "generate_until"));
    for (auto type : {OutputType::kMultipleChoice, OutputType::kLoglikelihood,
                      OutputType::kLoglikelihoodRolling, OutputType::kGenerateUntil}) {
        if (output != OutputTypeName(type)) continue;
        task.output_type = type;
        return {};
    }
    return InvalidParam("output_type",
                        "`output_type: {}` is not known; there are "
                        "multiple_choice, loglikelihood, loglikelihood_rolling and "
                        "generate_until",
                        output);
}

Status ReadAll(FilterOptions& keys, TaskConfig& task, const std::filesystem::path& folder) {
    LATHE_RETURN_IF_ERROR(ReadHead(keys, task));
    LATHE_RETURN_IF_ERROR(ReadDataKeys(keys, task, folder));
    LATHE_RETURN_IF_ERROR(ReadSplits(keys, task));
    LATHE_RETURN_IF_ERROR(ReadPrompt(keys, task));
    LATHE_RETURN_IF_ERROR(ReadFewshot(keys, task));
    LATHE_RETURN_IF_ERROR(ReadGeneration(keys, task));
    LATHE_RETURN_IF_ERROR(ReadScoring(keys, task));
    return keys.CheckAllTaken();
}

}  // namespace

Result<TaskConfig> TaskConfig::FromJson(const Json& config, const std::filesystem::path& folder) {
    FilterOptions keys(config);
    TaskConfig task;
    task.as_written = config;
    task.folder = folder;
    if (auto read = ReadAll(keys, task, folder); !read)
        return std::unexpected(
            WithContext(std::move(read).error(), "task " + (task.name.empty() ? "?" : task.name)));
    return task;
}

}  // namespace lathe::eval
