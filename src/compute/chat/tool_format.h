#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace lathe::chat {

// How the calls inside a section are written.
enum class CallSyntax : uint8_t {
    kJson,    // {"name": "f", "arguments": {...}}, alone, one after the other, or in a list
    kNamed,   // call_begin f name_end {...} call_end
    kTagged,  // call_begin f name_end key_begin k key_end value_begin v value_end ... call_end
};

// The way in which a family of models writes tool calls:
//
//   section_begin call call ... section_end
//
// Without section_begin each call begins by itself with call_begin; without section_end a
// section ends where no further call follows. White space may stand between all of them.
// Constants: they live as long as the program.
struct ToolFormat {
    std::string_view name;  // for --tool-format
    CallSyntax syntax = CallSyntax::kJson;
    std::string_view section_begin = {};
    std::string_view section_end = {};
    std::string_view call_begin = {};
    std::string_view name_end = {};  // "": white space or '<', which is not part of it
    std::string_view call_end = {};
    std::string_view key_begin = {};
    std::string_view key_end = {};
    std::string_view value_begin = {};  // "": the value follows the key
    std::string_view value_end = {};
    // kJson: a text may begin with the call, perhaps fenced as ```json, without section_begin;
    // then only names of tools that were offered count.
    bool bare = false;

    // A call that is forced: the text before its name, between name and arguments, from the
    // end of the arguments to the name of a further call, and to the end of the section. Without
    // forced_next there is one call, which ends with its arguments.
    std::string_view forced_begin = {};
    std::string_view forced_middle = {};
    std::string_view forced_next = {};
    std::string_view forced_end = {};

    // What the chat template of such a model contains: all of these.
    std::string_view evidence[3] = {};

    // What opens a section or, without sections, a call.
    std::string_view opening() const { return section_begin.empty() ? call_begin : section_begin; }
};

std::span<const ToolFormat> ToolFormats();

// Null if there is none of that name.
const ToolFormat* FindToolFormat(std::string_view name);

// The format that this template's model writes, by the markers in its source; null if none
// is known.
const ToolFormat* DetectToolFormat(std::string_view template_source);

// The format that a model is told to use when its template knows nothing of tools.
const ToolFormat& GenericToolFormat();

// JSON calls without any marker: what a forced call looks like where the model's own
// way is not made of JSON.
const ToolFormat& PlainJsonToolFormat();

// "hermes, llama3, ..." for messages.
std::string ToolFormatNames();

}  // namespace lathe::chat
