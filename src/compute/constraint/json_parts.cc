#include "compute/constraint/json_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace lathe::constraint {
namespace {

constexpr CodePointRange kDigit = {'0', '9'};
constexpr CodePointRange kOneToNine = {'1', '9'};
constexpr std::pair<char, char> kShortEscapes[] = {
    {'\b', 'b'}, {'\f', 'f'}, {'\n', 'n'}, {'\r', 'r'}, {'\t', 't'}, {'"', '"'}, {'\\', '\\'}};

// What may stand in a string as it is.
const std::vector<CodePointRange>& Plain() {
    static const auto* const kPlain = new std::vector<CodePointRange>(
        Complement(std::vector<CodePointRange>{{0, 0x1F}, {'"', '"'}, {'\\', '\\'}}));
    return *kPlain;
}

Expression Digits(uint32_t min, uint32_t max) {
    return Repeat(CharClass({kDigit}), min, max);
}

Expression IntegerText() {
    return Sequence({Optional(Literal("-")),
                     Either({Literal("0"), Sequence({CharClass({kOneToNine}),
                                                     Digits(0, kIntegerDigitsMax - 1)})})});
}

Expression NumberText() {
    Expression fraction = Sequence({Literal("."), Digits(1, kFractionDigitsMax)});
    Expression exponent =
        Sequence({CharClass({{'e', 'e'}, {'E', 'E'}}),
                  Optional(CharClass({{'+', '+'}, {'-', '-'}})), Digits(1, kExponentDigitsMax)});
    return Sequence({IntegerText(), Optional(fraction), Optional(exponent)});
}

// {A}, {A, B}, {A, B, C} ... of members that are all alike, or nothing between the brackets.
Expression Bracketed(std::string_view open, const Expression& member, std::string_view close,
                     const JsonParts& parts) {
    return Sequence(
        {Literal(open), parts.space,
         Optional(Sequence({member, Repeat(Sequence({parts.comma, member}), 0), parts.space})),
         Literal(close)});
}

}  // namespace

JsonParts::JsonParts() {
    Expression indent = Repeat(CharClass({{' ', ' '}, {'\t', '\t'}}), 0, kIndentMax);
    space = Shared("space", Optional(Either({Literal(" "), Sequence({Literal("\n"), indent})})));
    comma = Sequence({Literal(","), space});
    colon = Sequence({Literal(":"), Optional(Literal(" "))});
    string = Shared("string", JsonQuoted(Repeat(AnyJsonCharacter(), 0)));
    integer = Shared("integer", IntegerText());
    number = Shared("number", NumberText());
    boolean = Either({Literal("true"), Literal("false")});

    RuleSet rules;
    auto any_value = rules.Declare("value");
    auto any_object = rules.Declare("object");
    auto any_array = rules.Declare("array");
    Expression member = Sequence({string, colon, rules.Use(any_value)});
    rules.Define(any_object, Bracketed("{", member, "}", *this));
    rules.Define(any_array, Bracketed("[", rules.Use(any_value), "]", *this));
    rules.Define(any_value, Either({rules.Use(any_object), rules.Use(any_array), string, number,
                                    boolean, Literal("null")}));
    value = rules.Use(any_value);
    object = rules.Use(any_object);
    array = rules.Use(any_array);
    // Closed around each of them: the three share the rules.
    Expression scope = rules.Close(Expression());
    value = Within(scope, value);
    object = Within(scope, object);
    array = Within(scope, array);
}

Expression JsonCharacter(std::span<const CodePointRange> ranges) {
    auto has = [&](char32_t c) {
        return std::ranges::any_of(
            ranges, [&](CodePointRange range) { return range.first <= c && c <= range.last; });
    };
    std::vector<CodePointRange> plain;
    for (CodePointRange range : ranges)
        for (CodePointRange allowed : Plain()) {
            CodePointRange common = {std::max(range.first, allowed.first),
                                     std::min(range.last, allowed.last)};
            if (common.first <= common.last) plain.push_back(common);
        }
    std::vector<Expression> forms = {CharClass(std::move(plain))};
    for (auto [c, letter] : kShortEscapes)
        if (has(static_cast<unsigned char>(c))) forms.push_back(Literal(std::string{'\\', letter}));
    for (char32_t c = 0; c < 0x20; ++c) {
        bool is_short = std::ranges::any_of(
            kShortEscapes, [&](auto escape) { return static_cast<char32_t>(escape.first) == c; });
        if (has(c) && !is_short)
            forms.push_back(Literal(fmt::format("\\u{:04x}", static_cast<uint32_t>(c))));
    }
    return Either(std::move(forms));
}

Expression AnyJsonCharacter() {
    std::vector<CodePointRange> letters = {{'/', '/'}};
    for (auto [c, letter] : kShortEscapes)
        letters.push_back({static_cast<unsigned char>(letter), static_cast<unsigned char>(letter)});
    auto hex = [](uint32_t count) {
        return Repeat(CharClass({kDigit, {'a', 'f'}, {'A', 'F'}}), count, count);
    };
    // Halves of surrogate pairs are left out: alone they are no text.
    Expression code = Either(
        {Sequence({CharClass({kDigit, {'a', 'c'}, {'A', 'C'}, {'e', 'f'}, {'E', 'F'}}), hex(3)}),
         Sequence({CharClass({{'d', 'd'}, {'D', 'D'}}), CharClass({{'0', '7'}}), hex(2)})});
    return Either({CharClass(Plain()), Sequence({Literal("\\"), CharClass(letters)}),
                   Sequence({Literal("\\u"), code})});
}

Expression JsonQuoted(Expression content) {
    return Sequence({Literal("\""), std::move(content), Literal("\"")});
}

Expression JsonLiteral(const Json& value, const JsonParts& parts) {
    if (!value.is_structured()) return Literal(DumpJson(value));
    std::vector<Expression> members;
    bool is_object = value.is_object();
    for (const auto& [key, member] : value.items()) {
        if (!members.empty()) members.push_back(parts.comma);
        if (is_object) {
            members.push_back(Literal(DumpJson(Json(key))));
            members.push_back(parts.colon);
        }
        members.push_back(JsonLiteral(member, parts));
    }
    members.insert(members.begin(), {Literal(is_object ? "{" : "["), parts.space});
    if (!value.empty()) members.push_back(parts.space);
    members.push_back(Literal(is_object ? "}" : "]"));
    return Sequence(std::move(members));
}

}  // namespace lathe::constraint
