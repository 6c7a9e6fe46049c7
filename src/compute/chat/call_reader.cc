#include "compute/chat/call_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "compute/chat/tool_call_parser.h"

namespace lathe::chat {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

bool IsJsonOutsideStrings(char c) {
    constexpr std::string_view kMarks = "{}[]:,\"+-. \t\r\n";
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kMarks.contains(c);
}

// What no name of a function holds; the rest is left to whoever is called.
bool IsNameByte(char c) {
    return static_cast<unsigned char>(c) > ' ' && c != '<' && c != '>' && c != '"' && c != '{' &&
           c != '}' && c != 0x7f;
}

}  // namespace

Found Begins(std::string_view text, std::string_view marker) {
    if (text.starts_with(marker)) return Found::kYes;
    return marker.starts_with(text) ? Found::kMore : Found::kNo;
}

size_t CertainBytes(std::string_view text, std::string_view marker) {
    size_t first = text.size() >= marker.size() ? text.size() - marker.size() + 1 : 0;
    for (size_t at = first; at < text.size(); ++at)
        if (marker.starts_with(text.substr(at))) return at;
    return text.size();
}

size_t SpaceBytes(std::string_view text) {
    return std::min(text.find_first_not_of(kSpace), text.size());
}

const Json* OfferedTools::Function(std::string_view name) const {
    if (tools_ == nullptr || !tools_->is_array()) return nullptr;
    for (const Json& tool : *tools_) {
        if (!tool.is_object()) continue;
        auto function = tool.find("function");
        if (function == tool.end() || !function->is_object()) continue;
        auto found = function->find("name");
        if (found != function->end() && *found == name) return &*function;
    }
    return nullptr;
}

const Json* OfferedTools::Parameter(std::string_view tool, std::string_view parameter) const {
    const Json* at = Function(tool);
    for (std::string_view step :
         {std::string_view("parameters"), std::string_view("properties"), parameter}) {
        if (at == nullptr || !at->is_object()) return nullptr;
        auto found = at->find(step);
        at = found == at->end() ? nullptr : &*found;
    }
    return at;
}

std::unique_ptr<CallReader> MakeCallReader(const ToolFormat& format,
                                           std::shared_ptr<const Json> tools) {
    OfferedTools offered(std::move(tools));
    switch (format.syntax) {
        case CallSyntax::kJson:
            return JsonCallReader(format, std::move(offered));
        case CallSyntax::kNamed:
            return NamedCallReader(format, std::move(offered));
        case CallSyntax::kTagged:
            return TaggedCallReader(format, std::move(offered));
    }
    return nullptr;
}

Found ReadNamedHead(const ToolFormat& format, std::string_view text, CallReader::Head& head) {
    if (auto begins = Begins(text, format.call_begin); begins != Found::kYes) return begins;
    std::string_view rest = text.substr(format.call_begin.size());
    size_t space = SpaceBytes(rest);
    size_t end = space;
    while (end < rest.size() && IsNameByte(rest[end])) {
        // A marker may consist of bytes that a name could have.
        if (!format.name_end.empty() && rest.substr(end).starts_with(format.name_end)) break;
        ++end;
    }
    std::string_view after = rest.substr(end);
    if (after.empty())  // the last bytes may belong to name_end
        return end - space > ToolCallParser::kNameBytesMax + format.name_end.size() ? Found::kNo
                                                                                    : Found::kMore;
    if (end - space > ToolCallParser::kNameBytesMax) return Found::kNo;
    if (auto ends = Begins(after, format.name_end); ends != Found::kYes) return ends;
    if (end == space) return Found::kNo;
    head.name = rest.substr(space, end - space);
    head.bytes = format.call_begin.size() + end + format.name_end.size();
    return Found::kYes;
}

size_t JsonValueScanner::Take(std::string_view text, std::string& out) {
    size_t at = 0;
    for (; at < text.size() && !done_ && !broken_; ++at) {
        char c = text[at];
        if (in_string_) {
            TakeInString(c, out);
            continue;
        }
        if (!IsJsonOutsideStrings(c)) {
            broken_ = true;
            break;
        }
        out += c;
        if (c == '"') in_string_ = true;
        if (c == '{' || c == '[') ++depth_;
        if ((c == '}' || c == ']') && --depth_ == 0) done_ = true;
    }
    return at;
}

void JsonValueScanner::TakeInString(char c, std::string& out) {
    bool after_backslash = std::exchange(escaped_, false);
    if (static_cast<unsigned char>(c) < 0x20) {
        // A backslash that is out already begins the escape.
        if (!after_backslash) out += '\\';
        out += fmt::format("u{:04x}", static_cast<unsigned char>(c));
        return;
    }
    out += c;
    if (after_backslash) return;
    if (c == '\\') escaped_ = true;
    if (c == '"') {
        in_string_ = false;
        done_ = depth_ == 0;
    }
}

CallReader::Progress ObjectArguments::Read(std::string_view text, std::string& out) {
    size_t taken = scanner_.Take(text, out);
    if (!scanner_.broken()) return {taken, scanner_.done()};
    std::string_view rest = text.substr(taken);
    if (!end_marker_.empty()) {
        if (auto at = rest.find(end_marker_); at != rest.npos) {
            out += rest.substr(0, at);
            return {taken + at, true};
        }
        rest = rest.substr(0, CertainBytes(rest, end_marker_));
    }
    out += rest;
    return {taken + rest.size(), false};
}

Found BeginsObject(std::string_view text) {
    if (text.empty()) return Found::kMore;
    if (text[0] != '{') return Found::kNo;
    size_t at = 1 + SpaceBytes(text.substr(1));
    if (at == text.size()) return Found::kMore;
    return text[at] == '"' || text[at] == '}' ? Found::kYes : Found::kNo;
}

}  // namespace lathe::chat
