#include "edge/api/parameters.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace lathe::api {
namespace {

constexpr size_t kNameShownMax = 64;

std::string_view KindName(Kind kind) {
    switch (kind) {
        case Kind::kAny:
            return "a value";
        case Kind::kBool:
            return "true or false";
        case Kind::kInteger:
            return "an integer";
        case Kind::kNumber:
            return "a number";
        case Kind::kString:
            return "a string";
        case Kind::kArray:
            return "an array";
        case Kind::kObject:
            return "an object";
        case Kind::kStringOrArray:
            return "a string or an array";
        case Kind::kStringOrObject:
            return "a string or an object";
    }
    return "a value";
}

bool HasKind(const Json& value, Kind kind) {
    switch (kind) {
        case Kind::kAny:
            return true;
        case Kind::kBool:
            return value.is_boolean();
        case Kind::kInteger:
            return AsInteger(value).has_value();
        case Kind::kNumber:
            return value.is_number();
        case Kind::kString:
            return value.is_string();
        case Kind::kArray:
            return value.is_array();
        case Kind::kObject:
            return value.is_object();
        case Kind::kStringOrArray:
            return value.is_string() || value.is_array();
        case Kind::kStringOrObject:
            return value.is_string() || value.is_object();
    }
    return false;
}

// Number of insertions, deletions and replacements between two short words.
size_t EditDistance(std::string_view a, std::string_view b) {
    std::vector<size_t> row(b.size() + 1);
    for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (size_t i = 1; i <= a.size(); ++i) {
        size_t diagonal = std::exchange(row[0], i);
        for (size_t j = 1; j <= b.size(); ++j) {
            size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
        }
    }
    return row[b.size()];
}

std::unexpected<Error> Unknown(const std::string& name, std::string_view path,
                               std::span<const Parameter> table) {
    std::string shown = name.substr(0, kNameShownMax);
    const Parameter* nearest = nullptr;
    size_t best = 3;
    for (const auto& parameter : table) {
        if (name.size() > kNameShownMax) break;
        size_t distance = EditDistance(name, parameter.name);
        if (distance < best) {
            best = distance;
            nearest = &parameter;
        }
    }
    if (nearest != nullptr)
        return InvalidParam(path, "unknown parameter \"{}\"; did you mean \"{}\"?", shown,
                            nearest->name);
    return InvalidParam(path, "unknown parameter \"{}\"; docs/api.md lists what is known", shown);
}

Status CheckRange(const Json& value, const Parameter& parameter, std::string_view path) {
    std::string_view what = value.is_array() ? "the length of " : "";
    double number = 0;
    if (value.is_number())
        number = value.get<double>();
    else if (value.is_array())
        number = static_cast<double>(value.size());
    else
        return {};
    if (number >= parameter.min && number <= parameter.max) return {};
    if (parameter.max == kNoBound)
        return InvalidParam(path, "{}{} must be at least {}, not {}", what, path, parameter.min,
                            number);
    return InvalidParam(path, "{}{} must be from {} to {}, not {}", what, path, parameter.min,
                        parameter.max, number);
}

Status CheckOne(const Json& value, const Parameter& parameter, std::string_view path) {
    if (parameter.treatment == Treatment::kRefused)
        return InvalidParam(path, "{} is not supported: {}", path, parameter.note);
    if (parameter.treatment == Treatment::kOnly) {
        auto accepted = Json::parse(parameter.note);
        if (std::ranges::find(accepted, value) != accepted.end()) return {};
        return InvalidParam(
            path, "{} is supported only as {}", path,
            accepted.size() == 1 ? accepted[0].dump() : "one of " + accepted.dump());
    }
    if (!HasKind(value, parameter.kind))
        return InvalidParam(path, "{} must be {}, not {}", path, KindName(parameter.kind),
                            Describe(value));
    return CheckRange(value, parameter, path);
}

}  // namespace

Status CheckParameters(const Json& body, std::span<const Parameter> table,
                       std::string_view prefix) {
    for (const auto& [name, value] : body.items()) {
        std::string path = std::string(prefix) + name.substr(0, kNameShownMax);
        auto parameter = std::ranges::find(table, std::string_view(name), &Parameter::name);
        if (parameter == table.end()) return Unknown(name, path, table);
        if (value.is_null()) continue;
        LATHE_RETURN_IF_ERROR(CheckOne(value, *parameter, path));
    }
    return {};
}

const Json* Find(const Json& body, std::string_view name) {
    auto found = body.find(name);
    return found == body.end() || found->is_null() ? nullptr : &*found;
}

bool BoolOr(const Json& body, std::string_view name, bool otherwise) {
    const Json* value = Find(body, name);
    return value != nullptr ? value->get<bool>() : otherwise;
}

int64_t IntegerOr(const Json& body, std::string_view name, int64_t otherwise) {
    const Json* value = Find(body, name);
    return value != nullptr ? AsInteger(*value).value_or(otherwise) : otherwise;
}

float FloatOr(const Json& body, std::string_view name, float otherwise) {
    const Json* value = Find(body, name);
    return value != nullptr ? value->get<float>() : otherwise;
}

std::string StringOr(const Json& body, std::string_view name, std::string_view otherwise) {
    const Json* value = Find(body, name);
    return value != nullptr ? value->get<std::string>() : std::string(otherwise);
}

std::optional<int64_t> AsInteger(const Json& value) {
    if (value.is_number_unsigned()) {
        auto number = value.get<uint64_t>();
        if (number > static_cast<uint64_t>(INT64_MAX)) return std::nullopt;
        return static_cast<int64_t>(number);
    }
    if (value.is_number_integer()) return value.get<int64_t>();
    if (!value.is_number_float()) return std::nullopt;
    double number = value.get<double>();
    if (std::trunc(number) != number || std::abs(number) > 9e15) return std::nullopt;
    return static_cast<int64_t>(number);
}

std::string Describe(const Json& value) {
    if (value.is_array()) return fmt::format("an array of {}", value.size());
    if (value.is_object()) return "an object";
    if (value.is_string()) return "a string";
    return value.dump();  // null, a boolean or a number: short
}

Result<Json> ParseBody(std::string_view bytes) {
    if (bytes.find_first_not_of(" \t\r\n") == bytes.npos)
        return InvalidArgument("the request body is empty; send a JSON object");
    LATHE_TRY(auto body, ParseJson(bytes));
    if (!body.is_object())
        return InvalidArgument("the request body must be a JSON object, not {}", Describe(body));
    return body;
}

}  // namespace lathe::api
