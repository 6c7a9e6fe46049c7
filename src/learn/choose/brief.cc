#include "learn/choose/brief.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/platform/files.h"
#include "learn/advise/machine.h"
#include "learn/choose/candidate.h"
#include "learn/choose/toml_document.h"
#include "learn/quant/mix.h"

namespace lathe::choose {
namespace {

struct Range {
    double low = 0;
    double high = 1e12;
    bool low_is_open = true;  // the lowest value itself is refused
};

// The keys of one table: each is taken once, and what was not asked for is an error.
class Keys {
public:
    Keys(const TomlDocument& document, const Json& table, std::string path)
        : document_(document), table_(table), path_(std::move(path)) {}

    bool Has(const std::string& key) const { return table_.contains(key); }

    Result<std::optional<std::string>> Text(const std::string& key) {
        const Json* value = Take(key);
        if (value == nullptr) return std::nullopt;
        if (!value->is_string() || value->get_ref<const std::string&>().empty())
            return Bad(key, "must be a text in quotes that is not empty");
        return value->get<std::string>();
    }

    Result<std::optional<double>> Number(const std::string& key, const Range& range) {
        const Json* value = Take(key);
        if (value == nullptr) return std::nullopt;
        if (!value->is_number()) return Bad(key, "must be a number");
        double number = value->get<double>();
        bool low = range.low_is_open ? number <= range.low : number < range.low;
        if (!std::isfinite(number) || low || number > range.high)
            return Bad(
                key,
                fmt::format("must be {} {:g}{}, not {:g}", range.low_is_open ? "above" : "at least",
                            range.low,
                            range.high < 1e12 ? fmt::format(" and at most {:g}", range.high) : "",
                            number));
        return number;
    }

    Result<std::optional<int64_t>> Count(const std::string& key, int64_t low, int64_t high) {
        const Json* value = Take(key);
        if (value == nullptr) return std::nullopt;
        if (!value->is_number_integer() || value->get<int64_t>() < low ||
            value->get<int64_t>() > high)
            return Bad(key, fmt::format("must be a whole number from {} to {}", low, high));
        return value->get<int64_t>();
    }

    Result<std::optional<bool>> Flag(const std::string& key) {
        const Json* value = Take(key);
        if (value == nullptr) return std::nullopt;
        if (!value->is_boolean()) return Bad(key, "must be true or false");
        return value->get<bool>();
    }

    Result<std::optional<std::vector<std::string>>> Texts(const std::string& key) {
        const Json* value = Take(key);
        if (value == nullptr) return std::nullopt;
        bool texts = value->is_array() && !value->empty() &&
                     std::ranges::all_of(*value, [](const Json& one) {
                         return one.is_string() && !one.get_ref<const std::string&>().empty();
                     });
        if (!texts) return Bad(key, "must be a list of texts, as [\"a\", \"b\"]");
        return value->get<std::vector<std::string>>();
    }

    // A table below, empty if it is not there.
    Result<Keys> Table(const std::string& key) {
        static const Json kNothing = Json::object();
        const Json* value = Take(key);
        if (value == nullptr) return Keys(document_, kNothing, Path(key));
        if (!value->is_object()) return Bad(key, fmt::format("must be a table: [{}]", key));
        return Keys(document_, *value, Path(key));
    }

    Result<std::vector<Keys>> Tables(const std::string& key, size_t count_max) {
        std::vector<Keys> tables;
        const Json* value = Take(key);
        if (value == nullptr) return tables;
        if (!value->is_array() || !std::ranges::all_of(*value, &Json::is_object))
            return Bad(key, fmt::format("must be tables: [[{}]]", key));
        if (value->size() > count_max)
            return Bad(
                key, fmt::format("has {} entries; at most {} are taken", value->size(), count_max));
        for (size_t i = 0; i < value->size(); ++i)
            tables.emplace_back(document_, (*value)[i], fmt::format("{}[{}]", Path(key), i));
        return tables;
    }

    int line() const {
        auto found = document_.lines.find(path_);
        return found == document_.lines.end() ? 0 : found->second;
    }

    std::unexpected<Error> Bad(const std::string& key, std::string_view what) const {
        return InvalidParam(Path(key), "{}{} {}", Path(key), document_.LineOf(Path(key)), what);
    }
    std::unexpected<Error> Missing(std::string_view what) const {
        return InvalidParam(path_, "{}{} {}", path_.empty() ? "the brief" : path_,
                            document_.LineOf(path_), what);
    }

    // Requires: every known key was asked for.
    Status CheckAllTaken() const {
        for (const auto& [key, value] : table_.items()) {
            if (asked_.contains(key)) continue;
            std::string known;
            for (const std::string& one : asked_) known += (known.empty() ? "" : ", ") + one;
            return Bad(key, "is no key of a brief; known here are " + known);
        }
        return {};
    }

private:
    const Json* Take(const std::string& key) {
        asked_.insert(key);
        auto found = table_.find(key);
        return found == table_.end() ? nullptr : &*found;
    }
    std::string Path(const std::string& key) const {
        return path_.empty() ? key : path_ + "." + key;
    }

    const TomlDocument& document_;
    const Json& table_;
    std::string path_;
    std::set<std::string> asked_;
};

// Puts what is there into `target`, which keeps its default otherwise.
template <typename Target, typename Value>
void Assign(Target& target, std::optional<Value> value) {
    if (value) target = static_cast<Target>(*std::move(value));
}

class Reader {
public:
    explicit Reader(const std::filesystem::path& folder) : folder_(folder) {}

    Result<Brief> Read(Keys& keys) {
        LATHE_TRY(auto title, keys.Text("title"));
        if (!title) return keys.Missing("needs a title: title = \"...\"");
        brief_.title = *title;
        LATHE_RETURN_IF_ERROR(ReadLanguages(keys));
        LATHE_TRY(auto screen, keys.Count("screen_documents", 1, 1'000'000));
        LATHE_TRY(auto documents, keys.Count("documents", 1, 1'000'000));
        Assign(brief_.screen_documents, screen);
        Assign(brief_.documents, documents);
        brief_.screen_documents = std::min(brief_.screen_documents, brief_.documents);
        LATHE_RETURN_IF_ERROR(ReadTasks(keys));
        LATHE_RETURN_IF_ERROR(ReadData(keys));
        LATHE_RETURN_IF_ERROR(ReadTraffic(keys));
        LATHE_RETURN_IF_ERROR(ReadMoney(keys));
        LATHE_RETURN_IF_ERROR(ReadLimits(keys));
        LATHE_RETURN_IF_ERROR(ReadCandidates(keys));
        LATHE_RETURN_IF_ERROR(ReadMachines(keys));
        LATHE_RETURN_IF_ERROR(keys.CheckAllTaken());
        return std::move(brief_);
    }

private:
    Status ReadLanguages(Keys& keys) {
        LATHE_TRY(auto report, keys.Text("report_language"));
        if (report) {
            auto language = FindLanguage(*report);
            if (!language) return keys.Bad("report_language", "must be \"en\" or \"zh\"");
            brief_.report_language = *language;
        }
        LATHE_TRY(auto languages, keys.Texts("languages"));
        Assign(brief_.languages, languages);
        for (const std::string& code : brief_.languages) {
            bool letters = std::ranges::all_of(code, [](char c) { return c >= 'a' && c <= 'z'; });
            if (!letters || code.size() < 2 || code.size() > 3)
                return keys.Bad(
                    "languages",
                    fmt::format("has \"{}\"; give ISO 639 codes, as \"en\", \"zh\"", code));
        }
        return {};
    }

    Result<std::filesystem::path> File(Keys& keys, const std::string& key) {
        LATHE_TRY(auto name, keys.Text(key));
        if (!name) return std::filesystem::path();
        std::filesystem::path path = folder_ / *name;
        std::error_code ignored;
        if (!std::filesystem::is_regular_file(path, ignored)) {
            auto bad = keys.Bad(key, fmt::format("names {}, which is not there; relative names "
                                                 "are taken from the brief's folder",
                                                 path.string()));
            bad.error().code = Code::kNotFound;
            return bad;
        }
        return path.lexically_normal();
    }

    Status ReadTasks(Keys& keys) {
        LATHE_TRY(auto tables, keys.Tables("task", Brief::kTasksMax));
        if (tables.empty()) return keys.Missing("needs at least one [[task]] to measure");
        for (Keys& table : tables) {
            LATHE_TRY(BriefTask task, ReadTask(table));
            for (const BriefTask& other : brief_.tasks)
                if (other.name == task.name)
                    return table.Missing(fmt::format(
                        "is called {} like another task; give it a name = \"...\" of its own",
                        task.name));
            brief_.tasks.push_back(std::move(task));
        }
        return {};
    }

    Result<BriefTask> ReadTask(Keys& keys) {
        BriefTask task;
        LATHE_TRY(auto name, keys.Text("name"));
        LATHE_TRY(task.file, File(keys, "file"));
        LATHE_TRY(task.prompts, File(keys, "prompts"));
        if (!task.file.empty() && !task.prompts.empty())
            return keys.Bad("prompts", "and file cannot both be given; make two tasks of it");
        bool builtin = task.file.empty() && task.prompts.empty();
        if (builtin && !name)
            return keys.Missing(
                "needs name = \"...\" of a built-in task, file = \"...yaml\" or "
                "prompts = \"...jsonl\"");
        if (builtin) task.builtin = *name;
        task.name = name.value_or((task.file.empty() ? task.prompts : task.file).stem().string());
        LATHE_TRY(auto weight, keys.Number("weight", {.low = 0, .high = 1e6}));
        Assign(task.weight, weight);
        LATHE_RETURN_IF_ERROR(ReadPromptKeys(keys, task));
        LATHE_TRY(auto metric, keys.Text("metric"));
        Assign(task.metric, metric);
        LATHE_TRY(auto filter, keys.Text("filter"));
        Assign(task.filter, filter);
        LATHE_TRY(task.chance,
                  keys.Number("chance", {.low = 0, .high = 0.99, .low_is_open = false}));
        LATHE_TRY(task.shots, keys.Count("shots", 0, 1000));
        LATHE_TRY(auto chat, keys.Flag("chat"));
        Assign(task.chat, chat);
        LATHE_RETURN_IF_ERROR(keys.CheckAllTaken());
        return task;
    }

    static Status ReadPromptKeys(Keys& keys, BriefTask& task) {
        LATHE_TRY(auto match, keys.Text("match"));
        LATHE_TRY(auto tokens_max, keys.Count("max_length", 1, 1 << 20));
        for (const char* key : {"match", "max_length"})
            if (keys.Has(key) && task.prompts.empty())
                return keys.Bad(key,
                                "goes with prompts = \"...\" only; a task's file says by "
                                "itself when an answer is right and how long it may be");
        Assign(task.match, match);
        Assign(task.answer_tokens_max, tokens_max);
        if (task.match != "starts-with" && task.match != "contains" && task.match != "equals")
            return keys.Bad("match", "must be \"starts-with\", \"contains\" or \"equals\"");
        return {};
    }

    Status ReadData(Keys& keys) {
        LATHE_TRY(Keys data, keys.Table("data"));
        LATHE_TRY(brief_.examples, data.Count("examples", 0, int64_t{1} << 40));
        return data.CheckAllTaken();
    }

    Status ReadTraffic(Keys& keys) {
        LATHE_TRY(Keys traffic, keys.Table("traffic"));
        LATHE_TRY(auto prompt, traffic.Count("prompt_tokens", 1, 1 << 17));
        LATHE_TRY(auto answer, traffic.Count("answer_tokens", 2, 1 << 14));
        Assign(brief_.traffic.prompt_tokens, prompt);
        Assign(brief_.traffic.answer_tokens, answer);
        return traffic.CheckAllTaken();
    }

    Status ReadMoney(Keys& keys) {
        LATHE_TRY(Keys money, keys.Table("money"));
        LATHE_TRY(auto currency, money.Text("currency"));
        Assign(brief_.money.currency, currency);
        LATHE_TRY(brief_.money.machine_hour,
                  money.Number("machine_hour", {.low = 0, .low_is_open = false}));
        return money.CheckAllTaken();
    }

    Status ReadLimits(Keys& keys) {
        LATHE_TRY(Keys table, keys.Table("limits"));
        Limits& limits = brief_.limits;
        LATHE_TRY(limits.first_token_ms, table.Number("first_token_ms", {}));
        LATHE_TRY(limits.tokens_per_second, table.Number("tokens_per_second", {}));
        LATHE_TRY(auto users, table.Count("users", 1, Brief::kUsersMax));
        Assign(brief_.traffic.users, users);
        LATHE_TRY(limits.memory_gib, table.Number("memory_gib", {}));
        LATHE_TRY(limits.cost_per_million_tokens, table.Number("cost_per_million_tokens", {}));
        return table.CheckAllTaken();
    }

    Status ReadCandidates(Keys& keys) {
        LATHE_TRY(auto tables, keys.Tables("candidate", Brief::kCandidatesMax));
        if (tables.empty()) return keys.Missing("needs at least one [[candidate]] to choose from");
        size_t count = 0;
        for (Keys& table : tables) {
            LATHE_TRY(BriefCandidate candidate, ReadCandidate(table));
            LATHE_RETURN_IF_ERROR(FindModel(table, candidate));
            LATHE_RETURN_IF_ERROR(CheckCosts(table, candidate));
            count += candidate.precisions.size();
            for (const BriefCandidate& other : brief_.candidates)
                if (other.model == candidate.model && other.server == candidate.server)
                    return table.Bad("model",
                                     "is named by another candidate too; list its "
                                     "precisions in one place");
            brief_.candidates.push_back(std::move(candidate));
        }
        if (count > Brief::kCandidatesMax)
            return keys.Bad("candidate", fmt::format("asks for {} models and precisions; at most "
                                                     "{} are compared",
                                                     count, Brief::kCandidatesMax));
        return {};
    }

    // What looks like a path is one, from the brief's folder.
    Status FindModel(Keys& keys, BriefCandidate& candidate) const {
        candidate.line = keys.line();
        std::filesystem::path path = candidate.model;
        bool is_path = path.has_parent_path() || path.extension() == ".gguf";
        if (!candidate.server.empty() || !is_path) return {};
        path = (folder_ / path).lexically_normal();
        std::error_code ignored;
        if (!std::filesystem::exists(path, ignored)) {
            auto bad =
                keys.Bad("model", fmt::format("names {}, which is not there", path.string()));
            bad.error().code = Code::kNotFound;
            return bad;
        }
        candidate.model = path.string();
        return {};
    }

    static Result<BriefCandidate> ReadCandidate(Keys& keys) {
        BriefCandidate candidate;
        LATHE_TRY(auto model, keys.Text("model"));
        if (!model) return keys.Missing("needs model = \"...\"");
        candidate.model = *model;
        LATHE_TRY(auto server, keys.Text("server"));
        Assign(candidate.server, server);
        LATHE_TRY(auto key_env, keys.Text("key_env"));
        Assign(candidate.key_env, key_env);
        const Range price{.low = 0, .low_is_open = false};
        LATHE_TRY(candidate.input_price_per_million, keys.Number("input_price_per_million", price));
        LATHE_TRY(candidate.output_price_per_million,
                  keys.Number("output_price_per_million", price));
        LATHE_TRY(auto precisions, keys.Texts("precisions"));
        if (precisions && server)
            return keys.Bad("precisions", "are for models of this machine; a server has its own");
        for (const char* key : {"key_env", "input_price_per_million", "output_price_per_million"})
            if (keys.Has(key) && !server) return keys.Bad(key, "goes with server = \"...\" only");
        Assign(candidate.precisions, precisions);
        LATHE_RETURN_IF_ERROR(CheckServer(keys, candidate));
        LATHE_RETURN_IF_ERROR(CheckPrecisions(keys, candidate.precisions));
        LATHE_RETURN_IF_ERROR(keys.CheckAllTaken());
        return candidate;
    }

    static Status CheckServer(Keys& keys, const BriefCandidate& candidate) {
        const std::string& server = candidate.server;
        if (!server.empty() && !server.starts_with("http://") && !server.starts_with("https://"))
            return keys.Bad("server", "must be an address as \"https://host/v1\"");
        return {};
    }

    static Status CheckPrecisions(Keys& keys, std::vector<std::string>& precisions) {
        std::set<std::string> seen;
        for (std::string& name : precisions) {
            if (name != kAsIs) {
                const quant::Mix* mix = quant::FindMix(name);
                if (mix == nullptr)
                    return keys.Bad("precisions", fmt::format("has {}; known are as-is and {}",
                                                              name, quant::MixNames()));
                name = mix->name;
            }
            if (!seen.insert(name).second)
                return keys.Bad("precisions", fmt::format("has {} twice", name));
        }
        return {};
    }

    // A limit of costs needs prices.
    Status CheckCosts(const Keys& keys, const BriefCandidate& candidate) const {
        if (!brief_.limits.cost_per_million_tokens) return {};
        if (candidate.server.empty() && !brief_.money.machine_hour)
            return InvalidParam("money.machine_hour",
                                "limits.cost_per_million_tokens needs what an hour of this "
                                "machine costs: [money] machine_hour = ...");
        if (!candidate.server.empty() && !candidate.output_price_per_million)
            return keys.Missing(
                "needs output_price_per_million, since limits.cost_per_million_tokens is set");
        return {};
    }

    Status ReadMachines(Keys& keys) {
        LATHE_TRY(auto tables, keys.Tables("machine", advise::NamedMachines().size()));
        for (Keys& table : tables) {
            LATHE_TRY(auto name, table.Text("name"));
            if (!name) return table.Missing("needs name = \"...\" of docs/hardware.md");
            if (auto machine = advise::FindMachine(*name); !machine)
                return table.Bad("name", machine.error().message);
            brief_.machines.push_back(*name);
            LATHE_RETURN_IF_ERROR(table.CheckAllTaken());
        }
        return {};
    }

    const std::filesystem::path& folder_;
    Brief brief_;
};

}  // namespace

std::optional<Language> FindLanguage(std::string_view name) {
    if (name == "en") return Language::kEnglish;
    if (name == "zh") return Language::kChinese;
    return std::nullopt;
}

Result<Brief> Brief::Parse(std::string_view text, const std::filesystem::path& folder) {
    LATHE_TRY(TomlDocument document, TomlDocument::Parse(text));
    Keys keys(document, document.root, "");
    return Reader(folder).Read(keys);
}

Result<Brief> Brief::Read(const std::filesystem::path& file) {
    LATHE_TRY(std::string text, platform::ReadFile(file, TomlDocument::kBytesMax));
    auto brief = Parse(text, file.parent_path());
    if (!brief) return std::unexpected(WithContext(std::move(brief).error(), file.string()));
    return brief;
}

}  // namespace lathe::choose
