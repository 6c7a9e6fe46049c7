#include "learn/eval/python_literal.h"

#include <charconv>
#include <cmath>
#include <string>

#include "compute/chat/chat_template.h"
#include "compute/chat/unicode.h"
#include "core/base/check.h"

namespace lathe::eval {
namespace {

constexpr int kDepthMax = 64;

bool IsDigit(char c) {
    return c >= '0' && c <= '9';
}

class LiteralReader {
public:
    explicit LiteralReader(std::string_view text) : text_(text) {}

    std::optional<Json> Whole() {
        std::optional<Json> value = Value(0);
        SkipSpace();
        if (at_ != text_.size()) return std::nullopt;
        return value;
    }

private:
    void SkipSpace() {
        while (at_ < text_.size() && std::string_view(" \t\r\n\f").contains(text_[at_])) ++at_;
    }

    bool Skip(char c) {
        SkipSpace();
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }

    bool SkipWord(std::string_view word) {
        if (!text_.substr(at_).starts_with(word)) return false;
        size_t end = at_ + word.size();
        if (end < text_.size() &&
            (std::isalnum(static_cast<unsigned char>(text_[end])) != 0 || text_[end] == '_'))
            return false;
        at_ = end;
        return true;
    }

    std::optional<Json> Value(int depth) {
        SkipSpace();
        if (depth > kDepthMax || at_ >= text_.size()) return std::nullopt;
        char c = text_[at_];
        if (c == '\'' || c == '"') return Strings();
        if (Skip('[')) return Items(']', depth, /*one_is_a_group=*/false);
        if (Skip('(')) return Items(')', depth, /*one_is_a_group=*/true);
        if (Skip('{')) return Entries(depth);
        if (SkipWord("True")) return Json(true);
        if (SkipWord("False")) return Json(false);
        if (SkipWord("None")) return Json(nullptr);
        return Number();
    }

    // "(x)" is x itself, "(x,)" a tuple.
    std::optional<Json> Items(char close, int depth, bool one_is_a_group) {
        Json list = Json::array();
        bool comma = false;
        while (!Skip(close)) {
            if (!list.empty() && !comma) return std::nullopt;
            std::optional<Json> item = Value(depth + 1);
            if (!item) return std::nullopt;
            list.push_back(*std::move(item));
            comma = Skip(',');
        }
        if (one_is_a_group && list.size() == 1 && !comma) {
            Json only = std::move(list[0]);
            return only;
        }
        return list;
    }

    std::optional<Json> Entries(int depth) {
        Json map = Json::object();
        bool first = true;
        bool comma = false;
        while (!Skip('}')) {
            if (!first && !comma) return std::nullopt;
            first = false;
            std::optional<Json> key = Value(depth + 1);
            if (!key || !key->is_string() || !Skip(':')) return std::nullopt;
            std::optional<Json> value = Value(depth + 1);
            if (!value) return std::nullopt;
            map[key->get<std::string>()] = *std::move(value);
            comma = Skip(',');
        }
        return map;
    }

    // Neighbouring literals are one.
    std::optional<Json> Strings() {
        std::string out;
        do {
            if (!OneString(out)) return std::nullopt;
            SkipSpace();
        } while (at_ < text_.size() && (text_[at_] == '\'' || text_[at_] == '"'));
        return Json(std::move(out));
    }

    bool OneString(std::string& out) {
        char quote = text_[at_++];
        while (at_ < text_.size()) {
            char c = text_[at_++];
            if (c == quote) return true;
            if (c == '\n') return false;
            if (c != '\\') {
                out.push_back(c);
            } else if (!Escape(out)) {
                return false;
            }
        }
        return false;
    }

    bool Escape(std::string& out) {
        static constexpr std::string_view kFrom = "\\'\"abfnrtv", kTo = "\\'\"\a\b\f\n\r\t\v";
        if (at_ >= text_.size()) return false;
        char c = text_[at_++];
        if (size_t known = kFrom.find(c); known != std::string_view::npos) {
            out.push_back(kTo[known]);
            return true;
        }
        if (c == '\n') return true;
        if (c >= '0' && c <= '7') return Octal(c, out);
        size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
        if (digits != 0) return Hex(digits, out);
        if (c == 'N') return false;
        out.push_back('\\');
        out.push_back(c);
        return true;
    }

    bool Octal(char first, std::string& out) {
        auto value = static_cast<char32_t>(first - '0');
        for (int i = 1; i < 3 && at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '7'; ++i)
            value = value * 8 + static_cast<char32_t>(text_[at_++] - '0');
        chat::AppendCodePoint(out, value);
        return true;
    }

    bool Hex(size_t digits, std::string& out) {
        if (text_.size() - at_ < digits) return false;
        uint32_t value = 0;
        const char* begin = text_.data() + at_;
        auto [end, error] = std::from_chars(begin, begin + digits, value, 16);
        if (error != std::errc() || end != begin + digits) return false;
        if (value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return false;
        at_ += digits;
        chat::AppendCodePoint(out, value);
        return true;
    }

    std::optional<Json> Number() {
        bool negative = false;
        if (text_[at_] == '-' || text_[at_] == '+') negative = text_[at_++] == '-';
        size_t begin = at_;
        while (at_ < text_.size() &&
               (IsDigit(text_[at_]) || text_[at_] == '.' || text_[at_] == '_' ||
                ((text_[at_] | 0x20) == 'e' && at_ > begin) ||
                ((text_[at_] == '-' || text_[at_] == '+') && at_ > begin &&
                 (text_[at_ - 1] | 0x20) == 'e')))
            ++at_;
        std::string digits(text_.substr(begin, at_ - begin));
        std::erase(digits, '_');
        if (digits.empty()) return std::nullopt;
        const char* end = digits.data() + digits.size();
        int64_t integer = 0;
        auto whole = std::from_chars(digits.data(), end, integer);
        if (whole.ec == std::errc() && whole.ptr == end) {
            if (digits.size() > 1 && digits[0] == '0' && integer != 0) return std::nullopt;
            return Json(negative ? -integer : integer);
        }
        double real = 0;
        auto point = std::from_chars(digits.data(), end, real);
        if (point.ec != std::errc() || point.ptr != end || !std::isfinite(real) ||
            digits.find_first_of(".eE") == std::string::npos)
            return std::nullopt;
        return Json(negative ? -real : real);
    }

    std::string_view text_;
    size_t at_ = 0;
};

}  // namespace

std::optional<Json> ParsePythonLiteral(std::string_view text) {
    return LiteralReader(text).Whole();
}

// The template engine prints as Python does.
std::string PythonStr(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    static const chat::ChatTemplate print = chat::ChatTemplate::Parse("{{ value }}").value();
    Result<std::string> text = print.RenderNames(Json{{"value", value}});
    return text ? *std::move(text) : DumpJson(value);
}

}  // namespace lathe::eval
