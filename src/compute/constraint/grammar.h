#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compute/constraint/expression.h"
#include "core/base/result.h"
#include "core/json/json.h"

namespace lathe::constraint {

// Ways to describe what a text may be. Errors (kInvalidArgument, `param` left to the
// caller) say what cannot be honoured and where.

// Texts that are JSON and valid under `schema`; docs/design/structured-output.md lists
// the keywords. Errors name the keyword and its path ("$.properties.age.multipleOf").
Result<Expression> JsonSchema(const Json& schema);
// Any JSON object.
Expression JsonObject();
// Texts that `pattern` matches as a whole (RE2's syntax; ^ and $ at the ends are allowed).
Result<Expression> Regex(std::string_view pattern);
// One of these texts.
Result<Expression> Choice(std::span<const std::string> texts);
// llama.cpp's grammar format, from its rule `root`.
Result<Expression> Gbnf(std::string_view text);

// An expression compiled to automata, ready to constrain any number of texts.
//
// Every rule is a deterministic automaton over bytes (grouped into classes that no rule
// tells apart) and over calls of other rules. All states can be reached and can reach the
// end, so a text that has not failed yet can always be completed.
//
// Const-safe.
class Grammar {
public:
    static constexpr size_t kStatesMax = size_t{1} << 16;
    static constexpr size_t kTableEntriesMax = size_t{1} << 22;

    using State = uint32_t;
    static constexpr State kNoState = UINT32_MAX;

    // A use of another rule: on its end the text goes on in `next`.
    struct Call {
        State entry = 0;  // where the rule begins
        State next = 0;
    };

    State entry() const { return entry_; }
    size_t state_count() const { return final_.size(); }
    size_t class_count() const { return class_count_; }
    uint8_t ClassOf(uint8_t byte) const { return classes_[byte]; }
    State Next(State state, uint8_t byte_class) const {
        return table_[size_t{state} * class_count_ + byte_class];
    }
    std::span<const Call> Calls(State state) const {
        return std::span(calls_).subspan(call_begins_[state],
                                         call_begins_[state + 1] - call_begins_[state]);
    }
    // A byte may follow in this rule itself.
    bool HasBytes(State state) const { return has_bytes_[state] != 0; }
    // The rule may end here.
    bool IsFinal(State state) const { return final_[state] != 0; }
    // The rule must end here: nothing leads on.
    bool IsLast(State state) const { return final_[state] == 2; }
    size_t bytes() const;

private:
    friend class GrammarBuilder;
    Grammar() = default;

    State entry_ = 0;
    size_t class_count_ = 1;
    uint8_t classes_[256] = {};
    std::vector<State> table_;           // [state, class]
    std::vector<Call> calls_;            // by state
    std::vector<uint32_t> call_begins_;  // [state + 1]
    std::vector<uint8_t> has_bytes_;     // [state]
    std::vector<uint8_t> final_;         // [state]: 0 no, 1 yes, 2 yes and nothing else
};

using GrammarPtr = std::shared_ptr<const Grammar>;

// Errors (kInvalidArgument): the expression matches no text, a rule begins with itself,
// or one of the limits above would be passed (a grammar that explodes).
Result<GrammarPtr> Compile(const Expression& expression);

}  // namespace lathe::constraint
