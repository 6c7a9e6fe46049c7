#include "compute/chat/numbers.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "compute/chat/text.h"
#include "compute/chat/unicode.h"

namespace lathe::chat {
namespace {

[[noreturn]] void FailOverflow() {
    Fail("an integer exceeds 127 bits");
}

// The digits without underscores; nothing if one stands where none may.
std::optional<std::string> PlainDigits(std::string_view text) {
    std::string digits;
    bool after_digit = false;
    for (char c : text) {
        if (c == '_') {
            if (!after_digit) return std::nullopt;
            after_digit = false;
            continue;
        }
        after_digit = true;
        digits.push_back(c);
    }
    if (!after_digit) return std::nullopt;
    return digits;
}

int DigitValue(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'z') return c - 'a' + 10;
    if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
    return 99;
}

// Takes "0x" and the like off; tells the base where `base` is 0.
void TakePrefix(std::string_view& text, int& base) {
    char letter = text.size() > 1 && text[0] == '0' ? static_cast<char>(text[1] | 0x20) : '\0';
    int named = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
    if (named != 0 && (base == 0 || base == named)) {
        base = named;
        text.remove_prefix(2);
        if (text.starts_with('_')) text.remove_prefix(1);
    } else if (base == 0) {
        base = 10;
    }
}

}  // namespace

std::string IntText(Int value) {
    return fmt::format("{}", value);
}

std::string FloatText(double value) {
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
    char buffer[64];
    auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
    std::string_view shortest(buffer, static_cast<size_t>(end.ptr - buffer));
    std::string sign;
    if (shortest[0] == '-') {
        sign = "-";
        shortest.remove_prefix(1);
    }
    size_t mark = shortest.find('e');
    int exponent = 0;
    std::string_view power = shortest.substr(mark + 1);
    if (power[0] == '+') power.remove_prefix(1);
    std::from_chars(power.data(), power.data() + power.size(), exponent);
    std::string digits(1, shortest[0]);
    if (mark > 2) digits += shortest.substr(2, mark - 2);
    if (exponent < -4 || exponent >= 16) {
        std::string_view rest = std::string_view(digits).substr(1);
        return fmt::format("{}{}{}{}e{}{:02}", sign, digits[0], rest.empty() ? "" : ".", rest,
                           exponent < 0 ? '-' : '+', std::abs(exponent));
    }
    if (exponent < 0)
        return sign + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
    auto whole = static_cast<size_t>(exponent) + 1;
    if (digits.size() <= whole)
        return sign + digits + std::string(whole - digits.size(), '0') + ".0";
    return sign + digits.substr(0, whole) + "." + digits.substr(whole);
}

std::string FloatDigits(double value, char form, int precision) {
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
    if (form == 'e') return fmt::format("{:.{}e}", value, precision);
    if (form == 'g') return fmt::format("{:.{}g}", value, precision);
    return fmt::format("{:.{}f}", value, precision);
}

std::optional<Int> ParseInt(std::string_view given, int base) {
    const std::string plain = WithAsciiDigits(Strip(given, std::nullopt));
    std::string_view text = plain;
    bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    int wanted = base;
    TakePrefix(text, base);
    auto digits = PlainDigits(text);
    if (!digits) return std::nullopt;
    if (wanted == 0 && base == 10 && digits->size() > 1 && (*digits)[0] == '0' &&
        digits->find_first_not_of('0') != std::string::npos)
        return std::nullopt;
    Int value = 0;
    for (char c : *digits)
        if (DigitValue(c) >= base) return std::nullopt;
    for (char c : *digits) value = Add(Multiply(value, base), DigitValue(c));
    return negative ? -value : value;
}

std::optional<double> ParseFloat(std::string_view given) {
    const std::string plain = WithAsciiDigits(Strip(given, std::nullopt));
    std::string_view text = plain;
    bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    auto digits = PlainDigits(text);
    if (!digits || digits->starts_with('-') || digits->starts_with('+')) return std::nullopt;
    for (char& c : *digits)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    double value = 0;
    if (*digits == "inf" || *digits == "infinity") {
        value = std::numeric_limits<double>::infinity();
    } else if (*digits == "nan") {
        value = std::numeric_limits<double>::quiet_NaN();
    } else {
        if (digits->find_first_of("in") != std::string::npos) return std::nullopt;
        const char* end = digits->data() + digits->size();
        auto [stop, error] = std::from_chars(digits->data(), end, value);
        if (stop != end) return std::nullopt;
        // Out of range: too large or too small, which only the exponent's sign tells.
        if (error == std::errc::result_out_of_range)
            value = digits->find("e-") != std::string::npos
                        ? 0.0
                        : std::numeric_limits<double>::infinity();
        else if (error != std::errc())
            return std::nullopt;
    }
    return negative ? -value : value;
}

Int Truncate(double value) {
    if (std::isnan(value)) Fail("cannot convert float NaN to integer");
    if (std::isinf(value)) Fail("cannot convert float infinity to integer");
    if (std::fabs(value) >= 0x1p126) FailOverflow();
    return static_cast<Int>(value);
}

Int Add(Int a, Int b) {
    Int result;
    if (__builtin_add_overflow(a, b, &result)) FailOverflow();
    return result;
}

Int Subtract(Int a, Int b) {
    Int result;
    if (__builtin_sub_overflow(a, b, &result)) FailOverflow();
    return result;
}

Int Multiply(Int a, Int b) {
    Int result;
    if (__builtin_mul_overflow(a, b, &result)) FailOverflow();
    return result;
}

Int FloorDivide(Int a, Int b) {
    if (b == 0) Fail("integer division or modulo by zero");
    if (b == -1) return Subtract(0, a);
    Int quotient = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

Int Modulo(Int a, Int b) {
    if (b == 0) Fail("integer modulo by zero");
    if (b == -1) return 0;
    Int rest = a % b;
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

double FloorDivide(double a, double b) {
    if (b == 0) Fail("float floor division by zero");
    double rest = std::fmod(a, b);
    double quotient = (a - rest) / b;
    if (rest != 0 && (rest < 0) != (b < 0)) quotient -= 1;
    if (quotient == 0) return std::copysign(0.0, a / b);
    double floor = std::floor(quotient);
    return quotient - floor > 0.5 ? floor + 1 : floor;
}

double Modulo(double a, double b) {
    if (b == 0) Fail("float modulo");
    double rest = std::fmod(a, b);
    if (rest == 0) return std::copysign(0.0, b);
    return (rest < 0) != (b < 0) ? rest + b : rest;
}

Int Power(Int base, Int exponent) {
    Int result = 1;
    if (base == 0 || base == 1) return exponent == 0 ? 1 : base;
    if (base == -1) return exponent % 2 == 0 ? 1 : -1;
    for (; exponent > 0; --exponent) result = Multiply(result, base);
    return result;
}

double RoundTo(double value, Int digits) {
    if (!std::isfinite(value) || digits > 323) return value;
    if (digits < -308) return 0.0 * value;
    if (digits >= 0) {
        std::string text = FloatDigits(value, 'f', static_cast<int>(digits));
        return ParseFloat(text).value_or(value);
    }
    // printf rounds no places before the point: round the digits of the exponent form.
    std::string plain = FloatDigits(std::fabs(value), 'f', 0);
    int keep = static_cast<int>(static_cast<Int>(plain.size()) + digits);
    if (keep < 0) return std::copysign(0.0, value);
    if (keep == 0) {
        double unit = std::pow(10.0, static_cast<double>(-digits));
        return std::copysign(std::fabs(value) > unit / 2 ? unit : 0.0, value);
    }
    return ParseFloat(FloatDigits(value, 'e', keep - 1)).value_or(value);
}

Int RoundTo(Int value, Int digits) {
    if (digits >= 0) return value;
    if (digits < -37) return 0;
    Int unit = Power(10, -digits);
    Int low = Subtract(value, Modulo(value, unit));
    Int rest = value - low;
    bool up = rest * 2 > unit || (rest * 2 == unit && Modulo(FloorDivide(low, unit), 2) == 1);
    return up ? Add(low, unit) : low;
}

int CompareNumbers(const Value& a, const Value& b) {
    auto order = [](auto x, auto y) { return x < y ? -1 : x > y ? 1 : 0; };
    if (a.IsIntegral() && b.IsIntegral()) return order(a.integer(), b.integer());
    if (a.Is(Kind::kFloat) && b.Is(Kind::kFloat)) {
        if (std::isnan(a.real()) || std::isnan(b.real())) return 2;
        return order(a.real(), b.real());
    }
    if (a.Is(Kind::kFloat)) {
        int reversed = CompareNumbers(b, a);
        return reversed == 2 ? 2 : -reversed;
    }
    double real = b.real();
    if (std::isnan(real)) return 2;
    if (std::fabs(real) >= 0x1p126) return real > 0 ? -1 : 1;
    double floor = std::floor(real);
    int whole = order(a.integer(), static_cast<Int>(floor));
    return whole == 0 && floor < real ? -1 : whole;
}

int64_t Clamp64(Int value) {
    return static_cast<int64_t>(std::clamp<Int>(value, std::numeric_limits<int64_t>::min(),
                                                std::numeric_limits<int64_t>::max()));
}

}  // namespace lathe::chat
