#include <fmt/format.h>

#include <algorithm>

#include "compute/chat/call_reader.h"

namespace lathe::chat {
namespace {

constexpr std::string_view kCdataBegin = "<![CDATA[";
constexpr std::string_view kCdataEnd = "]]>";

// Whether a value under this schema may be a text.
bool AllowsText(const Json& schema) {
    if (!schema.is_object()) return true;
    if (auto type = schema.find("type"); type != schema.end())
        return *type == "string" || (type->is_array() && std::ranges::count(*type, "string") > 0);
    if (auto values = schema.find("enum"); values != schema.end() && values->is_array())
        return std::ranges::any_of(*values, [](const Json& one) { return one.is_string(); });
    for (const char* key : {"anyOf", "oneOf"})
        if (auto kinds = schema.find(key); kinds != schema.end() && kinds->is_array())
            return std::ranges::any_of(*kinds, AllowsText);
    return false;
}

// A value between its tags as JSON. The schema decides between text and the rest; without one
// whatever reads as JSON is taken as that.
std::string ValueJson(std::string_view text, const Json* schema) {
    if (text.starts_with(kCdataBegin) && text.ends_with(kCdataEnd))
        return DumpJson(
            text.substr(kCdataBegin.size(), text.size() - kCdataBegin.size() - kCdataEnd.size()));
    bool text_only = schema != nullptr && AllowsText(*schema);
    if (!text_only)
        if (auto value = ParseJson(text)) return DumpJson(*value);
    return DumpJson(text);
}

// Templates put a line break on either side of a value.
std::string_view WithoutOuterBreaks(std::string_view text) {
    if (text.starts_with('\n')) text.remove_prefix(1);
    if (text.ends_with('\n')) text.remove_suffix(1);
    return text;
}

class TaggedReader : public CallReader {
public:
    TaggedReader(const ToolFormat& format, OfferedTools tools)
        : format_(format), tools_(std::move(tools)) {}

    Found ReadHead(std::string_view text, bool known_only, Head& head) override {
        head = {};
        any_ = false;
        if (auto found = ReadNamedHead(format_, text, head); found != Found::kYes) return found;
        if (known_only && !tools_.Has(head.name)) return Found::kNo;
        tool_ = head.name;
        // Not a call before it goes on like one.
        auto rest = text.substr(head.bytes);
        rest.remove_prefix(SpaceBytes(rest));
        auto parameter = Begins(rest, format_.key_begin);
        auto end = Begins(rest, format_.call_end);
        if (parameter == Found::kYes || end == Found::kYes) return Found::kYes;
        return parameter == Found::kMore || end == Found::kMore ? Found::kMore : Found::kNo;
    }

    Progress ReadArguments(std::string_view text, std::string& out) override {
        size_t at = 0;
        for (;;) {
            size_t begin = at + SpaceBytes(text.substr(at));
            std::string_view rest = text.substr(begin);
            if (rest.starts_with(format_.call_end)) {
                Close(out);
                return {begin + format_.call_end.size(), true};
            }
            Parameter parameter;
            auto found = FindParameter(rest, parameter);
            if (found == Found::kMore || Begins(rest, format_.call_end) == Found::kMore)
                return {at, false};
            if (found == Found::kNo) {  // the call was not ended; what comes is no part of it
                Close(out);
                return {at, true};
            }
            Show(parameter, out);
            at = begin + parameter.bytes;
        }
    }

    void EndArguments(std::string_view text, std::string& out) override {
        Parameter parameter;
        text.remove_prefix(SpaceBytes(text));
        FindParameter(text, parameter);
        if (parameter.key.empty()) {
            if (!any_) out += "{";
            return;
        }
        // As far as it came, and visibly cut off.
        if (parameter.value.starts_with('\n')) parameter.value.remove_prefix(1);
        std::string value = DumpJson(parameter.value);
        value.pop_back();
        out += fmt::format("{}{}: {}", any_ ? ", " : "{", DumpJson(parameter.key), value);
    }

    Progress ReadTail(std::string_view) override { return {0, true}; }

private:
    struct Parameter {
        std::string_view key, value;
        size_t bytes = 0;
    };

    // Fills what there is of it, even without its end.
    Found FindParameter(std::string_view text, Parameter& parameter) const {
        if (auto begins = Begins(text, format_.key_begin); begins != Found::kYes) return begins;
        size_t key = format_.key_begin.size();
        size_t key_end = text.find(format_.key_end, key);
        if (key_end == text.npos) return Found::kMore;
        size_t value = key_end + format_.key_end.size();
        if (!format_.value_begin.empty()) {
            value += SpaceBytes(text.substr(value));
            if (auto found = Begins(text.substr(value), format_.value_begin); found != Found::kYes)
                return found;
            value += format_.value_begin.size();
        }
        parameter.key = text.substr(key, key_end - key);
        size_t end = text.find(format_.value_end, value);
        parameter.value = text.substr(value, end == text.npos ? end : end - value);
        if (end == text.npos) return Found::kMore;
        parameter.bytes = end + format_.value_end.size();
        return Found::kYes;
    }

    void Show(const Parameter& parameter, std::string& out) {
        const Json* schema = tools_.Parameter(tool_, parameter.key);
        out += fmt::format("{}{}: {}", any_ ? ", " : "{", DumpJson(parameter.key),
                           ValueJson(WithoutOuterBreaks(parameter.value), schema));
        any_ = true;
    }

    void Close(std::string& out) const { out += any_ ? "}" : "{}"; }

    const ToolFormat& format_;
    OfferedTools tools_;
    std::string tool_;
    bool any_ = false;  // parameters so far
};

}  // namespace

std::unique_ptr<CallReader> TaggedCallReader(const ToolFormat& format, OfferedTools tools) {
    return std::make_unique<TaggedReader>(format, std::move(tools));
}

}  // namespace lathe::chat
