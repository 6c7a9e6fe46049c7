// One call inside a section, for each CallSyntax. Internal to the component.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "compute/chat/tool_format.h"
#include "core/json/json.h"

namespace lathe::chat {

// Whether a text begins with something.
enum class Found : uint8_t { kYes, kNo, kMore };  // kMore: that depends on what follows

// Whether `text` begins with `marker`.
Found Begins(std::string_view text, std::string_view marker);
// The bytes at the front of `text`, which does not contain `marker`, that cannot belong to
// one that the text's continuation completes.
size_t CertainBytes(std::string_view text, std::string_view marker);
// The bytes of white space that `text` begins with.
size_t SpaceBytes(std::string_view text);

// The tools a request offers. Const-safe.
class OfferedTools {
public:
    explicit OfferedTools(std::shared_ptr<const Json> tools) : tools_(std::move(tools)) {}
    bool Has(std::string_view name) const { return Function(name) != nullptr; }
    // The schema of a parameter; null if there is none.
    const Json* Parameter(std::string_view tool, std::string_view parameter) const;

private:
    const Json* Function(std::string_view name) const;
    std::shared_ptr<const Json> tools_;
};

// Reads calls from the front of a text: head, arguments, tail. One text's own thread.
class CallReader {
public:
    virtual ~CallReader() = default;

    struct Head {
        size_t bytes = 0;  // up to its arguments
        std::string name;
        std::string arguments;  // their beginning, or all of them
        bool arguments_done = false;
    };
    // kYes fills `head`: the text begins with a call, whose arguments are read next.
    // With `known_only` the name must be one of the tools'.
    virtual Found ReadHead(std::string_view text, bool known_only, Head& head) = 0;

    struct Progress {
        size_t bytes = 0;  // taken from the text
        bool done = false;
    };
    // Appends arguments to `out`.
    virtual Progress ReadArguments(std::string_view text, std::string& out) = 0;
    // The text has ended inside the arguments: appends what is left to show of `text`.
    virtual void EndArguments(std::string_view text, std::string& out) = 0;

    // What still belongs to the call after its arguments.
    virtual Progress ReadTail(std::string_view text) = 0;
};

std::unique_ptr<CallReader> MakeCallReader(const ToolFormat& format,
                                           std::shared_ptr<const Json> tools);
// By syntax; MakeCallReader chooses.
std::unique_ptr<CallReader> JsonCallReader(const ToolFormat& format, OfferedTools tools);
std::unique_ptr<CallReader> NamedCallReader(const ToolFormat& format, OfferedTools tools);
std::unique_ptr<CallReader> TaggedCallReader(const ToolFormat& format, OfferedTools tools);

// call_begin, the name and name_end at the front of `text`; kYes fills name and bytes.
Found ReadNamedHead(const ToolFormat& format, std::string_view text, CallReader::Head& head);

// Follows one JSON value from its first byte to its last, in pieces. Bytes are copied, but
// control characters inside strings, which models write though JSON forbids them, are
// escaped. What is no JSON at all ends the value as broken.
class JsonValueScanner {
public:
    // `depth`: brackets that are open already.
    explicit JsonValueScanner(size_t depth = 0) : depth_(depth) {}

    // Takes bytes until the value ends or breaks; returns how many.
    size_t Take(std::string_view text, std::string& out);
    bool done() const { return done_; }
    bool broken() const { return broken_; }

private:
    void TakeInString(char c, std::string& out);

    size_t depth_;
    bool in_string_ = false;
    bool escaped_ = false;
    bool done_ = false;
    bool broken_ = false;
};

// Arguments that are a JSON object, given as they come. Where they stop being JSON, they
// go on to the letter until the marker that ends them.
class ObjectArguments {
public:
    explicit ObjectArguments(std::string_view end_marker) : end_marker_(end_marker) {}
    void Begin() { scanner_ = JsonValueScanner(); }
    CallReader::Progress Read(std::string_view text, std::string& out);
    bool broken() const { return scanner_.broken(); }

private:
    std::string_view end_marker_;  // "": there is none
    JsonValueScanner scanner_;
};

// Whether `text` begins with what can be an object: '{', then '"' or '}'.
Found BeginsObject(std::string_view text);

}  // namespace lathe::chat
