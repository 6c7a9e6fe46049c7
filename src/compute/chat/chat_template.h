#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/json/json.h"

namespace lathe::chat {

struct TemplateLimits {
    size_t source_bytes_max = 1u << 20;
    uint64_t steps_max = 10'000'000;  // evaluated nodes, and their like in copied bytes
    size_t output_bytes_max = 16u << 20;
    size_t memory_bytes_max = 256u << 20;  // values made while rendering
    size_t depth_max = 200;                // nesting of the source and of calls
};

// What differs between the places where Jinja is written: as transformers sets it up for
// chat templates (the default), or as plain jinja2 with StrictUndefined, for task files.
struct TemplateStyle {
    std::string_view what = "chat template";  // in messages; a literal
    bool trims_blocks = true;                 // trim_blocks and lstrip_blocks
    bool keeps_trailing_newline = false;
    bool strict_undefined = false;  // only `is defined`, `is undefined` and `default` take a
                                    // name that has no value
};

struct RenderInput {
    Json messages = Json::array();
    Json tools = nullptr;  // array or null
    bool add_generation_prompt = true;
    Json extra = Json::object();  // chat_template_kwargs of the request; over bos_token
                                  // and eos_token, but never over the three above
    std::string bos_token;
    std::string eos_token;
    // What strftime_now() shows; a fixed time in tests.
    std::chrono::system_clock::time_point now = std::chrono::system_clock::now();
};

// A published chat template: the Jinja subset that such templates use, with the names
// that transformers provides, evaluated in a sandbox that reads only its input. To the
// byte what jinja2's ImmutableSandboxedEnvironment renders with trim_blocks and
// lstrip_blocks. What is not there: include, import, extends, block, autoescape, and the
// filters filesizeformat, pprint, random, striptags, urlize, wordwrap and xmlattr.
//
// Const-safe: render from any thread.
class ChatTemplate {
public:
    // Errors name the line and what is not supported.
    static Result<ChatTemplate> Parse(std::string_view source, const TemplateLimits& limits = {},
                                      const TemplateStyle& style = {});

    ChatTemplate(ChatTemplate&&) noexcept;
    ChatTemplate& operator=(ChatTemplate&&) noexcept;
    ~ChatTemplate();

    // The prompt. Errors (kInvalidArgument): raise_exception's message, a type error with
    // its line, or the exceeded limit.
    Result<std::string> Render(const RenderInput& input) const;

    // The same with these names and the functions that every template has, no others.
    Result<std::string> RenderNames(const Json& names) const;

    const std::string& source() const;

    struct Program;  // internal
private:
    explicit ChatTemplate(std::shared_ptr<const Program> program);
    template <typename Input>
    Result<std::string> RenderWith(const Input& input) const;

    std::shared_ptr<const Program> program_;
};

}  // namespace lathe::chat
