#include "compute/chat/json_text.h"

#include <algorithm>
#include <cmath>

#include "compute/chat/dict.h"
#include "compute/chat/merge_sort.h"
#include "compute/chat/numbers.h"
#include "compute/chat/operators.h"
#include "compute/chat/unicode.h"

namespace lathe::chat {
namespace {

class JsonWriter {
public:
    JsonWriter(Budget& budget, const JsonStyle& style)
        : budget_(budget), style_(style), out_(budget) {}

    std::string Run(const Value& value) {
        Write(value, 0);
        return out_.Release();
    }

private:
    void Write(const Value& value, size_t level) {
        budget_.Step();
        switch (value.kind()) {
            case Kind::kNone:
                out_.Append("null");
                break;
            case Kind::kBool:
                out_.Append(value.boolean() ? "true" : "false");
                break;
            case Kind::kInt:
                out_.Append(IntText(value.integer()));
                break;
            case Kind::kFloat:
                out_.Append(FloatLiteral(value.real()));
                break;
            case Kind::kString:
                WriteString(value.text());
                break;
            case Kind::kList:
            case Kind::kTuple:
                WriteList(value.items(), level);
                break;
            case Kind::kDict:
                WriteDict(value.dict().dict, level);
                break;
            default:
                Fail("Object of type {} is not JSON serializable", TypeName(value));
        }
    }

    static std::string FloatLiteral(double value) {
        if (std::isnan(value)) return "NaN";
        if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
        return FloatText(value);
    }

    void Newline(size_t level) {
        if (!style_.indent) return;
        out_.Append('\n');
        out_.Repeat(*style_.indent, level);
    }

    void WriteList(const std::vector<Value>& items, size_t level) {
        if (items.empty()) return out_.Append("[]");
        out_.Append('[');
        for (size_t i = 0; i < items.size(); ++i) {
            if (i > 0) out_.Append(style_.item_separator);
            Newline(level + 1);
            Write(items[i], level + 1);
        }
        Newline(level);
        out_.Append(']');
    }

    void WriteDict(const Dict& dict, size_t level) {
        if (dict.size() == 0) return out_.Append("{}");
        std::vector<const Dict::Entry*> entries;
        for (const Dict::Entry& entry : dict.entries()) entries.push_back(&entry);
        if (style_.sorted_keys)
            MergeSort(entries, [&](const Dict::Entry* a, const Dict::Entry* b) {
                return Less(budget_, a->key, b->key);
            });
        out_.Append('{');
        for (size_t i = 0; i < entries.size(); ++i) {
            if (i > 0) out_.Append(style_.item_separator);
            Newline(level + 1);
            WriteString(KeyText(entries[i]->key));
            out_.Append(style_.key_separator);
            Write(entries[i]->value, level + 1);
        }
        Newline(level);
        out_.Append('}');
    }

    static std::string KeyText(const Value& key) {
        switch (key.kind()) {
            case Kind::kString:
                return key.text();
            case Kind::kBool:
                return key.boolean() ? "true" : "false";
            case Kind::kNone:
                return "null";
            case Kind::kInt:
                return IntText(key.integer());
            case Kind::kFloat:
                return FloatLiteral(key.real());
            default:
                Fail("keys must be str, int, float, bool or None, not {}", TypeName(key));
        }
    }

    void WriteString(std::string_view text) {
        budget_.Work(text.size() * 4);
        out_.Append('"');
        size_t plain = 0;  // start of what needs no escape
        for (size_t i = 0; i < text.size();) {
            size_t start = i;
            auto byte = static_cast<unsigned char>(text[i]);
            char32_t c = byte < 0x80 ? text[i++] : NextCodePoint(text, i);
            if (!NeedsEscape(c)) continue;
            out_.Append(text.substr(plain, start - plain));
            Escape(c);
            plain = i;
        }
        out_.Append(text.substr(plain));
        out_.Append('"');
    }

    bool NeedsEscape(char32_t c) const {
        return c < 0x20 || c == '"' || c == '\\' || (style_.ascii_only && c >= 0x7f);
    }

    void Escape(char32_t c) {
        static constexpr std::string_view kFrom = "\"\\\n\r\t\f\b", kTo = "\"\\nrtfb";
        size_t known = c < 0x80 ? kFrom.find(static_cast<char>(c)) : std::string_view::npos;
        if (known != std::string_view::npos) {
            out_.Append('\\');
            out_.Append(kTo[known]);
        } else if (c >= 0x10000) {
            auto rest = static_cast<uint32_t>(c) - 0x10000;
            out_.Append(
                fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + (rest >> 10), 0xdc00 + (rest & 0x3ff)));
        } else {
            out_.Append(fmt::format("\\u{:04x}", static_cast<uint32_t>(c)));
        }
    }

    Budget& budget_;
    const JsonStyle& style_;
    TextBuilder out_;
};

}  // namespace

std::string ToJson(Budget& budget, const Value& value, const JsonStyle& style) {
    return JsonWriter(budget, style).Run(value);
}

}  // namespace lathe::chat
