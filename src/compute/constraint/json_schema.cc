#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "compute/constraint/grammar.h"
#include "compute/constraint/json_parts.h"
#include "compute/constraint/number_range.h"
#include "compute/constraint/schema_keywords.h"
#include "compute/constraint/schema_merge.h"
#include "compute/constraint/schema_strings.h"

namespace lathe::constraint {
namespace {

constexpr size_t kDepthMax = 100;
constexpr size_t kSchemasMax = 20000;
constexpr uint32_t kItemsMax = 2000;

// From a schema to an expression for the values that are valid under it.
class SchemaCompiler {
public:
    explicit SchemaCompiler(const Json& root) : document_(root) {}

    Result<Expression> Compile() {
        LATHE_TRY(Expression value, Value(document_.root(), "$"));
        return rules_.Close(std::move(value));
    }

private:
    struct PropertyCounts {
        size_t required = 0;
        size_t optional = 0;
        size_t open = 0;  // kinds of others, any number of each
    };

    Result<Expression> Value(const Json& schema, const std::string& path);
    Result<Expression> Reference(const std::string& reference, const std::string& path);
    Result<Expression> Flat(const Json& schema, const std::string& path);
    Result<Expression> Alternatives(const Json& schema, std::string_view keyword,
                                    const std::string& path);
    Result<Expression> Enumeration(const Json& schema, const std::string& path);
    Result<Expression> Number(const Json& schema, bool integer, const std::string& path);
    Result<Expression> String(const Json& schema, const std::string& path);
    Result<Expression> Array(const Json& schema, const std::string& path);
    Result<Expression> Object(const Json& schema, const std::string& path);
    Result<Json> WithRequiredNames(const Json& schema, const std::string& path) const;
    Result<ListSize> BoundPropertyCount(const Json& schema, const PropertyCounts& counts,
                                        const std::string& path,
                                        std::vector<ListItem>& items) const;
    Status AddPatternProperties(const Json& schema, const std::string& path,
                                std::vector<ListItem>& items);
    Result<Expression> OtherKey(const Json& schema, const std::string& path);

    SchemaDocument document_;
    JsonParts parts_;
    RuleSet rules_;
    std::map<std::string, RuleSet::Id> references_;
    size_t depth_ = 0;
    size_t schemas_ = 0;
};

Result<Expression> SchemaCompiler::Value(const Json& schema, const std::string& path) {
    if (schema == true) return parts_.value;
    if (schema == false) return Nothing();
    if (!schema.is_object()) return SchemaError(path, "", "it must be an object, true or false");
    if (depth_ == kDepthMax)
        return SchemaError(path, "", "schemas are nested deeper than {} levels", kDepthMax);
    if (++schemas_ > kSchemasMax)
        return SchemaError(path, "", "there are more than {} schemas", kSchemasMax);
    LATHE_RETURN_IF_ERROR(CheckKeywords(schema, path));
    constexpr std::string_view kReference[] = {"$ref"};
    constexpr std::string_view kAllOf[] = {"allOf"};
    ++depth_;
    Result<Expression> value = Nothing();
    if (schema.contains("$ref") && !HasConstraints(schema, kReference)) {
        value = Reference(schema["$ref"].get<std::string>(), path);
    } else if (schema.contains("allOf") && schema["allOf"].size() == 1 &&
               !HasConstraints(schema, kAllOf)) {
        value = Value(schema["allOf"][0], path + ".allOf[0]");
    } else {
        Result<Json> flat = document_.Flatten(schema, path);
        value = flat ? Flat(*flat, path) : std::unexpected(std::move(flat).error());
    }
    --depth_;
    return value;
}

// Each target is one rule, so that recursion ends and repeated use costs nothing.
Result<Expression> SchemaCompiler::Reference(const std::string& reference,
                                             const std::string& path) {
    auto [place, added] = references_.try_emplace(reference, RuleSet::Id{0});
    if (!added) return rules_.Use(place->second);
    LATHE_TRY(const Json* target, document_.Resolve(reference, path));
    RuleSet::Id rule = rules_.Declare(reference);
    place->second = rule;
    LATHE_TRY(Expression body, Value(*target, reference));
    rules_.Define(rule, std::move(body));
    return rules_.Use(rule);
}

// Of a schema as SchemaDocument::Flatten gives it.
Result<Expression> SchemaCompiler::Flat(const Json& schema, const std::string& path) {
    if (schema == true) return parts_.value;
    if (schema == false) return Nothing();
    for (std::string_view keyword : {"anyOf", "oneOf"})
        if (schema.contains(keyword)) return Alternatives(schema, keyword, path);
    if (schema.contains("enum")) return Enumeration(schema, path);
    TypeSet types = DeclaredTypes(schema);
    if (TypeSet named = TypesOfKeywords(schema); types == kAllTypes && named != 0) types = named;
    if (types == kAllTypes) return parts_.value;
    std::vector<Expression> ways;
    if (types & kNullType) ways.push_back(Literal("null"));
    if (types & kBooleanType) ways.push_back(parts_.boolean);
    if (types & kIntegerType) {
        LATHE_TRY(Expression number, Number(schema, (types & kNumberType) == 0, path));
        ways.push_back(std::move(number));
    }
    if (types & kStringType) {
        LATHE_TRY(Expression string, String(schema, path));
        ways.push_back(std::move(string));
    }
    if (types & kArrayType) {
        LATHE_TRY(Expression array, Array(schema, path));
        ways.push_back(std::move(array));
    }
    if (types & kObjectType) {
        LATHE_TRY(Expression object, Object(schema, path));
        ways.push_back(std::move(object));
    }
    return Either(std::move(ways));
}

// anyOf and oneOf: each alternative together with the keywords around it.
Result<Expression> SchemaCompiler::Alternatives(const Json& schema, std::string_view keyword,
                                                const std::string& path) {
    const Json& list = schema[std::string(keyword)];
    Json around = schema;
    around.erase(std::string(keyword));
    std::vector<Json> flat;
    std::vector<Expression> ways;
    for (size_t i = 0; i < list.size(); ++i) {
        std::string at = fmt::format("{}.{}[{}]", path, keyword, i);
        if (around.empty() && keyword == "anyOf") {  // a reference stays one rule
            LATHE_TRY(Expression way, Value(list[i], at));
            ways.push_back(std::move(way));
            continue;
        }
        LATHE_TRY(Json alternative, document_.Flatten(list[i], at));
        if (keyword == "oneOf") {
            for (size_t k = 0; k < i; ++k) {
                LATHE_TRY(bool disjoint, AreDisjoint(document_, flat[k], alternative, at));
                if (!disjoint)
                    return SchemaError(path, keyword,
                                       "alternatives {} and {} may both hold for one value; use "
                                       "anyOf, or make them differ by a type or by a required "
                                       "property with a constant",
                                       k, i);
            }
            flat.push_back(alternative);
        }
        if (around.empty()) {
            LATHE_TRY(Expression way, Value(list[i], at));
            ways.push_back(std::move(way));
            continue;
        }
        LATHE_TRY(Json merged, MergeSchemas(around, alternative, at));
        if (depth_ == kDepthMax || ++schemas_ > kSchemasMax)
            return SchemaError(at, "", "there are too many schemas within each other");
        ++depth_;
        LATHE_TRY(Expression way, Flat(merged, at));
        --depth_;
        ways.push_back(std::move(way));
    }
    return Either(std::move(ways));
}

Result<Expression> SchemaCompiler::Enumeration(const Json& schema, const std::string& path) {
    for (const auto& [name, value] : schema.items())
        if (name != "enum" && name != "type")
            return SchemaError(path, name, "beside enum or const only type is supported");
    TypeSet types = DeclaredTypes(schema);
    std::vector<Expression> ways;
    for (const Json& value : schema["enum"])
        if (TypeOf(value) & types) ways.push_back(JsonLiteral(value, parts_));
    return Either(std::move(ways));
}

// The keyword of the larger lower bound, or the smaller upper bound.
std::optional<NumberBound> BoundOf(const Json& schema, const char* inclusive, const char* exclusive,
                                   bool is_lower) {
    std::optional<NumberBound> bound;
    if (schema.contains(inclusive)) bound = {schema[inclusive].get<double>(), false};
    if (!schema.contains(exclusive)) return bound;
    NumberBound other = {schema[exclusive].get<double>(), true};
    bool tighter = !bound || (is_lower ? other.value >= bound->value : other.value <= bound->value);
    return tighter ? other : bound;
}

// The integer next to a bound, inside; empty if it is beyond 64 bits.
Result<std::optional<int64_t>> IntegerBound(const Json& schema, const char* inclusive,
                                            const char* exclusive, bool is_lower,
                                            const std::string& path) {
    std::optional<int64_t> bound;
    for (const char* name : {inclusive, exclusive}) {
        if (!schema.contains(name)) continue;
        const Json& value = schema[name];
        double number = value.get<double>();
        if (std::abs(number) > 9e18)
            return SchemaError(path, name, "bounds of integers must be within 64 bits");
        int64_t step = is_lower ? 1 : -1;
        auto limit = value.is_number_integer()
                         ? value.get<int64_t>()
                         : static_cast<int64_t>(is_lower ? std::ceil(number) : std::floor(number));
        bool is_whole = value.is_number_integer() || std::floor(number) == number;
        if (name == exclusive && is_whole) limit += step;
        if (!bound || (is_lower ? limit > *bound : limit < *bound)) bound = limit;
    }
    return bound;
}

// Integers that are divisible by `divisor`, which divides 1000: the last digits tell.
Expression Multiples(int divisor) {
    int digits = 0;
    int power = 1;
    for (; power % divisor != 0; power *= 10) ++digits;
    std::vector<Expression> short_texts;
    std::vector<Expression> endings;
    for (int value = 0; value < power; value += divisor) {
        short_texts.push_back(Literal(std::to_string(value)));
        endings.push_back(Literal(fmt::format("{:0{}}", value, digits)));
    }
    if (digits == 0) return Repeat(CharClass({{'0', '9'}, {'-', '-'}}), 1);
    Expression leading = Sequence({CharClass({{'1', '9'}}), Repeat(CharClass({{'0', '9'}}), 0)});
    return Sequence({Optional(Literal("-")),
                     Either({Either(short_texts), Sequence({leading, Either(endings)})})});
}

Result<Expression> SchemaCompiler::Number(const Json& schema, bool integer,
                                          const std::string& path) {
    std::optional<Expression> multiples;
    if (schema.contains("multipleOf")) {
        double divisor = schema["multipleOf"].get<double>();
        bool simple = divisor >= 1 && divisor <= 1000 && std::floor(divisor) == divisor &&
                      1000 % static_cast<int>(divisor) == 0;
        if (!simple)
            return SchemaError(path, "multipleOf",
                               "only whole numbers that divide 1000 are supported");
        integer = true;
        multiples = Multiples(static_cast<int>(divisor));
    }
    auto min = BoundOf(schema, "minimum", "exclusiveMinimum", /*is_lower=*/true);
    auto max = BoundOf(schema, "maximum", "exclusiveMaximum", /*is_lower=*/false);
    for (const auto& bound : {min, max})
        if (bound && std::abs(bound->value) >= 1e100)
            return SchemaError(path, "", "bounds of numbers must be below 1e100");
    if (min && max && min->value > max->value)
        return SchemaError(path, "minimum", "it is larger than the maximum ({} and {})", min->value,
                           max->value);
    if (!integer) return min || max ? NumberRange(min, max) : parts_.number;
    LATHE_TRY(auto low, IntegerBound(schema, "minimum", "exclusiveMinimum", true, path));
    LATHE_TRY(auto high, IntegerBound(schema, "maximum", "exclusiveMaximum", false, path));
    if (!low && !high && !multiples) return parts_.integer;
    Expression range = IntegerRange(low, high);
    return multiples ? Both(std::move(range), std::move(*multiples)) : range;
}

Result<Expression> SchemaCompiler::String(const Json& schema, const std::string& path) {
    constexpr std::string_view kKeywords[] = {"minLength", "maxLength", "pattern", "format"};
    if (std::ranges::none_of(kKeywords, [&](auto name) { return schema.contains(name); }))
        return parts_.string;
    LATHE_TRY(Expression content, StringContent(schema, path));
    return JsonQuoted(std::move(content));
}

Result<Expression> SchemaCompiler::Array(const Json& schema, const std::string& path) {
    Json prefix = schema.value("prefixItems", Json::array());
    auto min = schema.value("minItems", uint32_t{0});
    std::optional<uint32_t> max;
    if (schema.contains("maxItems")) max = schema["maxItems"].get<uint32_t>();
    Json items = schema.value("items", Json(true));
    auto count = static_cast<uint32_t>(prefix.size());
    if (items == false) max = std::min(max.value_or(count), count);
    if (max && *max < min)
        return SchemaError(path, "maxItems", "no array can have at least {} and at most {} items",
                           min, *max);
    if (std::max(min, max.value_or(0)) > kItemsMax)
        return SchemaError(path, schema.contains("maxItems") ? "maxItems" : "minItems",
                           "counts above {} are not supported", kItemsMax);
    if (schema.value("uniqueItems", false) && (!max || *max > 1))
        return SchemaError(path, "uniqueItems",
                           "it is supported only with maxItems of 0 or 1; leave it out");
    std::vector<Expression> parts = {Literal("["), parts_.space};
    // From the back: what may follow after item i.
    Expression rest;
    if (!max || *max > count) {
        LATHE_TRY(Expression item, Value(items, path + ".items"));
        if (count == 0) {  // the first one has no comma
            uint32_t more = min > 0 ? min - 1 : 0;
            Expression others = Repeat(Sequence({parts_.comma, item}), more,
                                       max ? std::optional(*max - 1) : std::nullopt);
            rest = Sequence({item, others, parts_.space});
            if (min == 0) rest = Optional(rest);
        } else {
            rest = Repeat(Sequence({parts_.comma, item}), min > count ? min - count : 0,
                          max ? std::optional(*max - count) : std::nullopt);
        }
    }
    for (uint32_t i = std::min(count, max.value_or(count)); i-- > 0;) {
        LATHE_TRY(Expression item, Value(prefix[i], fmt::format("{}.prefixItems[{}]", path, i)));
        rest = Sequence({i > 0 ? parts_.comma : Expression(), item, rest});
        if (i >= min) rest = Optional(rest);
    }
    parts.push_back(rest);
    if (count > 0) parts.push_back(parts_.space);
    parts.push_back(Literal("]"));
    return Sequence(std::move(parts));
}

Result<Expression> SchemaCompiler::Object(const Json& schema, const std::string& path) {
    LATHE_TRY(Json named, WithRequiredNames(schema, path));
    std::vector<ListItem> items;
    PropertyCounts counts;
    for (const auto& [name, member] : named["properties"].items()) {
        bool must = std::ranges::find(named["required"], Json(name)) != named["required"].end();
        if (member == false && !must) continue;
        LATHE_TRY(Expression value, Value(member, fmt::format("{}.properties.{}", path, name)));
        items.push_back({Sequence({Literal(DumpJson(name)), parts_.colon, value}), must});
        ++(must ? counts.required : counts.optional);
    }
    LATHE_RETURN_IF_ERROR(AddPatternProperties(named, path, items));
    // Without a word about others only those that are named are written; an object of
    // which nothing is known is any object.
    bool is_any = named["properties"].empty() && !schema.contains("patternProperties");
    Json others = schema.value("additionalProperties", Json(is_any));
    if (others != false) {
        LATHE_TRY(Expression key, OtherKey(named, path));
        LATHE_TRY(Expression value, Value(others, path + ".additionalProperties"));
        items.push_back({Sequence({key, parts_.colon, value}), false, true});
    }
    counts.open = items.size() - counts.required - counts.optional;
    LATHE_TRY(ListSize size, BoundPropertyCount(schema, counts, path, items));
    if (items.empty()) return Sequence({Literal("{"), parts_.space, Literal("}")});
    return Sequence({Literal("{"), parts_.space, List(std::move(items), parts_.comma, size),
                     parts_.space, Literal("}")});
}

// The schema with `properties` and `required`, and in the former all that are in the latter.
Result<Json> SchemaCompiler::WithRequiredNames(const Json& schema, const std::string& path) const {
    Json named = schema;
    if (!named.contains("properties")) named["properties"] = Json::object();
    if (!named.contains("required")) named["required"] = Json::array();
    if (!named["properties"].empty() && schema.contains("propertyNames"))
        return SchemaError(path, "propertyNames", "beside properties it is not supported");
    for (const Json& value : named["required"]) {
        const auto& name = value.get_ref<const std::string&>();
        if (named["properties"].contains(name)) continue;
        if (schema.contains("patternProperties") || schema.contains("propertyNames"))
            return SchemaError(path, "required", "\"{}\" is not among the properties", name);
        named["properties"][name] = schema.value("additionalProperties", Json(true));
    }
    return named;
}

// Keeps minProperties and maxProperties where that is possible.
Result<ListSize> SchemaCompiler::BoundPropertyCount(const Json& schema,
                                                    const PropertyCounts& counts,
                                                    const std::string& path,
                                                    std::vector<ListItem>& items) const {
    constexpr const char* kUncounted =
        "so many optional properties cannot be counted; name those "
        "that must be there in required";
    auto size = ListSize::kAny;
    bool only_others = counts.optional == 0 && counts.open == 1;
    auto min = schema.value("minProperties", size_t{0});
    auto max = schema.value("maxProperties", SIZE_MAX);
    if (max < std::max(min, counts.required))
        return SchemaError(path, "maxProperties", "at least {} properties are required",
                           std::max(min, counts.required));
    if (counts.open == 0 && min > counts.required + counts.optional)
        return SchemaError(path, "minProperties", "there are only {} properties",
                           counts.required + counts.optional);
    if (min > counts.required) {
        // Of the others only the first is certain to be a new one: keys may repeat.
        if (min != 1 && !(only_others && min == counts.required + 1))
            return SchemaError(path, "minProperties", "{}", kUncounted);
        size = ListSize::kNotEmpty;
        if (only_others) items.back().required = true;
    }
    if (counts.open == 0 && max >= counts.required + counts.optional) return size;
    if (max == SIZE_MAX) return size;
    if (!only_others) return SchemaError(path, "maxProperties", "{}", kUncounted);
    size_t left = max - counts.required;
    if (left > kItemsMax)
        return SchemaError(path, "maxProperties", "counts above {} are not supported", kItemsMax);
    ListItem& last = items.back();
    last.repeats = false;
    if (left == 0) {
        items.pop_back();
    } else {
        Expression more =
            Repeat(Sequence({parts_.comma, last.expression}), 0, static_cast<uint32_t>(left - 1));
        last.expression = Sequence({last.expression, more});
    }
    return size;
}

// The texts between the quotes of the names of properties.
std::vector<Expression> NamesOf(const Json& properties) {
    std::vector<Expression> names;
    for (const auto& [name, member] : properties.items()) {
        std::string quoted = DumpJson(Json(name));
        names.push_back(Literal(std::string_view(quoted).substr(1, quoted.size() - 2)));
    }
    return names;
}

Result<Expression> KeysOf(const std::string& pattern, const std::string& path) {
    Json schema = Json::object();
    schema["pattern"] = Json::array({pattern});
    return StringContent(schema, path);
}

// Keys that may be anything but the names and patterns of `schema`.
Result<Expression> SchemaCompiler::OtherKey(const Json& schema, const std::string& path) {
    Expression content;
    bool plain = schema["properties"].empty() && !schema.contains("patternProperties");
    if (schema.contains("propertyNames")) {
        LATHE_TRY(Json names, document_.Flatten(schema["propertyNames"], path + ".propertyNames"));
        if (names == false) return Nothing();
        if (names == true) names = Json::object();
        constexpr std::string_view kKnown[] = {"type",    "minLength", "maxLength",
                                               "pattern", "format",    "enum"};
        for (const auto& [name, value] : names.items())
            if (std::ranges::find(kKnown, name) == std::end(kKnown))
                return SchemaError(path, "propertyNames",
                                   "only keywords of strings are supported in it");
        if (names.contains("enum")) {
            names["type"] = "string";
            LATHE_TRY(Expression key, Enumeration(names, path + ".propertyNames"));
            return key;
        }
        LATHE_TRY(content, StringContent(names, path + ".propertyNames"));
        return JsonQuoted(std::move(content));
    }
    if (plain) return parts_.string;
    // Written without needless escapes, so that a name has one form only.
    constexpr CodePointRange kAll[] = {{0, kCodePointMax}};
    content = Repeat(JsonCharacter(kAll), 0);
    std::vector<Expression> taken = NamesOf(schema["properties"]);
    if (schema.contains("patternProperties"))
        for (const auto& [pattern, member] : schema["patternProperties"].items()) {
            LATHE_TRY(Expression keys, KeysOf(pattern, path));
            taken.push_back(std::move(keys));
        }
    return Shared("key", JsonQuoted(Except(std::move(content), Either(std::move(taken)))));
}

Status SchemaCompiler::AddPatternProperties(const Json& schema, const std::string& path,
                                            std::vector<ListItem>& items) {
    if (!schema.contains("patternProperties")) return {};
    std::vector<Expression> taken = NamesOf(schema["properties"]);
    for (const auto& [pattern, member] : schema["patternProperties"].items()) {
        std::string at = fmt::format("{}.patternProperties.{}", path, pattern);
        LATHE_TRY(Expression keys, KeysOf(pattern, at));
        // A key that others speak of, too, would have to be valid under both.
        for (const Expression& other : taken)
            if (constraint::Compile(Both(keys, other)))
                return SchemaError(at, "",
                                   "a property matches this and also another pattern or name, "
                                   "which is not supported");
        taken.push_back(keys);
        if (member == false) continue;
        LATHE_TRY(Expression value, Value(member, at));
        items.push_back(
            {Sequence({Shared("key", JsonQuoted(keys)), parts_.colon, value}), false, true});
    }
    return {};
}

}  // namespace

Result<Expression> JsonSchema(const Json& schema) {
    return SchemaCompiler(schema).Compile();
}

Expression JsonObject() {
    return JsonParts().object;
}

}  // namespace lathe::constraint
