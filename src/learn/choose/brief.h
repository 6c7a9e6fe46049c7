#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/json/json.h"

namespace lathe::choose {

enum class Language : uint8_t { kEnglish, kChinese };
// "en" or "zh".
std::optional<Language> FindLanguage(std::string_view name);

// What is measured of a candidate's quality: exactly one of `builtin`, `file`, `prompts`.
struct BriefTask {
    std::string name;                // for the report, unique
    std::string builtin;             // a task that the program brings along
    std::filesystem::path file;      // in lm-evaluation-harness's YAML
    std::filesystem::path prompts;   // lines of prompt and expected text
    std::string match = "contains";  // of prompts: starts-with, contains or equals
    int64_t answer_tokens_max = 32;  // of prompts
    double weight = 1;
    std::string metric;            // "": the first one of the task
    std::string filter;            // "": the first one of the task
    std::optional<double> chance;  // the score of who guesses; nullopt: from the choices
    std::optional<int64_t> shots;  // instead of the task's own number of examples
    bool chat = false;             // asked as a chat, by the model's template
};

// What must hold on this machine, and with how many readers. What is not given is no limit.
struct Limits {
    std::optional<double> first_token_ms{};
    std::optional<double> tokens_per_second{};  // of one reader, while all read
    std::optional<double> memory_gib{};
    std::optional<double> cost_per_million_tokens{};
};

// The traffic that is measured and predicted.
struct Traffic {
    int users = 1;  // at the same time
    int prompt_tokens = 256;
    int answer_tokens = 64;
};

struct Money {
    std::string currency = "USD";
    std::optional<double> machine_hour;  // what an hour of this machine costs
};

// A model, or a server's model.
struct BriefCandidate {
    int line = 0;       // in the brief
    std::string model;  // a stored model's name, a file or a folder; or the server's model
    std::vector<std::string> precisions = {"as-is"};  // else names of `lathe quantize --to`
    std::string server;                               // "": this machine
    std::string key_env;  // the environment variable that holds the server's key
    std::optional<double> input_price_per_million;
    std::optional<double> output_price_per_million;
};

// What somebody wants to choose a model for: the text of a TOML file, checked.
struct Brief {
    static constexpr size_t kTasksMax = 64;
    static constexpr size_t kCandidatesMax = 64;
    static constexpr int kUsersMax = 1024;

    std::string title;
    Language report_language = Language::kEnglish;
    std::vector<std::string> languages;  // ISO 639 codes of what is going to be read
    int64_t screen_documents = 40;       // of a task, for the quick screen
    int64_t documents = 200;             // of a task, for those that stay
    std::vector<BriefTask> tasks;
    std::optional<int64_t> examples;  // at hand to tune with
    Limits limits;
    Traffic traffic;
    Money money;
    std::vector<BriefCandidate> candidates;
    std::vector<std::string> machines;  // to predict for

    // Relative files are taken from `folder` and must be there. Errors (kInvalidArgument,
    // kNotFound) name the key and its line; an unknown key is one, since a misspelt limit
    // would silently be none.
    static Result<Brief> Parse(std::string_view text, const std::filesystem::path& folder);
    static Result<Brief> Read(const std::filesystem::path& file);
};

}  // namespace lathe::choose
