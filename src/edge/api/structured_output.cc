#include "edge/api/structured_output.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "edge/api/limits.h"
#include "edge/api/parameters.h"

namespace lathe::api {
namespace {

using Form = StructuredOutput::Kind;
using constraint::Expression;

constexpr Parameter kResponseFormat[] = {
    {"type", Kind::kString},
    {"json_schema", Kind::kObject},
};

constexpr Parameter kJsonSchema[] = {
    {"name", Kind::kString},
    {"description", Kind::kString},
    {"schema", Kind::kAny},
    {"strict", Kind::kBool},
};

constexpr Parameter kStructuredOutputs[] = {
    {"json", Kind::kAny},
    {"json_object", Kind::kBool},
    {"regex", Kind::kString},
    {"choice", Kind::kArray, Treatment::kHonoured, 1, kGuidedChoicesMax},
    {"grammar", Kind::kString},
};

using Wanted = std::vector<StructuredOutput>;

// A schema, or as vLLM allows the text of one.
Result<Json> SchemaOf(const Json& value, const std::string& param) {
    Json schema = value;
    if (value.is_string()) {
        auto parsed = ParseJson(value.get_ref<const std::string&>());
        if (!parsed) return InvalidParam(param, "{}: {}", param, parsed.error().message);
        schema = std::move(*parsed);
    }
    if (!schema.is_object() && !schema.is_boolean())
        return InvalidParam(param, "{} must be a JSON schema, not {}", param, Describe(schema));
    return schema;
}

Status AddResponseFormat(const Json& body, Wanted& wanted) {
    const Json* format = Find(body, "response_format");
    if (format == nullptr) return {};
    LATHE_RETURN_IF_ERROR(CheckParameters(*format, kResponseFormat, "response_format."));
    auto type = StringOr(*format, "type", "");
    if (type == "text") return {};
    if (type == "json_object") {
        wanted.push_back({Form::kJsonObject, nullptr, "response_format"});
        return {};
    }
    if (type != "json_schema")
        return InvalidParam("response_format.type",
                            "response_format.type must be \"text\", \"json_object\" or "
                            "\"json_schema\"");
    const Json* outer = Find(*format, "json_schema");
    if (outer == nullptr)
        return InvalidParam("response_format.json_schema",
                            "response_format.json_schema must be given");
    LATHE_RETURN_IF_ERROR(CheckParameters(*outer, kJsonSchema, "response_format.json_schema."));
    std::string param = "response_format.json_schema.schema";
    const Json* inner = Find(*outer, "schema");
    if (inner == nullptr) return InvalidParam(param, "{} must be given", param);
    LATHE_TRY(Json schema, SchemaOf(*inner, param));
    wanted.push_back({Form::kJsonSchema, std::move(schema), std::move(param)});
    return {};
}

// The parameters of one object: `json`, `regex`, `choice` and `grammar` by their names there.
struct Names {
    const char* json;
    const char* regex;
    const char* choice;
    const char* grammar;
};

Status AddGuided(const Json& object, const std::string& prefix, const Names& names,
                 Wanted& wanted) {
    if (const Json* value = Find(object, names.json)) {
        LATHE_TRY(Json schema, SchemaOf(*value, prefix + names.json));
        wanted.push_back({Form::kJsonSchema, std::move(schema), prefix + names.json});
    }
    if (const Json* value = Find(object, names.regex))
        wanted.push_back({Form::kRegex, *value, prefix + names.regex});
    if (const Json* value = Find(object, names.choice)) {
        if (!std::ranges::all_of(*value, [](const Json& text) { return text.is_string(); }))
            return InvalidParam(prefix + names.choice, "{}{} must be an array of strings", prefix,
                                names.choice);
        wanted.push_back({Form::kChoice, *value, prefix + names.choice});
    }
    if (const Json* value = Find(object, names.grammar))
        wanted.push_back({Form::kGrammar, *value, prefix + names.grammar});
    return {};
}

Result<Expression> ExpressionOf(const StructuredOutput& wanted) {
    switch (wanted.kind) {
        case Form::kJsonObject:
            return constraint::JsonObject();
        case Form::kJsonSchema:
            return constraint::JsonSchema(wanted.value);
        case Form::kRegex:
            return constraint::Regex(wanted.value.get_ref<const std::string&>());
        case Form::kChoice:
            return constraint::Choice(wanted.value.get<std::vector<std::string>>());
        case Form::kGrammar:
            return constraint::Gbnf(wanted.value.get_ref<const std::string&>());
    }
    return constraint::JsonObject();
}

}  // namespace

Result<std::optional<StructuredOutput>> ParseStructuredOutput(const Json& body) {
    Wanted wanted;
    LATHE_RETURN_IF_ERROR(AddResponseFormat(body, wanted));
    LATHE_RETURN_IF_ERROR(AddGuided(
        body, "", {"guided_json", "guided_regex", "guided_choice", "guided_grammar"}, wanted));
    if (const Json* grammar = Find(body, "grammar"))
        wanted.push_back({Form::kGrammar, *grammar, "grammar"});
    if (const Json* outputs = Find(body, "structured_outputs")) {
        LATHE_RETURN_IF_ERROR(CheckParameters(*outputs, kStructuredOutputs, "structured_outputs."));
        LATHE_RETURN_IF_ERROR(AddGuided(*outputs, "structured_outputs.",
                                        {"json", "regex", "choice", "grammar"}, wanted));
        if (BoolOr(*outputs, "json_object", false))
            wanted.push_back({Form::kJsonObject, nullptr, "structured_outputs.json_object"});
    }
    if (wanted.empty()) return std::nullopt;
    if (wanted.size() > 1)
        return InvalidParam(wanted[1].param,
                            "{} and {} cannot hold together; give only one of them",
                            wanted[0].param, wanted[1].param);
    return std::move(wanted[0]);
}

Result<constraint::GrammarPtr> GrammarCache::Get(const StructuredOutput& wanted) {
    std::string text = DumpJson(wanted.value);
    if (text.size() > kGrammarBytesMax)
        return InvalidParam(wanted.param, "{} has {} bytes; at most {} are allowed", wanted.param,
                            text.size(), kGrammarBytesMax);
    std::string key = fmt::format("{}:{}", static_cast<int>(wanted.kind), text);
    return Get(key, wanted.param, [&] { return ExpressionOf(wanted); });
}

Result<constraint::GrammarPtr> GrammarCache::Get(const std::string& key, std::string_view param,
                                                 const std::function<Result<Expression>()>& make) {
    if (auto found = Find(key)) return found;
    auto blame = [&](Error error) -> std::unexpected<Error> {
        if (!error.param.empty()) return std::unexpected(std::move(error));
        error.param = param;
        return std::unexpected(WithContext(std::move(error), param));
    };
    auto expression = make();
    if (!expression) return blame(std::move(expression).error());
    auto grammar = constraint::Compile(*expression);
    if (!grammar) return blame(std::move(grammar).error());
    Add({key, *grammar});
    return *std::move(grammar);
}

constraint::GrammarPtr GrammarCache::Find(const std::string& key) {
    std::lock_guard lock(mutex_);
    auto found = std::ranges::find(entries_, key, &Entry::key);
    if (found == entries_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found);
    return entries_.front().grammar;
}

void GrammarCache::Add(Entry entry) {
    std::lock_guard lock(mutex_);
    if (std::ranges::find(entries_, entry.key, &Entry::key) != entries_.end()) return;
    bytes_ += entry.bytes();
    entries_.push_front(std::move(entry));
    while (entries_.size() > 1 && (entries_.size() > kEntriesMax || bytes_ > kBytesMax)) {
        bytes_ -= entries_.back().bytes();
        entries_.pop_back();
    }
}

}  // namespace lathe::api
