#include "compute/constraint/grammar.h"
#include "compute/tokenizer/utf8.h"

namespace lathe::constraint {

Result<Expression> Choice(std::span<const std::string> texts) {
    if (texts.empty()) return InvalidArgument("there is nothing to choose from");
    std::vector<Expression> ways;
    for (const std::string& text : texts) {
        if (text.empty()) return InvalidArgument("a text to choose from is empty");
        if (!tokenizer::IsValidUtf8(text))
            return InvalidArgument("a text to choose from is not valid UTF-8");
        ways.push_back(Literal(text));
    }
    return Either(std::move(ways));
}

}  // namespace lathe::constraint
