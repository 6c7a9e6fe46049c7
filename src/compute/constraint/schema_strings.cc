#include "compute/constraint/schema_strings.h"

#include <utility>

#include "compute/constraint/json_parts.h"
#include "compute/constraint/regex.h"
#include "compute/constraint/schema_keywords.h"

namespace lathe::constraint {
namespace {

constexpr uint32_t kLengthMax = 20000;

// Up to so many characters stand in the automaton of the string itself; more are calls of
// one rule, which makes larger masks slower and the automaton smaller.
constexpr uint32_t kInlineLengthMax = 32;

#define LATHE_DATE                                                   \
    "[12][0-9]{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|" \
    "(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
#define LATHE_TIME                                                 \
    "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,6})?" \
    "(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
#define LATHE_OCTET "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
#define LATHE_LABEL "[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?"
#define LATHE_HOST LATHE_LABEL "(?:\\." LATHE_LABEL "){0,3}\\.[a-z]{2,10}"

constexpr std::pair<std::string_view, std::string_view> kFormats[] = {
    {"date", LATHE_DATE},
    {"time", LATHE_TIME},
    {"date-time", LATHE_DATE "T" LATHE_TIME},
    {"duration",
     "P(?:[0-9]{1,3}W|T(?:[0-9]{1,3}H(?:[0-9]{1,2}M(?:[0-9]{1,2}S)?)?|"
     "[0-9]{1,3}M(?:[0-9]{1,2}S)?|[0-9]{1,3}S)|"
     "(?:[0-9]{1,3}Y(?:[0-9]{1,2}M(?:[0-9]{1,2}D)?)?|[0-9]{1,3}M(?:[0-9]{1,2}D)?|[0-9]{1,3}D)"
     "(?:T(?:[0-9]{1,2}H(?:[0-9]{1,2}M(?:[0-9]{1,2}S)?)?|"
     "[0-9]{1,2}M(?:[0-9]{1,2}S)?|[0-9]{1,2}S))?)"},
    {"uuid", "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"},
    {"ipv4", LATHE_OCTET "(?:\\." LATHE_OCTET "){3}"},
    {"ipv6", "[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){7}"},
    {"hostname", LATHE_HOST},
    {"email", "[A-Za-z0-9_+-]{1,30}(?:\\.[A-Za-z0-9_+-]{1,30}){0,2}@" LATHE_HOST},
    {"uri", "https?://" LATHE_HOST "(?::[1-9][0-9]{1,3})?(?:/[A-Za-z0-9_.~-]{0,40}){0,8}"
            "(?:\\?[A-Za-z0-9_.~=&-]{0,60})?(?:#[A-Za-z0-9_.~-]{0,30})?"},
};

#undef LATHE_DATE
#undef LATHE_TIME
#undef LATHE_OCTET
#undef LATHE_LABEL
#undef LATHE_HOST

Result<Expression> Length(const Json& schema, bool in_place, const std::string& path) {
    auto min = schema.value("minLength", uint32_t{0});
    std::optional<uint32_t> max;
    if (schema.contains("maxLength")) max = schema["maxLength"].get<uint32_t>();
    for (const char* name : {"minLength", "maxLength"})
        if (schema.contains(name) && schema[name] > kLengthMax)
            return SchemaError(path, name, "lengths above {} are not supported", kLengthMax);
    if (max && *max < min)
        return SchemaError(path, "maxLength", "it is less than minLength ({} and {})", *max, min);
    Expression character = AnyJsonCharacter();
    if (!in_place && std::max(min, max.value_or(0)) > kInlineLengthMax)
        character = Shared("character", std::move(character));
    return Repeat(std::move(character), min, max);
}

}  // namespace

std::string_view FormatPattern(std::string_view format) {
    for (auto [name, pattern] : kFormats)
        if (name == format) return pattern;
    return {};
}

std::string FormatNames() {
    std::string names;
    for (auto [name, pattern] : kFormats) {
        if (!names.empty()) names += ", ";
        names += name;
    }
    return names;
}

Result<Expression> StringContent(const Json& schema, const std::string& path) {
    std::vector<Expression> all;
    if (schema.contains("format")) {
        auto format = schema["format"].get<std::string>();
        std::string_view pattern = FormatPattern(format);
        if (pattern.empty())
            return SchemaError(path, "format", "\"{}\" is not supported; the formats are {}",
                               format, FormatNames());
        LATHE_TRY(Expression texts, ParseRegex(pattern, {.in_json_string = true}));
        all.push_back(std::move(texts));
    }
    for (const Json& pattern : schema.value("pattern", Json::array())) {
        auto texts = ParseRegex(pattern.get_ref<const std::string&>(),
                                {.search = true, .in_json_string = true});
        if (!texts) return SchemaError(path, "pattern", "{}", texts.error().message);
        all.push_back(std::move(*texts));
    }
    if (all.empty() || schema.contains("minLength") || schema.contains("maxLength")) {
        LATHE_TRY(Expression length, Length(schema, !all.empty(), path));
        all.push_back(std::move(length));
    }
    Expression content = all.front();
    for (size_t i = 1; i < all.size(); ++i) content = Both(std::move(content), all[i]);
    return content;
}

}  // namespace lathe::constraint
