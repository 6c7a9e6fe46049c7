#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/json/json.h"
#include "learn/eval/data_file.h"

namespace lathe::eval {

enum class OutputType : uint8_t {
    kMultipleChoice,        // which continuation is likeliest
    kLoglikelihood,         // how likely the target is
    kLoglikelihoodRolling,  // how likely a whole text is
    kGenerateUntil,         // what the model writes
};
std::string_view OutputTypeName(OutputType type);

struct MetricConfig {
    std::string name;
    std::string aggregation;
    bool higher_is_better = true;
    Json options = Json::object();  // further keys, as `ignore_case`
};

// How examples before the question are chosen and written; what is not given is as for
// the question.
struct FewshotConfig {
    std::string sampler = "default";  // or "first_n"
    std::optional<std::string> split;
    std::optional<std::vector<int64_t>> indices;
    std::optional<std::vector<Json>> samples;  // documents written in the task file itself
    Json doc_to_text;
    Json doc_to_target;
    Json doc_to_choice;
    std::optional<std::string> gen_prefix;
    std::string target_delimiter;
    std::string fewshot_delimiter;
};

// How `generate_until` writes.
struct GenerationConfig {
    std::vector<std::string> until;
    int32_t tokens_max = 256;
    float temperature = 0;  // 0: the likeliest token
    float top_p = 1;
    int32_t top_k = 0;
    Json as_written;  // what the samples file shows
};

// One task of lm-evaluation-harness's YAML, checked. Every key is known: what Lathe does
// not do (Python functions, images, hub data sets) is an error that says so, with the
// key in Error::param.
struct TaskConfig {
    // `config` as ReadTaskYaml gives it, `folder` of its file.
    static Result<TaskConfig> FromJson(const Json& config, const std::filesystem::path& folder);

    std::string name;
    std::string alias;
    Json version;  // metadata.version, null if there is none
    OutputType output_type = OutputType::kGenerateUntil;

    std::map<std::string, std::vector<std::filesystem::path>> data_files;  // by split
    DataOptions data;
    std::optional<std::string> training_split;
    std::optional<std::string> validation_split;
    std::optional<std::string> test_split;

    // A column's name, a template, a number; of a target also a list, of choices a list or
    // a mapping.
    Json doc_to_text;
    Json doc_to_target;
    Json doc_to_choice;                     // null: none
    std::vector<std::string> doc_to_image;  // columns with images, of kGenerateUntil
    std::filesystem::path folder;           // of the task file
    std::string description;
    std::string target_delimiter = " ";
    std::string fewshot_delimiter = "\n\n";
    std::optional<std::string> gen_prefix;
    FewshotConfig fewshot;
    std::optional<int64_t> num_fewshot;

    std::vector<MetricConfig> metrics;
    GenerationConfig generation;
    int64_t repeats = 1;
    std::vector<Json> filters;  // entries of filter_list; empty: the default

    Json as_written;  // for results.json
};

}  // namespace lathe::eval
