#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "compute/chat/call_reader.h"

namespace lathe::chat {
namespace {

constexpr auto kNameKeys = std::to_array<std::string_view>({"name", "tool_name", "function"});
constexpr auto kArgumentsKeys = std::to_array<std::string_view>({"arguments", "parameters"});
// Further members of calls that models write.
constexpr auto kOtherKeys = std::to_array<std::string_view>({"id", "tool_call_id", "type"});

bool IsIn(std::span<const std::string_view> keys, std::string_view key) {
    return std::ranges::find(keys, key) != keys.end();
}

// Finds where the JSON value ends that begins at `at`.
Found FindValueEnd(std::string_view text, size_t at, size_t& end) {
    if (at >= text.size()) return Found::kMore;
    if (std::string_view("\"{[").contains(text[at])) {
        JsonValueScanner scanner;
        std::string copy;
        end = at + scanner.Take(text.substr(at), copy);
        if (scanner.broken()) return Found::kNo;
        return scanner.done() ? Found::kYes : Found::kMore;
    }
    end = text.find_first_of(",}] \t\r\n", at);
    if (end == text.npos) return Found::kMore;
    return end > at ? Found::kYes : Found::kNo;
}

std::optional<std::string> StringValue(std::string_view json) {
    JsonValueScanner scanner;  // escapes what JSON does not allow as it is
    std::string clean;
    scanner.Take(json, clean);
    auto value = ParseJson(clean);
    if (!value || !value->is_string()) return std::nullopt;
    return value->get<std::string>();
}

// The members of a call, one after the other, until its arguments begin.
class HeadScan {
public:
    HeadScan(std::string_view text, const OfferedTools& tools, bool known_only)
        : text_(text), tools_(tools), known_only_(known_only) {}

    Found Run(CallReader::Head& head) {
        if (text_.empty()) return Found::kMore;
        if (text_[0] != '{') return Found::kNo;
        for (at_ = 1;;) {
            SkipSpace();
            if (at_ == text_.size()) return Found::kMore;
            if (text_[at_] == '}') return Close(head);
            if (text_[at_] == ',') {
                ++at_;
                continue;
            }
            std::string key;
            if (auto found = ReadKey(key); found != Found::kYes) return found;
            bool over = false;
            if (auto found = ReadMember(key, head, over); found != Found::kYes || over)
                return found;
        }
    }

private:
    void SkipSpace() { at_ += SpaceBytes(text_.substr(at_)); }

    Found ReadKey(std::string& key) {
        if (text_[at_] != '"') return Found::kNo;
        size_t end = 0;
        if (auto found = FindValueEnd(text_, at_, end); found != Found::kYes) return found;
        auto value = StringValue(text_.substr(at_, end - at_));
        if (!value) return Found::kNo;
        key = std::move(*value);
        at_ = end;
        SkipSpace();
        if (at_ == text_.size()) return Found::kMore;
        if (text_[at_] != ':') return Found::kNo;
        ++at_;
        SkipSpace();
        return at_ == text_.size() ? Found::kMore : Found::kYes;
    }

    // `over`: the head is complete.
    Found ReadMember(std::string_view key, CallReader::Head& head, bool& over) {
        if (IsIn(kArgumentsKeys, key) && !head.name.empty()) {
            over = true;
            return ReadArguments(head);
        }
        bool is_name = IsIn(kNameKeys, key) && head.name.empty();
        // A text that merely is JSON should not wait until its end.
        if (known_only_ && !is_name && !IsIn(kArgumentsKeys, key) && !IsIn(kOtherKeys, key))
            return Found::kNo;
        size_t end = 0;
        if (auto found = FindValueEnd(text_, at_, end); found != Found::kYes) return found;
        std::string_view value = text_.substr(at_, end - at_);
        if (IsIn(kArgumentsKeys, key)) {
            early_arguments_ = at_;
        } else if (is_name && value[0] == '"') {
            auto name = StringValue(value);
            if (!name || name->empty() || (known_only_ && !tools_.Has(*name))) return Found::kNo;
            head.name = std::move(*name);
        }
        at_ = end;
        if (head.name.empty() || early_arguments_ == 0) return Found::kYes;
        over = true;
        size_t after = std::exchange(at_, early_arguments_);
        auto found = ReadArguments(head);
        if (found == Found::kYes && !head.arguments_done) TakeWhole(head);
        head.bytes = after;
        return found;
    }

    // The value of the arguments is at at_, the name is known.
    Found ReadArguments(CallReader::Head& head) {
        head.bytes = at_;
        auto begins = BeginsObject(text_.substr(at_));
        if (begins != Found::kNo) return begins;
        size_t end = 0;
        if (auto found = FindValueEnd(text_, at_, end); found != Found::kYes) return found;
        std::string_view value = text_.substr(at_, end - at_);
        head.bytes = end;
        head.arguments_done = true;
        head.arguments = "{}";
        if (value == "null") return Found::kYes;
        // Some models write the object as OpenAI's clients get it: inside a string.
        auto text = value[0] == '"' ? StringValue(value) : std::nullopt;
        if (!text) return Found::kNo;
        if (text->empty()) return Found::kYes;
        auto object = ParseJson(*text);
        if (!object || !object->is_object()) return Found::kNo;
        // Without what JSON allows around it.
        size_t begin = text->find('{');
        head.arguments = text->substr(begin, text->rfind('}') + 1 - begin);
        return Found::kYes;
    }

    // The object at at_, complete.
    void TakeWhole(CallReader::Head& head) {
        JsonValueScanner scanner;
        scanner.Take(text_.substr(at_), head.arguments);
        head.arguments_done = true;
    }

    Found Close(CallReader::Head& head) {
        if (head.name.empty()) return Found::kNo;
        head.bytes = at_;
        head.arguments = "{}";
        head.arguments_done = true;
        return Found::kYes;
    }

    std::string_view text_;
    const OfferedTools& tools_;
    bool known_only_;
    size_t at_ = 0;
    size_t early_arguments_ = 0;  // where arguments are that came before the name
};

class JsonReader : public CallReader {
public:
    JsonReader(const ToolFormat& format, OfferedTools tools)
        : tools_(std::move(tools)), arguments_(format.section_end) {}

    Found ReadHead(std::string_view text, bool known_only, Head& head) override {
        head = {};
        arguments_.Begin();
        tail_ = JsonValueScanner(/*depth=*/1);
        return HeadScan(text, tools_, known_only).Run(head);
    }
    Progress ReadArguments(std::string_view text, std::string& out) override {
        return arguments_.Read(text, out);
    }
    void EndArguments(std::string_view text, std::string& out) override { out += text; }

    // The object's further members, and its end.
    Progress ReadTail(std::string_view text) override {
        if (arguments_.broken()) return {0, true};
        std::string dropped;
        size_t taken = tail_.Take(text, dropped);
        return {taken, tail_.done() || tail_.broken()};
    }

private:
    OfferedTools tools_;
    ObjectArguments arguments_;
    JsonValueScanner tail_;
};

}  // namespace

std::unique_ptr<CallReader> JsonCallReader(const ToolFormat& format, OfferedTools tools) {
    return std::make_unique<JsonReader>(format, std::move(tools));
}

}  // namespace lathe::chat
