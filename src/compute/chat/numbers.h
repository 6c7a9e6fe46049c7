#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "compute/chat/value.h"

namespace lathe::chat {

// Python's numbers: how they print, parse and calculate. Overflow of Int is a Fault.
// Thread-safe.

std::string IntText(Int value);
// repr(): the shortest digits that give the number back.
std::string FloatText(double value);
// As printf's %f, %e and %g do it (`form` 'f', 'e' or 'g'), with as many digits.
std::string FloatDigits(double value, char form, int precision);

// int(text, base): white space around, a sign, prefixes, underscores between digits.
std::optional<Int> ParseInt(std::string_view text, int base = 10);
std::optional<double> ParseFloat(std::string_view text);
// int(float); fails for infinities, NaN and what has over 127 bits.
Int Truncate(double value);

Int Add(Int a, Int b);
Int Subtract(Int a, Int b);
Int Multiply(Int a, Int b);
Int FloorDivide(Int a, Int b);
Int Modulo(Int a, Int b);
double FloorDivide(double a, double b);
double Modulo(double a, double b);
Int Power(Int base, Int exponent);  // Requires: exponent >= 0

// round(): to the even neighbour where the decimal value lies in the middle.
double RoundTo(double value, Int digits);
Int RoundTo(Int value, Int digits);

// -1, 0, 1, or 2 where one is not a number. Exact, also between integers and floats.
int CompareNumbers(const Value& a, const Value& b);

// An index or a count: clamped to what 64 bits hold.
int64_t Clamp64(Int value);

}  // namespace lathe::chat
