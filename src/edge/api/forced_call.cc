#include "edge/api/forced_call.h"

#include <algorithm>
#include <array>
#include <vector>

#include "edge/api/limits.h"
#include "edge/api/parameters.h"

namespace lathe::api {
namespace {

using constraint::Expression;
using constraint::Literal;

// A schema that says nothing of its type is meant to describe an object all the same.
bool LeavesTypeOpen(const Json& schema) {
    constexpr auto kDeciding = std::to_array<std::string_view>(
        {"type", "$ref", "anyOf", "oneOf", "allOf", "enum", "const"});
    return std::ranges::none_of(kDeciding, [&](auto key) { return schema.contains(key); });
}

// What the arguments of a tool may be.
Result<Expression> ArgumentsOf(const Json& tool, size_t index) {
    const Json* parameters = Find(tool["function"], "parameters");
    Json schema = parameters != nullptr ? *parameters
                                        : Json{{"type", "object"}, {"additionalProperties", false}};
    auto path = fmt::format("tools[{}].function.parameters", index);
    if (LeavesTypeOpen(schema)) schema["type"] = "object";
    if (auto type = schema.find("type"); type != schema.end() && *type != "object")
        return InvalidParam(path + ".type", "{}.type must be \"object\"", path);
    auto blame = [&](Error error) {
        error = WithContext(std::move(error), path);
        error.param = path;
        return std::unexpected(std::move(error));
    };
    auto expression = constraint::JsonSchema(schema);
    if (!expression) return blame(std::move(expression).error());
    // By itself, so that a schema without any valid text is not just never chosen.
    if (auto alone = constraint::Compile(*expression); !alone)
        return blame(std::move(alone).error());
    return constraint::Sequence({constraint::Optional(Literal(" ")), *std::move(expression)});
}

// A tool that may be called: its place among the tools, its name, and what follows in the
// text of a call before the arguments.
struct Candidate {
    size_t index = 0;
    std::string name;
    std::string head;
};

// What follows the beginning of the call.
Result<Expression> RestOf(const chat::ToolFormat& format, const ToolRequest& request,
                          const std::vector<Candidate>& candidates, bool many) {
    std::vector<Expression> arguments, calls;
    for (const auto& candidate : candidates) {
        LATHE_TRY(auto expression, ArgumentsOf((*request.tools)[candidate.index], candidate.index));
        arguments.push_back(
            constraint::Shared("arguments of " + candidate.name, std::move(expression)));
        calls.push_back(constraint::Sequence({Literal(candidate.head), arguments.back()}));
    }
    std::vector<Expression> parts = {candidates.size() == 1 ? arguments[0]
                                                            : constraint::Either(calls)};
    if (many) {
        parts.push_back(constraint::Repeat(
            constraint::Sequence({Literal(format.forced_next), constraint::Either(calls)}), 0,
            kForcedCallsMax - 1));
        // Else a model that closes its call would find itself in a further one.
        parts.push_back(constraint::Optional(Literal(format.forced_end)));
    }
    return constraint::Sequence(std::move(parts));
}

}  // namespace

Result<ForcedCall> MakeForcedCall(const chat::ToolFormat& model_format, const ToolRequest& request,
                                  GrammarCache& grammars) {
    const auto& format =
        model_format.forced_begin.empty() ? chat::PlainJsonToolFormat() : model_format;
    bool named = request.choice == ToolRequest::Choice::kNamed;
    bool many = !named && request.parallel && !format.forced_next.empty();
    std::vector<Candidate> candidates;
    for (size_t i = 0; i < request.tools->size(); ++i) {
        auto name = (*request.tools)[i]["function"]["name"].get<std::string>();
        if (named && name != request.name) continue;
        candidates.push_back({i, name, fmt::format("{}{}", name, format.forced_middle)});
    }
    ForcedCall forced{.format = &format, .begin = std::string(format.forced_begin), .grammar = {}};
    // What is certain is not left to the model to write, letter by letter.
    if (candidates.size() == 1) forced.begin += candidates[0].head;
    auto key =
        fmt::format("calls:{}:{}:{}:{}", format.name, many, request.name, DumpJson(*request.tools));
    if (key.size() > kGrammarBytesMax)
        return InvalidParam("tools",
                            "tools have {} bytes; at most {} are allowed where a call is "
                            "forced",
                            key.size(), kGrammarBytesMax);
    LATHE_TRY(forced.grammar, grammars.Get(key, "tools", [&] {
        return RestOf(format, request, candidates, many);
    }));
    return forced;
}

}  // namespace lathe::api
