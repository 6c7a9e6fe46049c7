#include "compute/chat/tool_call_parser.h"

#include <algorithm>

#include "compute/chat/call_reader.h"

namespace lathe::chat {
namespace {

constexpr std::string_view kFence = "```";
constexpr std::string_view kFenceBegin = "```json";

void Append(ToolDelta::Kind kind, std::string_view text, std::vector<ToolDelta>& out) {
    if (text.empty()) return;
    bool joins = !out.empty() && out.back().kind == kind && kind != ToolDelta::Kind::kCall;
    if (joins)
        out.back().text += text;
    else
        out.push_back({kind, std::string(text)});
}

// The length of `text` without the white space at its end.
size_t TrimmedSize(std::string_view text) {
    return text.find_last_not_of(" \t\r\n") + 1;  // npos + 1 is 0
}

}  // namespace

ToolCallParser::ToolCallParser(const ToolFormat& format, std::shared_ptr<const Json> tools)
    : format_(&format), reader_(MakeCallReader(format, std::move(tools))) {}
ToolCallParser::ToolCallParser(ToolCallParser&&) noexcept = default;
ToolCallParser& ToolCallParser::operator=(ToolCallParser&&) noexcept = default;
ToolCallParser::~ToolCallParser() = default;

void ToolCallParser::Push(std::string_view text, std::vector<ToolDelta>& out) {
    pending_ += text;
    while (Step(out)) {
    }
    pending_.erase(0, at_);
    at_ = 0;
}

bool ToolCallParser::Step(std::vector<ToolDelta>& out) {
    switch (state_) {
        case State::kStart:
            return StepStart();
        case State::kContent:
            return StepContent(out);
        case State::kSection:
            return StepSection(out);
        case State::kArguments: {
            std::string arguments;
            auto progress = reader_->ReadArguments(pending(), arguments);
            at_ += progress.bytes;
            Append(ToolDelta::Kind::kArguments, arguments, out);
            if (progress.done) state_ = State::kTail;
            return progress.done;
        }
        case State::kTail:
            return StepTail();
    }
    return false;
}

// A call may begin the text without its marker.
bool ToolCallParser::StepStart() {
    if (!format_->bare) {
        state_ = State::kContent;
        return true;
    }
    size_t space = SpaceBytes(pending());
    auto text = pending().substr(space);
    if (text.empty()) return false;
    size_t opening = 0;
    end_ = format_->section_end;
    if (text[0] != '{' && text[0] != '[') {
        auto fenced = Begins(text, kFenceBegin);
        if (fenced == Found::kMore) return false;
        if (fenced == Found::kNo) {
            state_ = State::kContent;
            return true;
        }
        opening = kFenceBegin.size();
        end_ = kFence;
    }
    raw_ = pending().substr(0, space + opening);
    at_ += space + opening;
    bare_ = true;
    section_call_count_ = 0;
    state_ = State::kSection;
    return true;
}

bool ToolCallParser::StepContent(std::vector<ToolDelta>& out) {
    if (after_section_) {  // white space after calls is dropped
        at_ += SpaceBytes(pending());
        if (pending().empty()) return false;
        after_section_ = false;
    }
    auto marker = format_->opening();
    size_t found = marker.empty() ? std::string_view::npos : pending().find(marker);
    size_t certain = found != std::string_view::npos ? found : CertainBytes(pending(), marker);
    size_t shown = TrimmedSize(pending().substr(0, certain));
    Append(ToolDelta::Kind::kContent, pending().substr(0, shown), out);
    at_ += shown;
    if (found == std::string_view::npos) return false;
    // A marker of sections is consumed; one of calls is read with its call.
    size_t bytes = certain - shown + (format_->section_begin.empty() ? 0 : marker.size());
    raw_ = pending().substr(0, bytes);
    at_ += bytes;
    bare_ = false;
    end_ = format_->section_end;
    section_call_count_ = 0;
    state_ = State::kSection;
    return true;
}

bool ToolCallParser::StepSection(std::vector<ToolDelta>& out) {
    size_t skipped = SkippedBytes();
    if (section_call_count_ == 0) raw_ += pending().substr(0, skipped);
    at_ += skipped;
    if (pending().empty()) return false;
    if (!end_.empty()) {
        auto ends = Begins(pending(), end_);
        if (ends == Found::kMore) return false;
        if (ends == Found::kYes) {
            // A section without a call is shown as it is.
            if (section_call_count_ == 0) Append(ToolDelta::Kind::kContent, raw_ += end_, out);
            after_section_ = section_call_count_ > 0;
            at_ += end_.size();
            state_ = State::kContent;
            return true;
        }
    }
    CallReader::Head head;
    auto found = reader_->ReadHead(pending().substr(0, kHeadBytesMax), bare_, head);
    if (found == Found::kMore && pending().size() < kHeadBytesMax) return false;
    if (found != Found::kYes) {
        LeaveSection(out);
        return true;
    }
    at_ += head.bytes;
    ++section_call_count_;
    ++call_count_;
    Append(ToolDelta::Kind::kCall, head.name, out);
    Append(ToolDelta::Kind::kArguments, head.arguments, out);
    state_ = head.arguments_done ? State::kTail : State::kArguments;
    return true;
}

// What may stand between the calls of a section.
size_t ToolCallParser::SkippedBytes() const {
    std::string_view between = " \t\r\n";
    if (format_->syntax == CallSyntax::kJson)
        between = section_call_count_ == 0 ? " \t\r\n[" : " \t\r\n,;[]}";
    return std::min(pending().find_first_not_of(between), pending().size());
}

// No call follows: the text goes on as content.
void ToolCallParser::LeaveSection(std::vector<ToolDelta>& out) {
    if (section_call_count_ == 0) Append(ToolDelta::Kind::kContent, raw_, out);
    // Where each call has its own marker, this one opened none and must not be tried again.
    auto marker = format_->opening();
    if (format_->section_begin.empty() && !marker.empty() && pending().starts_with(marker)) {
        Append(ToolDelta::Kind::kContent, marker, out);
        at_ += marker.size();
    }
    state_ = State::kContent;
}

bool ToolCallParser::StepTail() {
    auto progress = reader_->ReadTail(pending());
    at_ += progress.bytes;
    if (progress.done) state_ = State::kSection;
    return progress.done;
}

void ToolCallParser::Finish(std::vector<ToolDelta>& out) {
    auto rest = pending();
    switch (state_) {
        case State::kStart:
        case State::kContent:
            if (call_count_ > 0) rest = rest.substr(0, TrimmedSize(rest));
            Append(ToolDelta::Kind::kContent, rest, out);
            break;
        case State::kSection:
            if (section_call_count_ == 0) Append(ToolDelta::Kind::kContent, raw_, out);
            // The beginning of an end is nothing to show.
            if (section_call_count_ == 0 || !end_.starts_with(rest))
                Append(ToolDelta::Kind::kContent, rest, out);
            break;
        case State::kArguments: {
            std::string arguments;
            reader_->EndArguments(rest, arguments);
            Append(ToolDelta::Kind::kArguments, arguments, out);
            break;
        }
        case State::kTail:
            break;
    }
    pending_.clear();
    at_ = 0;
}

}  // namespace lathe::chat
