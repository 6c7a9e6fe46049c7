#include "learn/eval/task_yaml.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <string>

#include "core/platform/files.h"

namespace lathe::eval {
namespace {

constexpr size_t kNodesMax = 200'000;  // aliases are counted wherever they stand
constexpr int kDepthMax = 64;
constexpr int kIncludesMax = 16;

constexpr std::string_view kStringTag = "tag:yaml.org,2002:str";

bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> words) {
    return std::ranges::find(words, text) != words.end();
}

bool IsDigit(char c) {
    return c >= '0' && c <= '9';
}

std::string WithoutUnderscores(std::string_view text) {
    std::string out(text);
    std::erase(out, '_');
    return out;
}

// YAML 1.1: 0b1, 017, 0x1f, 1_000; nothing if the text is no integer of 64 bits.
std::optional<int64_t> AsInteger(std::string_view text) {
    std::string digits = WithoutUnderscores(text);
    std::string_view rest = digits;
    bool negative = rest.starts_with('-');
    if (negative || rest.starts_with('+')) rest.remove_prefix(1);
    if (rest.empty() || !IsDigit(rest[0])) return std::nullopt;
    int base = 10;
    if (rest.starts_with("0x") || rest.starts_with("0b")) {
        base = rest[1] == 'x' ? 16 : 2;
        rest.remove_prefix(2);
    } else if (rest.size() > 1 && rest[0] == '0') {
        base = 8;
    }
    uint64_t value = 0;
    auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value, base);
    if (error != std::errc() || end != rest.data() + rest.size()) return std::nullopt;
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
    auto magnitude = static_cast<int64_t>(value);
    return negative ? -magnitude : magnitude;
}

// YAML 1.1 wants a point, and a sign in the exponent: "1e5" is a text.
std::optional<double> AsReal(std::string_view text) {
    std::string clean = WithoutUnderscores(text);
    std::string_view rest = clean;
    if (rest.starts_with('-') || rest.starts_with('+')) rest.remove_prefix(1);
    double sign = clean.starts_with('-') ? -1 : 1;
    if (IsOneOf(rest, {".inf", ".Inf", ".INF"}))
        return sign * std::numeric_limits<double>::infinity();
    if (IsOneOf(clean, {".nan", ".NaN", ".NAN"})) return std::numeric_limits<double>::quiet_NaN();
    size_t exponent = rest.find_first_of("eE");
    std::string_view mantissa = rest.substr(0, exponent);
    auto in_mantissa = [](char c) { return IsDigit(c) || c == '.'; };
    if (std::ranges::count(mantissa, '.') != 1 || !std::ranges::all_of(mantissa, in_mantissa) ||
        std::ranges::none_of(mantissa, IsDigit))
        return std::nullopt;
    if (exponent != std::string_view::npos) {
        std::string_view power = rest.substr(exponent + 1);
        if (power.size() < 2 || (power[0] != '+' && power[0] != '-') ||
            !std::ranges::all_of(power.substr(1), IsDigit))
            return std::nullopt;
    }
    double value = 0;
    std::string full(rest);
    if (exponent != std::string_view::npos && full[exponent + 1] == '+')
        full.erase(exponent + 1, 1);
    std::from_chars(full.data(), full.data() + full.size(), value);
    return sign * value;
}

Json PlainScalar(const std::string& text) {
    if (IsOneOf(text, {"", "~", "null", "Null", "NULL"})) return nullptr;
    if (IsOneOf(text, {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})) return true;
    if (IsOneOf(text, {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"}))
        return false;
    if (auto integer = AsInteger(text)) return *integer;
    if (auto real = AsReal(text)) return *real;
    return text;
}

class Converter {
public:
    Result<Json> Convert(const YAML::Node& node, int depth) {
        if (++nodes_ > kNodesMax || depth > kDepthMax)
            return InvalidArgument("line {}: more than {} values, or nested deeper than {}",
                                   Line(node), kNodesMax, kDepthMax);
        LATHE_RETURN_IF_ERROR(CheckTag(node));
        switch (node.Type()) {
            case YAML::NodeType::Scalar:
                if (node.Tag() == "!" || node.Tag() == kStringTag) return Json(node.Scalar());
                return PlainScalar(node.Scalar());
            case YAML::NodeType::Sequence:
                return ConvertSequence(node, depth);
            case YAML::NodeType::Map:
                return ConvertMap(node, depth);
            default:
                return Json(nullptr);
        }
    }

private:
    static int Line(const YAML::Node& node) { return node.Mark().line + 1; }

    static Status CheckTag(const YAML::Node& node) {
        const std::string& tag = node.Tag();
        if (tag.empty() || IsOneOf(tag, {"?", "!", kStringTag}) ||
            (tag.starts_with("tag:yaml.org,2002:") && !tag.contains("python")))
            return {};
        if (tag == "!function")
            return InvalidArgument(
                "line {}: `!function {}` asks for Python code, which Lathe does not run; write it "
                "as a Jinja template, or prepare the data so that a column has it",
                Line(node), node.IsScalar() ? node.Scalar() : "");
        return InvalidArgument("line {}: the tag `{}` is not supported; write a plain value",
                               Line(node), tag);
    }

    Result<Json> ConvertSequence(const YAML::Node& node, int depth) {
        Json list = Json::array();
        for (const YAML::Node& item : node) {
            LATHE_TRY(Json value, Convert(item, depth + 1));
            list.push_back(std::move(value));
        }
        return list;
    }

    Result<Json> ConvertMap(const YAML::Node& node, int depth) {
        Json map = Json::object();
        Json merged = Json::object();
        for (const auto& entry : node) {
            if (!entry.first.IsScalar())
                return InvalidArgument("line {}: a key must be a text", Line(entry.first));
            LATHE_TRY(Json value, Convert(entry.second, depth + 1));
            if (entry.first.Scalar() == "<<" && entry.first.Tag() != "!") {
                LATHE_RETURN_IF_ERROR(Merge(merged, value, Line(entry.first)));
            } else {
                map[entry.first.Scalar()] = std::move(value);
            }
        }
        for (auto& [key, value] : merged.items())
            if (!map.contains(key)) map[key] = value;
        return map;
    }

    static Status Merge(Json& into, const Json& value, int line) {
        if (value.is_array()) {
            for (const Json& item : value) LATHE_RETURN_IF_ERROR(Merge(into, item, line));
            return {};
        }
        if (!value.is_object())
            return InvalidArgument("line {}: `<<` merges a mapping or a list of them", line);
        for (const auto& [key, item] : value.items())
            if (!into.contains(key)) into[key] = item;
        return {};
    }

    size_t nodes_ = 0;
};

Result<std::vector<std::string>> IncludesOf(const Json& config) {
    std::vector<std::string> paths;
    const Json& include = config.at("include");
    if (include.is_string()) paths.push_back(include.get<std::string>());
    if (include.is_array())
        for (const Json& item : include)
            if (item.is_string()) paths.push_back(item.get<std::string>());
    if (paths.empty() || (include.is_array() && paths.size() != include.size()))
        return InvalidParam("include", "`include` must be a path or a list of paths");
    return paths;
}

// Data files of an included file, relative to it, seen from the folder that includes it.
void RebaseDataFiles(Json& value, const std::filesystem::path& folder) {
    if (value.is_string()) {
        value = (folder / value.get<std::string>()).lexically_normal().string();
    } else if (value.is_structured()) {
        for (Json& item : value) RebaseDataFiles(item, folder);
    }
}

Result<Json> ReadWithIncludes(const std::filesystem::path& path, int depth) {
    if (depth > kIncludesMax)
        return InvalidParam("include", "{}: files include each other more than {} deep",
                            path.string(), kIncludesMax);
    LATHE_TRY(std::string text, platform::ReadFile(path, kTaskFileBytesMax));
    auto parsed = ParseTaskYaml(text);
    if (!parsed) return std::unexpected(WithContext(std::move(parsed).error(), path.string()));
    Json config = *std::move(parsed);
    if (!config.is_object())
        return InvalidArgument("{}: a task file is a mapping of keys, as `task: NAME`",
                               path.string());
    if (!config.contains("include")) return config;
    auto includes = IncludesOf(config);
    if (!includes) return std::unexpected(WithContext(std::move(includes).error(), path.string()));
    config.erase("include");
    for (const std::string& include : *includes) {
        LATHE_TRY(Json base, ReadWithIncludes(path.parent_path() / include, depth + 1));
        if (auto kwargs = base.find("dataset_kwargs");
            kwargs != base.end() && kwargs->is_object() && kwargs->contains("data_files"))
            RebaseDataFiles((*kwargs)["data_files"], std::filesystem::path(include).parent_path());
        for (const auto& [key, value] : base.items())
            if (!config.contains(key)) config[key] = value;
    }
    return config;
}

}  // namespace

Result<Json> ParseTaskYaml(std::string_view text) {
    if (text.size() > kTaskFileBytesMax)
        return InvalidArgument("longer than {} bytes", kTaskFileBytesMax);
    try {
        return Converter().Convert(YAML::Load(std::string(text)), 0);
    } catch (const YAML::Exception& exception) {
        return InvalidArgument("line {}: not valid YAML: {}", exception.mark.line + 1,
                               exception.msg);
    }
}

Result<Json> ReadTaskYaml(const std::filesystem::path& path) {
    return ReadWithIncludes(path, 0);
}

}  // namespace lathe::eval
