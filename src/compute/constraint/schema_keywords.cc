#include "compute/constraint/schema_keywords.h"

#include <algorithm>
#include <cmath>

namespace lathe::constraint {
namespace {

enum class Form : uint8_t {
    kAny,
    kBool,
    kCount,
    kNumber,
    kString,
    kStrings,
    kSchema,
    kSchemas,
    kSchemaMap,
    kArray,
    kTypes
};

struct Keyword {
    std::string_view name;
    Form form = Form::kAny;
    TypeSet types = 0;  // only values of these are touched by it
};

constexpr TypeSet kNumbers = kIntegerType | kNumberType;

constexpr Keyword kHonoured[] = {
    {"type", Form::kTypes},
    {"enum", Form::kArray},
    {"const", Form::kAny},
    {"nullable", Form::kBool},
    {"anyOf", Form::kSchemas},
    {"oneOf", Form::kSchemas},
    {"allOf", Form::kSchemas},
    {"$ref", Form::kString},
    {"properties", Form::kSchemaMap, kObjectType},
    {"required", Form::kStrings, kObjectType},
    {"additionalProperties", Form::kSchema, kObjectType},
    {"unevaluatedProperties", Form::kBool, kObjectType},
    {"patternProperties", Form::kSchemaMap, kObjectType},
    {"propertyNames", Form::kSchema, kObjectType},
    {"minProperties", Form::kCount, kObjectType},
    {"maxProperties", Form::kCount, kObjectType},
    {"items", Form::kAny, kArrayType},  // a schema, or in old drafts an array of them
    {"prefixItems", Form::kSchemas, kArrayType},
    {"additionalItems", Form::kSchema, kArrayType},
    {"minItems", Form::kCount, kArrayType},
    {"maxItems", Form::kCount, kArrayType},
    {"uniqueItems", Form::kBool, kArrayType},
    {"minLength", Form::kCount, kStringType},
    {"maxLength", Form::kCount, kStringType},
    {"pattern", Form::kString, kStringType},
    {"format", Form::kString, kStringType},
    {"minimum", Form::kNumber, kNumbers},
    {"maximum", Form::kNumber, kNumbers},
    {"exclusiveMinimum", Form::kNumber, kNumbers},
    {"exclusiveMaximum", Form::kNumber, kNumbers},
    {"multipleOf", Form::kNumber, kNumbers},
};

constexpr std::string_view kAnnotations[] = {
    "title",
    "description",
    "default",
    "examples",
    "example",
    "deprecated",
    "readOnly",
    "writeOnly",
    "$comment",
    "$schema",
    "$id",
    "id",
    "$defs",
    "definitions",
    "contentMediaType",
    "contentEncoding",
    "discriminator",
    "externalDocs",
    "xml",
    "$vocabulary",
};

constexpr std::pair<std::string_view, TypeSet> kTypeNames[] = {
    {"null", kNullType},     {"boolean", kBooleanType}, {"integer", kIntegerType},
    {"number", kNumbers},    {"string", kStringType},   {"array", kArrayType},
    {"object", kObjectType},
};

bool IsSchema(const Json& value) {
    return value.is_object() || value.is_boolean();
}

bool IsTypeName(const Json& value) {
    return value.is_string() &&
           std::ranges::any_of(kTypeNames, [&](auto& type) { return value == type.first; });
}

// What a value of the form is, "" if `value` is one.
std::string_view Missing(const Json& value, Form form) {
    auto all = [&](auto is) { return std::all_of(value.begin(), value.end(), is); };
    switch (form) {
        case Form::kAny:
            return "";
        case Form::kBool:
            return value.is_boolean() ? "" : "true or false";
        case Form::kCount:
            return value.is_number() && value >= 0 && value <= 1e9 &&
                           std::floor(value.get<double>()) == value.get<double>()
                       ? ""
                       : "an integer of 0 or more";
        case Form::kNumber:
            return value.is_number() ? "" : "a number";
        case Form::kString:
            return value.is_string() ? "" : "a string";
        case Form::kStrings:
            return value.is_array() && all([](const Json& v) { return v.is_string(); })
                       ? ""
                       : "an array of strings";
        case Form::kSchema:
            return IsSchema(value) ? "" : "a schema (an object, true or false)";
        case Form::kSchemas:
            return value.is_array() && !value.empty() && all(IsSchema) ? "" : "an array of schemas";
        case Form::kSchemaMap:
            return value.is_object() && all(IsSchema) ? "" : "an object of schemas";
        case Form::kArray:
            return value.is_array() ? "" : "an array";
        case Form::kTypes:
            return IsTypeName(value) || (value.is_array() && !value.empty() && all(IsTypeName))
                       ? ""
                       : "null, boolean, integer, number, string, array, object, or an array of "
                         "them";
    }
    return "";
}

const Keyword* FindKeyword(std::string_view name) {
    auto found = std::ranges::find(kHonoured, name, &Keyword::name);
    return found == std::end(kHonoured) ? nullptr : found;
}

}  // namespace

bool IsAnnotation(std::string_view keyword) {
    return keyword.starts_with("x-") ||
           std::ranges::find(kAnnotations, keyword) != std::end(kAnnotations);
}

Status CheckKeywords(const Json& schema, const std::string& path) {
    for (const auto& [name, value] : schema.items()) {
        if (IsAnnotation(name)) continue;
        const Keyword* keyword = FindKeyword(name);
        if (keyword == nullptr)
            return SchemaError(path, name,
                               "the keyword \"{}\" is not supported; leave it out, or say the "
                               "same with others",
                               name);
        if (auto missing = Missing(value, keyword->form); !missing.empty())
            return SchemaError(path, name, "it must be {}", missing);
        if (name == "unevaluatedProperties" && value == true)
            return SchemaError(path, name, "only false is supported");
    }
    return {};
}

bool HasConstraints(const Json& schema, std::span<const std::string_view> but) {
    return std::ranges::any_of(schema.items(), [&](const auto& item) {
        return !IsAnnotation(item.key()) && std::ranges::find(but, item.key()) == but.end();
    });
}

TypeSet DeclaredTypes(const Json& schema) {
    auto type = schema.find("type");
    if (type == schema.end()) return kAllTypes;
    TypeSet types = 0;
    for (const Json& name : type->is_array() ? *type : Json::array({*type}))
        for (const auto& [known, set] : kTypeNames)
            if (name == known) types |= set;
    return types;
}

Json TypesToJson(TypeSet types) {
    Json names = Json::array();
    for (const auto& [name, set] : kTypeNames) {
        if ((types & set) != set) continue;
        names.push_back(name);
        types &= ~set;
    }
    // Numbers without the integers come from no schema; what is left is nothing.
    return names;
}

TypeSet TypeOf(const Json& value) {
    if (value.is_null()) return kNullType;
    if (value.is_boolean()) return kBooleanType;
    if (value.is_string()) return kStringType;
    if (value.is_array()) return kArrayType;
    if (value.is_object()) return kObjectType;
    if (value.is_number_integer()) return kIntegerType;
    double number = value.get<double>();
    return std::floor(number) == number ? kIntegerType : kNumberType;
}

TypeSet TypesOfKeywords(const Json& schema) {
    TypeSet types = 0;
    for (const auto& [name, value] : schema.items())
        if (const Keyword* keyword = FindKeyword(name)) types |= keyword->types;
    return types;
}

}  // namespace lathe::constraint
