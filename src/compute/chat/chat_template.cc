#include "compute/chat/chat_template.h"

#include "compute/chat/ast.h"
#include "compute/chat/interpreter.h"
#include "compute/chat/lexer.h"
#include "compute/chat/parser.h"
#include "compute/chat/scopes.h"
#include "compute/chat/unicode.h"

namespace lathe::chat {
namespace {

std::unexpected<Error> TemplateError(const TemplateStyle& style, int line,
                                     std::string_view message) {
    return InvalidArgument("{}, line {}: {}", style.what, line, message);
}

}  // namespace

Result<ChatTemplate> ChatTemplate::Parse(std::string_view source, const TemplateLimits& limits,
                                         const TemplateStyle& style) {
    if (source.size() > limits.source_bytes_max)
        return InvalidArgument("the {} is longer than {} bytes", style.what,
                               limits.source_bytes_max);
    if (size_t at = FirstInvalidUtf8(source); at != std::string_view::npos)
        return InvalidArgument("the {} is not valid UTF-8 at byte {}", style.what, at);
    auto program = std::make_shared<Program>();
    program->source = source;
    program->limits = limits;
    program->style = style;
    Budget budget(limits);
    try {
        Parser(budget, *program, Tokenize(budget, source, style)).Run();
        ResolveVariables(budget, *program);
    } catch (const SyntaxFault& fault) {
        return TemplateError(style, fault.line, fault.message);
    } catch (const Fault& fault) {
        return InvalidArgument("{}: {}", style.what, fault.message);
    }
    return ChatTemplate(std::move(program));
}

ChatTemplate::ChatTemplate(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;
ChatTemplate::~ChatTemplate() = default;

const std::string& ChatTemplate::source() const {
    return program_->source;
}

Result<std::string> ChatTemplate::Render(const RenderInput& input) const {
    for (std::string_view name : {"messages", "tools", "add_generation_prompt"})
        if (input.extra.is_object() && input.extra.contains(name))
            return InvalidParam(name, "'{}' must not be among the template's own arguments", name);
    return RenderWith(input);
}

Result<std::string> ChatTemplate::RenderNames(const Json& names) const {
    return RenderWith(names);
}

template <typename Input>
Result<std::string> ChatTemplate::RenderWith(const Input& input) const {
    std::optional<Interpreter> interpreter;
    try {
        interpreter.emplace(*program_, input);
    } catch (const Fault& fault) {
        return InvalidArgument("{}: {}", program_->style.what, fault.message);
    }
    try {
        return interpreter->Run();
    } catch (const Fault& fault) {
        return TemplateError(program_->style, interpreter->line(), fault.message);
    }
}

}  // namespace lathe::chat
