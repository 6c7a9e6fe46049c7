#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::constraint {

// The code points `first` to `last`, both included.
struct CodePointRange {
    char32_t first = 0;
    char32_t last = 0;
};

inline constexpr char32_t kCodePointMax = 0x10FFFF;

// A set of texts, described but not yet compiled: the common ground of JSON Schema,
// regular expressions, GBNF and of whatever joins them. A value: cheap to copy, never
// changes. Compile (grammar.h) makes it ready for use and enforces the limits.
//
//   Sequence({Literal("<tool_call>\n"), *JsonSchema(schema), Literal("\n</tool_call>")})
//
// Const-safe.
class Expression {
public:
    struct Node;  // internal

    Expression();  // the empty text
    explicit Expression(std::shared_ptr<const Node> node) : node_(std::move(node)) {}
    const Node& node() const { return *node_; }

private:
    std::shared_ptr<const Node> node_;
};

// Exactly these bytes.
Expression Literal(std::string_view text);

// One code point out of these (surrogates never match); none at all gives Nothing().
Expression CharClass(std::vector<CodePointRange> ranges);
// All code points that are in none of `ranges`.
std::vector<CodePointRange> Complement(std::span<const CodePointRange> ranges);

Expression Sequence(std::vector<Expression> parts);

// One of these; Either({}) is Nothing().
Expression Either(std::vector<Expression> parts);

// `part` from `min` to `max` times; without `max` without end. Requires: min <= max.
Expression Repeat(Expression part, uint32_t min, std::optional<uint32_t> max = std::nullopt);
Expression Optional(Expression part);

struct ListItem {
    Expression expression;
    bool required = true;
    bool repeats = false;
};

enum class ListSize { kAny, kNotEmpty };

// The items in their order with `separator` between those that are there.
Expression List(std::vector<ListItem> items, Expression separator, ListSize size = ListSize::kAny);

// Texts of `a` that are also, or are not, texts of `b`. Both must be without named rules
// (Compile refuses others).
Expression Both(Expression a, Expression b);
Expression Except(Expression a, Expression b);

// No text: a Sequence with it is Nothing, too.
Expression Nothing();

// Named expressions that may refer to each other, recursively.
//
//   RuleSet rules;
//   auto value = rules.Declare("value");
//   rules.Define(value, Either({Literal("x"), Sequence({Literal("("), rules.Use(value), ...})}));
//   Expression whole = rules.Close(rules.Use(value));
//
// What Use gives must end up inside an expression that Close gave, which keeps the rules.
class RuleSet {
public:
    using Id = size_t;

    RuleSet();
    RuleSet(RuleSet&&) noexcept;
    RuleSet& operator=(RuleSet&&) noexcept;
    ~RuleSet();

    Id Declare(std::string name);
    void Define(Id rule, Expression body);
    Expression Use(Id rule) const;

    // Every declared rule must be defined. The set is empty afterwards.
    Expression Close(Expression body);

private:
    struct Rules;
    std::shared_ptr<Rules> rules_;
};

// `body`, which may use the rules that `scope` (from Close) holds.
Expression Within(const Expression& scope, Expression body);

// A rule of its own for `body`: masks of states inside it are computed once for all
// the places that share the very same (copied) expression.
Expression Shared(std::string name, Expression body);

}  // namespace lathe::constraint
