// str.format() and its format specifications.
#include <algorithm>
#include <cmath>

#include "compute/chat/attributes.h"
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

// [[fill]align][sign][#][0][width][grouping][.precision][type]
struct Specification {
    std::string fill = " ";
    char align = '\0';
    char sign = '-';
    bool alternate = false;
    int64_t width = 0;
    char grouping = '\0';
    int64_t precision = -1;
    char type = '\0';
};

int64_t TakeNumber(std::string_view& text) {
    int64_t number = 0;
    while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
        number = std::min<int64_t>(number * 10 + (text[0] - '0'), INT32_MAX);
        text.remove_prefix(1);
    }
    return number;
}

bool TakeOneOf(std::string_view& text, std::string_view characters, char& taken) {
    if (text.empty() || !characters.contains(text[0])) return false;
    taken = text[0];
    text.remove_prefix(1);
    return true;
}

Specification ParseSpecification(std::string_view text) {
    static constexpr std::string_view kAligns = "<>^=";
    Specification result;
    size_t after_first = 0;
    if (!text.empty()) NextCodePoint(text, after_first);
    if (after_first < text.size() && kAligns.contains(text[after_first])) {
        result.fill = text.substr(0, after_first);
        result.align = text[after_first];
        text.remove_prefix(after_first + 1);
    } else {
        TakeOneOf(text, kAligns, result.align);
    }
    char taken = '\0';
    TakeOneOf(text, "+- ", result.sign);
    result.alternate = TakeOneOf(text, "#", taken);
    if (TakeOneOf(text, "0", taken) && result.align == '\0') {
        result.fill = "0";
        result.align = '=';
    }
    result.width = TakeNumber(text);
    TakeOneOf(text, ",_", result.grouping);
    if (TakeOneOf(text, ".", taken)) {
        if (text.empty() || text[0] < '0' || text[0] > '9')
            Fail("Format specifier missing precision");
        result.precision = TakeNumber(text);
    }
    TakeOneOf(text, "bcdeEfFgGnosxX%", result.type);
    if (!text.empty()) Fail("Invalid format specifier");
    return result;
}

std::string Padded(Budget& budget, const Specification& spec, std::string_view sign,
                   std::string_view digits, char default_align) {
    char align = spec.align == '\0' ? default_align : spec.align;
    if (align == '=') {
        int64_t width = spec.width - static_cast<int64_t>(sign.size());
        return std::string(sign) +
               Pad(budget, digits, CountCodePoints(digits), width, spec.fill, Align::kRight);
    }
    std::string all = std::string(sign) + std::string(digits);
    size_t length = CountCodePoints(all);
    if (align == '^') {  // unlike center(): the odd one always goes to the right
        auto width = static_cast<size_t>(std::max<int64_t>(spec.width, 0));
        size_t missing = width > length ? width - length : 0;
        all = Pad(budget, all, length, static_cast<int64_t>(length + missing / 2), spec.fill,
                  Align::kRight);
        return Pad(budget, all, length + missing / 2, spec.width, spec.fill, Align::kLeft);
    }
    return Pad(budget, all, length, spec.width, spec.fill,
               align == '<' ? Align::kLeft : Align::kRight);
}

std::string SignText(const Specification& spec, bool negative) {
    if (negative) return "-";
    return spec.sign == '-' ? "" : std::string(1, spec.sign);
}

std::string FormatText(Budget& budget, const Specification& spec, std::string text) {
    if (spec.type != '\0' && spec.type != 's')
        Fail("Unknown format code '{}' for object of type 'str'", spec.type);
    if (spec.align == '=') Fail("'=' alignment not allowed in string format specifier");
    if (spec.precision >= 0) text.resize(OffsetOf(text, static_cast<size_t>(spec.precision)));
    return Padded(budget, spec, "", text, '<');
}

std::string FormatFloat(Budget& budget, const Specification& spec, double value) {
    if (spec.precision > kPrecisionMax)
        Fail("a precision above {} is not supported", kPrecisionMax);
    bool percent = spec.type == '%';
    double size = std::fabs(percent ? value * 100 : value);
    int precision = spec.precision < 0 ? 6 : static_cast<int>(spec.precision);
    std::string digits;
    if (spec.type == '\0' && spec.precision < 0) {
        digits = FloatText(size);
    } else if (spec.type == '\0') {
        digits = FloatDigits(size, 'g', std::max(precision, 1));
        if (std::isfinite(size) && digits.find_first_of(".e") == std::string::npos) digits += ".0";
    } else {
        char form = percent ? 'f' : static_cast<char>(spec.type | 0x20);
        if (form == 'n') form = 'g';
        digits = FloatDigits(size, form, form == 'g' ? std::max(precision, 1) : precision);
    }
    if (spec.grouping != '\0') {
        size_t whole = std::min(digits.find_first_of(".e"), digits.size());
        digits = GroupThousands(digits.substr(0, whole), spec.grouping) + digits.substr(whole);
    }
    if (spec.type == 'E' || spec.type == 'F' || spec.type == 'G')
        for (char& c : digits) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    if (percent) digits += '%';
    bool negative = std::signbit(value) && !std::isnan(value);
    return Padded(budget, spec, SignText(spec, negative), digits, '>');
}

std::string FormatInt(Budget& budget, const Specification& spec, Int value) {
    if (std::string_view("eEfFgG%").contains(spec.type) && spec.type != '\0')
        return FormatFloat(budget, spec, static_cast<double>(value));
    if (spec.type == 's') Fail("Unknown format code 's' for object of type 'int'");
    if (spec.precision >= 0) Fail("Precision not allowed in integer format specifier");
    if (spec.type == 'c') {
        if (value < 0 || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
            Fail("%c arg not in range(0x110000)");
        std::string text;
        AppendCodePoint(text, static_cast<char32_t>(value));
        return Padded(budget, spec, "", text, '<');
    }
    bool negative = value < 0;
    if (negative) value = Subtract(0, value);
    std::string digits, prefix;
    switch (spec.type) {
        case 'x':
            digits = fmt::format("{:x}", value);
            prefix = "0x";
            break;
        case 'X':
            digits = fmt::format("{:X}", value);
            prefix = "0X";
            break;
        case 'o':
            digits = fmt::format("{:o}", value);
            prefix = "0o";
            break;
        case 'b':
            digits = fmt::format("{:b}", value);
            prefix = "0b";
            break;
        default:
            digits = IntText(value);
    }
    if (spec.grouping != '\0') digits = GroupThousands(digits, spec.grouping);
    return Padded(budget, spec, SignText(spec, negative) + (spec.alternate ? prefix : ""), digits,
                  '>');
}

class BraceFormatter {
public:
    BraceFormatter(Interpreter& interpreter, const StringObject& format, const Arguments& arguments)
        : interpreter_(interpreter),
          budget_(interpreter.budget()),
          markup_(format.markup),
          arguments_(arguments) {}

    std::string Run(std::string_view format, int depth) {
        if (depth > 2) Fail("Max string recursion exceeded");
        TextBuilder out(budget_);
        for (size_t i = 0; i < format.size();) {
            size_t brace = std::min(format.find_first_of("{}", i), format.size());
            out.Append(format.substr(i, brace - i));
            if (brace == format.size()) break;
            if (brace + 1 < format.size() && format[brace + 1] == format[brace]) {
                out.Append(format[brace]);
                i = brace + 2;
            } else if (format[brace] == '}') {
                Fail("Single '}}' encountered in format string");
            } else {
                size_t end = FieldEnd(format, brace + 1);
                out.Append(Field(format.substr(brace + 1, end - brace - 1), depth));
                i = end + 1;
            }
        }
        return out.Release();
    }

private:
    static size_t FieldEnd(std::string_view format, size_t at) {
        for (int open = 1; at < format.size(); ++at) {
            open += format[at] == '{' ? 1 : format[at] == '}' ? -1 : 0;
            if (open == 0) return at;
        }
        Fail("expected '}}' before end of string");
    }

    std::string Field(std::string_view field, int depth) {
        budget_.Step();
        std::string_view name = field, specification, conversion;
        size_t end = field.find_first_of("!:[");
        while (end != std::string_view::npos && field[end] == '[') {
            end = field.find(']', end);
            if (end == std::string_view::npos) Fail("Missing ']' in format string");
            end = field.find_first_of("!:[", end);
        }
        if (end != std::string_view::npos) {
            name = field.substr(0, end);
            std::string_view rest = field.substr(end);
            if (rest[0] == '!') {
                conversion = rest.substr(1, 1);
                rest = rest.substr(std::min<size_t>(2, rest.size()));
                if (!rest.empty() && rest[0] != ':')
                    Fail("expected ':' after conversion specifier");
            }
            if (!rest.empty()) specification = rest.substr(1);
        }
        Value value = Lookup(name);
        if (conversion == "r")
            value = MakeString(budget_, Repr(budget_, value));
        else if (conversion == "s")
            value = MakeString(budget_, Str(budget_, value));
        else if (!conversion.empty())
            Fail("Unknown conversion specifier '{}'", conversion);
        std::string expanded = Run(specification, depth + 1);
        std::string text = FormatField(interpreter_, value, expanded);
        bool escape = markup_ && !(value.IsString() && value.string().markup);
        return escape ? EscapeHtml(budget_, text) : text;
    }

    Value Lookup(std::string_view name) {
        size_t end = std::min(name.find_first_of(".["), name.size());
        Value value = First(name.substr(0, end));
        name.remove_prefix(end);
        while (!name.empty()) {
            budget_.Step();
            if (name[0] == '.') {
                size_t stop = std::min(name.find_first_of(".[", 1), name.size());
                Value attribute = MakeString(budget_, std::string(name.substr(1, stop - 1)));
                value = GetAttribute(interpreter_, value, attribute);
                name.remove_prefix(stop);
            } else {
                size_t stop = name.find(']');
                if (stop == std::string_view::npos) Fail("Missing ']' in format string");
                std::string_view key = name.substr(1, stop - 1);
                bool number =
                    !key.empty() && key.find_first_not_of("0123456789") == std::string::npos;
                Value index = number ? Value::Integer(ParseInt(key).value_or(0))
                                     : MakeString(budget_, std::string(key));
                value = GetItem(interpreter_, value, index);
                name.remove_prefix(stop + 1);
            }
        }
        return value;
    }

    Value First(std::string_view name) {
        bool number = !name.empty() && name.find_first_not_of("0123456789") == std::string::npos;
        if (!name.empty() && !number) {
            const Value* value = arguments_.Named(name);
            if (!value) Fail("KeyError: {}", QuotedText(name));
            return *value;
        }
        if (number ? automatic_ > 0 : manual_)
            Fail("cannot switch between automatic and manual field numbering");
        manual_ = number;
        Int index = number ? ParseInt(name).value_or(0) : static_cast<Int>(automatic_++);
        if (index >= static_cast<Int>(arguments_.positional.size()))
            Fail("Replacement index {} out of range for positional args tuple", IntText(index));
        return arguments_.positional[static_cast<size_t>(index)];
    }

    Interpreter& interpreter_;
    Budget& budget_;
    const bool markup_;
    const Arguments& arguments_;
    size_t automatic_ = 0;
    bool manual_ = false;
};

}  // namespace

std::string GroupThousands(std::string_view digits, char separator) {
    std::string grouped;
    for (size_t i = 0; i < digits.size(); ++i) {
        if (i > 0 && (digits.size() - i) % 3 == 0) grouped += separator;
        grouped += digits[i];
    }
    return grouped;
}

std::string FormatField(Interpreter& interpreter, const Value& value,
                        std::string_view specification) {
    Budget& budget = interpreter.budget();
    if (specification.empty()) return Str(budget, value);
    if (!value.IsNumber() && !value.IsString())
        Fail("unsupported format string passed to {}.__format__", TypeName(value));
    Specification spec = ParseSpecification(specification);
    if (value.IsString()) return FormatText(budget, spec, value.text());
    if (value.Is(Kind::kFloat)) {
        if (std::string_view("bcdosxX").contains(spec.type) && spec.type != '\0')
            Fail("Unknown format code '{}' for object of type 'float'", spec.type);
        return FormatFloat(budget, spec, value.real());
    }
    return FormatInt(budget, spec, value.integer());
}

Value FormatBraces(Interpreter& interpreter, const StringObject& format,
                   const Arguments& arguments) {
    std::string text = BraceFormatter(interpreter, format, arguments).Run(format.text, 0);
    return MakeString(interpreter.budget(), std::move(text), format.markup);
}

}  // namespace lathe::chat
