#pragma once

#include "compute/chat/chat_template.h"
#include "compute/chat/tool_format.h"

namespace lathe::chat {

struct ToolSupportOptions {
    std::string bos_token;
    std::string eos_token;
    // A name of ToolFormats() to read calls by; "": by the template; "none": not at all.
    std::string format;
};

// How one model takes tools and writes calls: what its template does with them, found by
// rendering probes once, and the format of its calls.
//
// A template that shows tools gets them as it wants them: arguments as objects or as text,
// contents of calls empty or null, short ids. For one that knows nothing of tools they are
// described in a system message, calls are written into the text and results are handed
// back by the user, all in GenericToolFormat().
//
// Const-safe. Borrows nothing.
class ToolSupport {
public:
    // Errors (kInvalidArgument): no such format, or one that does not fit the template.
    static Result<ToolSupport> Probe(const ChatTemplate& chat_template,
                                     const ToolSupportOptions& options = {});

    // The template itself shows tools.
    bool native() const { return native_; }
    // How calls are to be read; null if that is not known.
    const ToolFormat* format() const { return format_; }

    // The conversation as the template wants it. Messages as in a request, but contents
    // plain text or null and arguments objects where they could be parsed.
    RenderInput Adapt(RenderInput input) const;

private:
    // How calls and results are put into a message.
    struct CallStyle {
        bool object_arguments = true;
        bool null_content = false;
        bool short_ids = false;
    };

    ToolSupport() = default;
    void FindCallStyle(const ChatTemplate& chat_template, const ToolSupportOptions& options);
    void AdaptCalls(Json& messages) const;
    void WriteCallsAsText(RenderInput& input) const;

    bool native_ = false;
    bool system_role_ = true;
    CallStyle style_;
    const ToolFormat* format_ = nullptr;
};

// An id of nine letters and digits for any id, the same for the same.
std::string ShortCallId(std::string_view id);

}  // namespace lathe::chat
