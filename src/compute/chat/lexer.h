#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compute/chat/budget.h"

namespace lathe::chat {

struct Token {
    enum class Type : uint8_t {
        kData,           // text outside of tags
        kBlockBegin,     // {%
        kBlockEnd,       // %}
        kVariableBegin,  // {{
        kVariableEnd,    // }}
        kName,
        kString,
        kInteger,
        kFloat,
        kOperator,
        kEnd,
    };
    Type type = Type::kEnd;
    int line = 1;
    std::string text;  // of a string: the content, unescaped
};

// "name", "'%}'" and so on, for messages.
std::string Describe(const Token& token);

// A failure that knows its line better than the caller does.
struct SyntaxFault : Fault {
    int line = 0;
};

template <typename... Args>
[[noreturn]] void FailAt(int line, fmt::format_string<Args...> format, Args&&... args) {
    SyntaxFault fault;
    fault.message = fmt::format(format, std::forward<Args>(args)...);
    fault.line = line;
    throw fault;
}

// The tokens of a template. Where the style trims blocks, as jinja2's trim_blocks and
// lstrip_blocks, a tag takes the line break after it and the indentation before it; `-`
// takes all white space, `+` nothing. Comments and raw tags are gone. Ends with kEnd. Throws
// SyntaxFault. Requires: valid UTF-8.
std::vector<Token> Tokenize(Budget& budget, std::string_view source, const TemplateStyle& style);

}  // namespace lathe::chat
