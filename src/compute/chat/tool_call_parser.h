#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compute/chat/tool_format.h"
#include "core/json/json.h"

namespace lathe::chat {

// What the next piece of a text turned out to be.
struct ToolDelta {
    enum class Kind : uint8_t {
        kContent,    // `text` is for the reader
        kCall,       // a call of the tool `text` begins
        kArguments,  // `text` continues the arguments, a JSON object, of the last call
    };
    Kind kind = Kind::kContent;
    std::string text;
};

class CallReader;  // call_reader.h

// Tells the tool calls in a text that arrives in pieces from the rest of it. How the text
// is cut does not change the result: equal text, equal content, calls and arguments.
//
//   Push ... Push  Finish
//
// A call is shown once its name and the beginning of its arguments are read; what does not
// get there is content, markers included, so nothing of a malformed call is lost. From then on
// its arguments are what the model wrote, to the letter, but for control characters inside
// strings, which are escaped. Nothing that may still become a marker is given out. White space
// around calls is dropped.
//
// One text's own thread.
class ToolCallParser {
public:
    // A call whose name and arguments are not in sight after so many bytes is content.
    static constexpr size_t kHeadBytesMax = size_t{32} << 10;
    static constexpr size_t kNameBytesMax = 128;

    // `tools` as in a request: [{"type": "function", "function": {"name", "parameters"}}].
    ToolCallParser(const ToolFormat& format, std::shared_ptr<const Json> tools);
    ToolCallParser(ToolCallParser&&) noexcept;
    ToolCallParser& operator=(ToolCallParser&&) noexcept;
    ~ToolCallParser();

    // Appends to `out` what has become certain.
    void Push(std::string_view text, std::vector<ToolDelta>& out);
    // No more text: what was held back is decided.
    void Finish(std::vector<ToolDelta>& out);

    // Calls shown so far.
    size_t call_count() const { return call_count_; }

private:
    enum class State : uint8_t { kStart, kContent, kSection, kArguments, kTail };

    // Each takes what it can from the front of pending_; false if it needs more text.
    bool Step(std::vector<ToolDelta>& out);
    bool StepStart();
    bool StepContent(std::vector<ToolDelta>& out);
    bool StepSection(std::vector<ToolDelta>& out);
    bool StepTail();
    size_t SkippedBytes() const;
    void LeaveSection(std::vector<ToolDelta>& out);
    std::string_view pending() const { return std::string_view(pending_).substr(at_); }

    const ToolFormat* format_;
    std::unique_ptr<CallReader> reader_;
    State state_ = State::kStart;
    std::string pending_;  // not decided yet, from at_ on
    size_t at_ = 0;
    std::string raw_;       // of a section, as long as it shows no call
    std::string_view end_;  // what ends the section
    bool bare_ = false;     // the section began without its marker
    bool after_section_ = false;
    size_t section_call_count_ = 0;
    size_t call_count_ = 0;
};

}  // namespace lathe::chat
