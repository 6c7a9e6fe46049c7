// The % operator on strings.
#include <algorithm>
#include <cmath>

#include "compute/chat/dict.h"
#include "compute/chat/format.h"
#include "compute/chat/interpreter.h"
#include "compute/chat/numbers.h"
#include "compute/chat/operators.h"
#include "compute/chat/print.h"
#include "compute/chat/text.h"
#include "compute/chat/unicode.h"

namespace lathe::chat {
namespace {

constexpr int64_t kPrecisionMax = 1000;

struct Directive {
    bool minus = false, plus = false, space = false, zero = false, alternate = false;
    int64_t width = 0;
    int64_t precision = -1;
    char conversion = 's';
};

class PercentFormatter {
public:
    PercentFormatter(Interpreter& interpreter, const StringObject& format, const Value& values)
        : budget_(interpreter.budget()),
          format_(format.text),
          markup_(format.markup),
          values_(values),
          out_(budget_) {}

    std::string Run() {
        while (at_ < format_.size()) {
            size_t percent = std::min(format_.find('%', at_), format_.size());
            out_.Append(format_.substr(at_, percent - at_));
            at_ = percent;
            if (at_ < format_.size()) OneDirective();
        }
        // What can be looked up by key may stay unused.
        bool keyed = values_.Is(Kind::kDict) || values_.Is(Kind::kList) ||
                     values_.Is(Kind::kRange) || values_.IsUndefined();
        bool all_used =
            values_.Is(Kind::kTuple) ? used_ >= values_.items().size() : used_ > 0 || keyed;
        if (!all_used) Fail("not all arguments converted during string formatting");
        return out_.Release();
    }

private:
    char Peek() const {
        if (at_ >= format_.size()) Fail("incomplete format");
        return format_[at_];
    }

    Value NextValue() {
        if (keyed_) return *keyed_;
        size_t index = used_++;
        if (!values_.Is(Kind::kTuple)) {
            if (index == 0) return values_;
        } else if (index < values_.items().size()) {
            return values_.items()[index];
        }
        Fail("not enough arguments for format string");
    }

    void Key() {
        keyed_.reset();
        if (Peek() != '(') return;
        size_t end = ++at_;
        for (int open = 1; open > 0; ++end) {
            if (end >= format_.size()) Fail("incomplete format key");
            open += format_[end] == '(' ? 1 : format_[end] == ')' ? -1 : 0;
        }
        std::string_view key = format_.substr(at_, end - 1 - at_);
        at_ = end;
        if (!values_.Is(Kind::kDict)) Fail("format requires a mapping");
        const Value* value = values_.dict().dict.Find(key);
        if (!value) Fail("KeyError: {}", QuotedText(key));
        keyed_ = *value;
        ++used_;
    }

    int64_t Number() {
        if (Peek() == '*') {
            ++at_;
            Value value = NextValue();
            if (!value.IsIntegral()) Fail("* wants int");
            return Clamp64(value.integer());
        }
        int64_t number = 0;
        while (Peek() >= '0' && Peek() <= '9') {
            number = std::min<int64_t>(number * 10 + (format_[at_] - '0'), INT32_MAX);
            ++at_;
        }
        return number;
    }

    void OneDirective() {
        budget_.Step();
        ++at_;
        Key();
        Directive directive;
        for (;; ++at_) {
            char c = Peek();
            if (c == '-')
                directive.minus = true;
            else if (c == '+')
                directive.plus = true;
            else if (c == ' ')
                directive.space = true;
            else if (c == '0')
                directive.zero = true;
            else if (c == '#')
                directive.alternate = true;
            else
                break;
        }
        directive.width = Number();
        if (directive.width < 0) {
            directive.minus = true;
            directive.width = -std::max<int64_t>(directive.width, -INT32_MAX);
        }
        if (Peek() == '.') {
            ++at_;
            directive.precision = std::max<int64_t>(0, Number());
        }
        while (std::string_view("hlL").contains(Peek())) ++at_;
        directive.conversion = Peek();
        ++at_;
        if (directive.conversion == '%') return out_.Append('%');
        Write(directive, NextValue());
    }

    void Write(const Directive& directive, const Value& value) {
        switch (directive.conversion) {
            case 's':
                return WriteText(directive, Str(budget_, value));
            case 'r':
                return WriteText(directive, Repr(budget_, value));
            case 'a':
                Fail("the %a conversion is not supported");
            case 'c':
                return WriteText(directive, Character(value));
            case 'd':
            case 'i':
            case 'u':
            case 'x':
            case 'X':
            case 'o':
                return WriteInt(directive, value);
            case 'e':
            case 'E':
            case 'f':
            case 'F':
            case 'g':
            case 'G':
                return WriteFloat(directive, value);
            default:
                Fail("unsupported format character '{}'", directive.conversion);
        }
    }

    static std::string Character(const Value& value) {
        if (value.IsString() && value.string().length == 1) return value.text();
        if (!value.IsIntegral()) Fail("%c requires int or char");
        Int code = value.integer();
        if (code < 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
            Fail("%c arg not in range(0x110000)");
        std::string text;
        AppendCodePoint(text, static_cast<char32_t>(code));
        return text;
    }

    void WriteText(const Directive& directive, std::string text) {
        if (markup_) text = EscapeHtml(budget_, text);
        if (directive.precision >= 0)
            text.resize(OffsetOf(text, static_cast<size_t>(directive.precision)));
        out_.Append(Pad(budget_, text, CountCodePoints(text), directive.width, " ",
                        directive.minus ? Align::kLeft : Align::kRight));
    }

    void WriteInt(const Directive& directive, const Value& value) {
        RequireDefined(value);
        bool decimal = std::string_view("diu").contains(directive.conversion);
        if (!value.IsIntegral() && !(decimal && value.Is(Kind::kFloat)))
            Fail("%{} format: {} is required, not {}", directive.conversion,
                 decimal ? "a real number" : "an integer", TypeName(value));
        Int number = value.Is(Kind::kFloat) ? Truncate(value.real()) : value.integer();
        bool negative = number < 0;
        if (negative) number = Subtract(0, number);
        std::string digits = directive.conversion == 'x'   ? fmt::format("{:x}", number)
                             : directive.conversion == 'X' ? fmt::format("{:X}", number)
                             : directive.conversion == 'o' ? fmt::format("{:o}", number)
                                                           : IntText(number);
        if (directive.precision > 0)
            digits = Pad(budget_, digits, digits.size(), directive.precision, "0", Align::kRight);
        std::string prefix;
        if (directive.alternate && !decimal) prefix = std::string("0") + directive.conversion;
        WriteNumber(directive, negative, prefix, digits);
    }

    void WriteFloat(const Directive& directive, const Value& value) {
        RequireDefined(value);
        if (!value.IsNumber()) Fail("must be real number, not {}", TypeName(value));
        int64_t precision = directive.precision < 0 ? 6 : directive.precision;
        if (precision > kPrecisionMax) Fail("a precision above {} is not supported", kPrecisionMax);
        double number = value.AsDouble();
        char form = static_cast<char>(directive.conversion | 0x20);
        std::string digits = FloatDigits(std::fabs(number), form, static_cast<int>(precision));
        if (directive.conversion < 'a')
            for (char& c : digits) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
        WriteNumber(directive, std::signbit(number) && !std::isnan(number), "", digits);
    }

    void WriteNumber(const Directive& directive, bool negative, std::string_view prefix,
                     std::string_view digits) {
        std::string sign = negative ? "-" : directive.plus ? "+" : directive.space ? " " : "";
        sign += prefix;
        if (directive.zero && !directive.minus) {
            out_.Append(sign);
            out_.Append(Pad(budget_, digits, digits.size(),
                            directive.width - static_cast<int64_t>(sign.size()), "0",
                            Align::kRight));
            return;
        }
        sign += digits;
        out_.Append(Pad(budget_, sign, sign.size(), directive.width, " ",
                        directive.minus ? Align::kLeft : Align::kRight));
    }

    Budget& budget_;
    const std::string_view format_;
    const bool markup_;
    const Value& values_;
    TextBuilder out_;
    size_t at_ = 0;
    size_t used_ = 0;
    std::optional<Value> keyed_;
};

}  // namespace

Value FormatPercent(Interpreter& interpreter, const StringObject& format, const Value& values) {
    std::string text = PercentFormatter(interpreter, format, values).Run();
    return MakeString(interpreter.budget(), std::move(text), format.markup);
}

}  // namespace lathe::chat
