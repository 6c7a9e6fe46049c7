#include "compute/constraint/number_range.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>

#include "compute/constraint/json_parts.h"

namespace lathe::constraint {
namespace {

// A bound on a magnitude: digits before and after the point, without idle zeros.
struct Decimal {
    std::string whole = "0";
    std::string fraction;
    bool exclusive = false;
};

// How many digits texts may have.
struct Digits {
    uint32_t whole_max = kIntegerDigitsMax;
    uint32_t fraction_max = 0;  // 0: integers
};

Expression AnyDigits(size_t min, size_t max) {
    return Repeat(CharClass({{'0', '9'}}), static_cast<uint32_t>(min), static_cast<uint32_t>(max));
}

Expression Digit(char first, char last) {
    return CharClass({{static_cast<unsigned char>(first), static_cast<unsigned char>(last)}});
}

// Digit strings as long as `bound` that are at least (or at most) `bound`; `least` is the
// least first digit.
Expression SameLength(std::string_view bound, bool at_least, char least) {
    if (bound.empty()) return Expression();
    char digit = bound.front();
    std::vector<Expression> ways = {
        Sequence({Digit(digit, digit), SameLength(bound.substr(1), at_least, '0')})};
    if (at_least && digit < '9')
        ways.push_back(Sequence({Digit(static_cast<char>(digit + 1), '9'),
                                 AnyDigits(bound.size() - 1, bound.size() - 1)}));
    if (!at_least && digit > least)
        ways.push_back(Sequence({Digit(least, static_cast<char>(digit - 1)),
                                 AnyDigits(bound.size() - 1, bound.size() - 1)}));
    return Either(std::move(ways));
}

// Whole numbers without sign, from zero, of at least or at most `bound`.
Expression WholeAtLeast(const std::string& bound, uint32_t digits_max) {
    std::vector<Expression> ways = {SameLength(bound, /*at_least=*/true, '0')};
    if (bound == "0") ways = {Literal("0"), Digit('1', '9')};
    if (bound.size() < digits_max)
        ways.push_back(Sequence({Digit('1', '9'), AnyDigits(bound.size(), digits_max - 1)}));
    return Either(std::move(ways));
}

Expression WholeAtMost(const std::string& bound) {
    if (bound == "0") return Literal("0");
    std::vector<Expression> ways = {Literal("0"), SameLength(bound, /*at_least=*/false, '1')};
    if (bound.size() > 1)
        ways.push_back(Sequence({Digit('1', '9'), AnyDigits(0, bound.size() - 2)}));
    return Either(std::move(ways));
}

std::string Increased(std::string digits) {
    for (size_t i = digits.size(); i-- > 0;) {
        if (digits[i] != '9') {
            ++digits[i];
            return digits;
        }
        digits[i] = '0';
    }
    return "1" + digits;
}

// Requires: not "0".
std::string Decreased(std::string digits) {
    size_t i = digits.size() - 1;
    for (; digits[i] == '0'; --i) digits[i] = '9';
    --digits[i];
    if (digits.size() > 1 && digits.front() == '0') digits.erase(0, 1);
    return digits;
}

Expression AnyFraction(const Digits& digits) {
    if (digits.fraction_max == 0) return Expression();
    return Optional(Sequence({Literal("."), AnyDigits(1, digits.fraction_max)}));
}

// Fraction digits after those that equal the bound's so far, of which `rest` is left.
Expression FractionAtLeast(std::string_view rest, bool exclusive, size_t room) {
    if (rest.empty() && !exclusive) return AnyDigits(0, room);
    if (rest.empty()) {
        std::vector<Expression> ways;  // some digit is no zero
        for (size_t zeros = 0; zeros < room; ++zeros)
            ways.push_back(Sequence({Literal(std::string(zeros, '0')), Digit('1', '9'),
                                     AnyDigits(0, room - zeros - 1)}));
        return Either(std::move(ways));
    }
    std::vector<Expression> ways = {Sequence(
        {Digit(rest.front(), rest.front()), FractionAtLeast(rest.substr(1), exclusive, room - 1)})};
    if (rest.front() < '9')
        ways.push_back(
            Sequence({Digit(static_cast<char>(rest.front() + 1), '9'), AnyDigits(0, room - 1)}));
    return Either(std::move(ways));
}

// `rest` has its idle zeros cut, so any proper beginning of it is less.
Expression FractionAtMost(std::string_view rest, bool exclusive, size_t room) {
    if (rest.empty())
        return exclusive ? Nothing() : Repeat(Literal("0"), 0, static_cast<uint32_t>(room));
    std::vector<Expression> here;
    if (rest.front() > '0')
        here.push_back(
            Sequence({Digit('0', static_cast<char>(rest.front() - 1)), AnyDigits(0, room - 1)}));
    Expression on = FractionAtMost(rest.substr(1), exclusive, room - 1);
    if (rest.size() > 1) on = Either({Expression(), on});
    here.push_back(Sequence({Digit(rest.front(), rest.front()), on}));
    return Either(std::move(here));
}

Expression AtLeast(const Decimal& bound, const Digits& digits) {
    Expression equal;
    if (bound.fraction.empty() && !bound.exclusive) {
        equal = AnyFraction(digits);
    } else if (digits.fraction_max == 0) {
        equal = Nothing();
    } else {
        equal = Sequence(
            {Literal("."), FractionAtLeast(bound.fraction, bound.exclusive, digits.fraction_max)});
    }
    return Either(
        {Sequence({Literal(bound.whole), equal}),
         Sequence({WholeAtLeast(Increased(bound.whole), digits.whole_max), AnyFraction(digits)})});
}

Expression AtMost(const Decimal& bound, const Digits& digits) {
    std::vector<Expression> ways;
    if (bound.whole != "0")
        ways.push_back(Sequence({WholeAtMost(Decreased(bound.whole)), AnyFraction(digits)}));
    if (!bound.exclusive || !bound.fraction.empty()) ways.push_back(Literal(bound.whole));
    if (digits.fraction_max > 0 && bound.fraction.empty() && !bound.exclusive)
        ways.push_back(Sequence(
            {Literal(bound.whole), Literal("."), Repeat(Literal("0"), 1, digits.fraction_max)}));
    if (digits.fraction_max > 0 && !bound.fraction.empty())
        ways.push_back(
            Sequence({Literal(bound.whole), Literal("."),
                      FractionAtMost(bound.fraction, bound.exclusive, digits.fraction_max)}));
    return Either(std::move(ways));
}

// Magnitudes between bounds.
Expression Between(const std::optional<Decimal>& min, const std::optional<Decimal>& max,
                   const Digits& digits) {
    Expression low = AtLeast(min.value_or(Decimal{}), digits);
    return max ? Both(low, AtMost(*max, digits)) : low;
}

struct Signed {
    bool negative = false;
    Decimal magnitude;
    bool IsZero() const { return magnitude.whole == "0" && magnitude.fraction.empty(); }
};

// Numbers between signed bounds: those below zero by their magnitudes, and the others.
Expression Range(const std::optional<Signed>& min, const std::optional<Signed>& max,
                 const Digits& digits) {
    std::vector<Expression> ways;
    bool max_below_zero =
        max && ((max->negative && !max->IsZero()) || (max->IsZero() && max->magnitude.exclusive));
    if (!max_below_zero) {
        std::optional<Decimal> low;
        if (min && (!min->negative || min->IsZero())) low = min->magnitude;
        std::optional<Decimal> high;
        if (max) high = max->magnitude;
        ways.push_back(Between(low, high, digits));
    }
    if (!min || (min->negative && !min->IsZero())) {
        Decimal above_zero;
        above_zero.exclusive = true;
        if (digits.fraction_max == 0) above_zero = {"1", "", false};
        std::optional<Decimal> low = above_zero;
        if (max && max->negative && !max->IsZero()) low = max->magnitude;
        std::optional<Decimal> high;
        if (min) high = min->magnitude;
        ways.push_back(Sequence({Literal("-"), Between(low, high, digits)}));
    }
    return Either(std::move(ways));
}

Signed FromText(std::string text, bool exclusive) {
    Signed out;
    out.negative = text.starts_with('-');
    if (out.negative) text.erase(0, 1);
    size_t point = text.find('.');
    out.magnitude.whole = text.substr(0, point);
    if (point != std::string::npos) out.magnitude.fraction = text.substr(point + 1);
    while (out.magnitude.fraction.ends_with('0')) out.magnitude.fraction.pop_back();
    out.magnitude.exclusive = exclusive;
    return out;
}

// The shortest decimal text, without an exponent.
std::string DecimalText(double value) {
    char buffer[512];
    auto end = std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::fixed).ptr;
    return std::string(buffer, end);
}

}  // namespace

Expression IntegerRange(std::optional<int64_t> min, std::optional<int64_t> max) {
    if (min && max && *min > *max) return Nothing();
    Digits digits;
    auto make = [&](std::optional<int64_t> bound) {
        std::optional<Signed> out;
        if (!bound) return out;
        out = FromText(std::to_string(*bound), false);
        digits.whole_max =
            std::max(digits.whole_max, static_cast<uint32_t>(out->magnitude.whole.size()));
        return out;
    };
    auto low = make(min);
    auto high = make(max);
    return Range(low, high, digits);
}

Expression NumberRange(std::optional<NumberBound> min, std::optional<NumberBound> max) {
    // Few enough digits that a text near a bound is not rounded onto it when it is read.
    constexpr size_t kExactDigits = 15;
    constexpr size_t kFractionMax = 6;
    Digits digits;
    size_t whole = 1;
    size_t fraction = 1;
    auto make = [&](const std::optional<NumberBound>& bound) {
        std::optional<Signed> out;
        if (!bound) return out;
        out = FromText(DecimalText(bound->value), bound->exclusive);
        whole = std::max(whole, out->magnitude.whole.size());
        fraction = std::max(fraction, out->magnitude.fraction.size());
        return out;
    };
    auto low = make(min);
    auto high = make(max);
    size_t room = whole < kExactDigits ? kExactDigits - whole : 1;
    digits.fraction_max = static_cast<uint32_t>(std::max(fraction, std::min(room, kFractionMax)));
    digits.whole_max = std::max(digits.whole_max, static_cast<uint32_t>(whole));
    return Range(low, high, digits);
}

}  // namespace lathe::constraint
