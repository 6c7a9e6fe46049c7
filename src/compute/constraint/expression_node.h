// The inside of an Expression, for the compiler.
#pragma once

#include "compute/constraint/expression.h"

namespace lathe::constraint {

struct Rule {
    std::string name;
    std::optional<Expression> body;  // empty until it is defined
};

struct Expression::Node {
    enum class Kind {
        kNothing,
        kLiteral,   // text
        kClass,     // ranges
        kSequence,  // parts
        kEither,    // parts
        kRepeat,    // parts[0], min, max
        kList,      // items, parts[0] between them; not empty if min is 1
        kBoth,      // parts[0] and parts[1]
        kExcept,    // parts[0] but not parts[1]
        kRule,      // rule
        kScope,     // parts[0], which may use `rules`
    };

    Kind kind = Kind::kSequence;
    std::string text;
    std::vector<CodePointRange> ranges;  // rising, apart, without surrogates
    std::vector<Expression> parts;
    std::vector<ListItem> items;
    uint32_t min = 0;
    std::optional<uint32_t> max;
    const Rule* rule = nullptr;  // lives in the scope around
    std::shared_ptr<const void> rules;
};

}  // namespace lathe::constraint
