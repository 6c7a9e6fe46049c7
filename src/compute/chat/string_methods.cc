// The methods of str.
#include <algorithm>

#include "compute/chat/attributes.h"
#include "compute/chat/format.h"
#include "compute/chat/interpreter.h"
#include "compute/chat/numbers.h"
#include "compute/chat/operators.h"
#include "compute/chat/text.h"
#include "compute/chat/unicode.h"

namespace lathe::chat {
namespace {

using By = Bound::By;

const StringObject& Self(const Arguments& arguments) {
    return arguments.positional[0].string();
}

// Text that stays markup if the string was.
Value Like(Budget& budget, const StringObject& self, std::string text) {
    return MakeString(budget, std::move(text), self.markup);
}

Value Pieces(Budget& budget, const StringObject& self,
             const std::vector<std::string_view>& pieces) {
    ListBuilder list(budget);
    for (std::string_view piece : pieces) list.Append(Like(budget, self, std::string(piece)));
    return list.List();
}

std::optional<std::string_view> TextOrNone(const Bound& bound, size_t index) {
    if (!bound.Given(index)) return std::nullopt;
    return bound.Text(index);
}

// What methods of markup escape in their arguments.
std::string Escaped(Budget& budget, const StringObject& self, const Value& argument) {
    if (!self.markup || argument.string().markup) return argument.text();
    return EscapeHtml(budget, argument.text());
}

template <std::string (*Change)(std::string_view)>
Value ChangeCase(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("str method", arguments, {"self"}, 1, By::kPosition);
    const StringObject& self = Self(arguments);
    interpreter.budget().Work(self.text.size() * 16);
    interpreter.budget().RequireRoom(self.text.size(), 4);
    return Like(interpreter.budget(), self, Change(self.text));
}

template <TextClass kClass>
Value Is(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("str method", arguments, {"self"}, 1, By::kPosition);
    interpreter.budget().Work(Self(arguments).text.size() * 8);
    return Value::Bool(IsAll(kClass, Self(arguments).text));
}

template <Side kSide>
Value StripSide(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("strip", arguments, {"self", "chars"}, 1, By::kPosition);
    const StringObject& self = Self(arguments);
    auto characters = TextOrNone(bound, 1);
    interpreter.budget().Work(self.text.size() + (characters ? characters->size() * 16 : 0));
    return Like(interpreter.budget(), self, std::string(Strip(self.text, characters, kSide)));
}

template <auto kSplit>
Value SplitBy(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("split", arguments, {"self", "sep", "maxsplit"}, 1);
    auto separator = TextOrNone(bound, 1);
    if (separator && separator->empty()) Fail("empty separator");
    const StringObject& self = Self(arguments);
    Budget& budget = interpreter.budget();
    return Pieces(budget, self, kSplit(budget, self.text, separator, Clamp64(bound.IntOr(2, -1))));
}

Value SplitIntoLines(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("splitlines", arguments, {"self", "keepends"}, 1);
    LineEnds ends = bound.TruthOr(1, false) ? LineEnds::kKeep : LineEnds::kDrop;
    const StringObject& self = Self(arguments);
    return Pieces(interpreter.budget(), self, SplitLines(interpreter.budget(), self.text, ends));
}

Value ReplaceIn(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("replace", arguments, {"self", "old", "new", "count"}, 3, By::kPosition);
    const StringObject& self = Self(arguments);
    Budget& budget = interpreter.budget();
    bound.Text(2);
    return Like(budget, self,
                Replace(budget, self.text, bound.Text(1), Escaped(budget, self, bound[2]),
                        Clamp64(bound.IntOr(3, -1))));
}

Value Join(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("join", arguments, {"self", "iterable"}, 2, By::kPosition);
    const StringObject& self = Self(arguments);
    Budget& budget = interpreter.budget();
    TextBuilder out(budget);
    Ref<IteratorObject> iterator = interpreter.Iterate(bound[1]);
    Value item;
    for (size_t i = 0; iterator->Next(interpreter, item); ++i) {
        if (!item.IsString())
            Fail("sequence item {}: expected str instance, {} found", i, TypeName(item));
        if (i > 0) out.Append(self.text);
        out.Append(Escaped(budget, self, item));
    }
    return Like(budget, self, out.Release());
}

// The part of the text that start and end arguments leave, and where it begins.
struct Part {
    std::string_view text;
    size_t start = 0;  // in code points
    bool valid = true;
};

Part PartOf(Budget& budget, const StringObject& self, const Bound& bound, size_t first) {
    budget.Work(self.text.size());
    auto length = static_cast<Int>(self.length);
    auto clamp = [&](Int at) { return std::clamp<Int>(at < 0 ? at + length : at, 0, length + 1); };
    Int start = bound.Given(first) ? clamp(RequireIndex(bound[first])) : 0;
    Int end = bound.Given(first + 1) ? clamp(RequireIndex(bound[first + 1])) : length;
    Part part;
    part.start = static_cast<size_t>(start);
    part.valid = start <= std::min(end, length);
    if (!part.valid) return part;
    size_t begin = OffsetOf(self.text, part.start);
    std::string_view rest = std::string_view(self.text).substr(begin);
    part.text = rest.substr(0, OffsetOf(rest, static_cast<size_t>(std::min(end, length) - start)));
    return part;
}

enum class Absent : uint8_t { kMinusOne, kFails };

template <auto kFind, Absent kAbsent>
Value FindPart(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("find", arguments, {"self", "sub", "start", "end"}, 2, By::kPosition);
    const StringObject& self = Self(arguments);
    Part part = PartOf(interpreter.budget(), self, bound, 2);
    size_t at = part.valid ? kFind(part.text, bound.Text(1)) : std::string_view::npos;
    if (at != std::string_view::npos)
        return Value::Integer(
            static_cast<Int>(part.start + CountCodePoints(part.text.substr(0, at))));
    if (kAbsent == Absent::kFails) Fail("substring not found");
    return Value::Integer(-1);
}

size_t FindFirst(std::string_view text, std::string_view part) {
    return Find(text, part);
}

Value CountParts(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("count", arguments, {"self", "sub", "start", "end"}, 2, By::kPosition);
    Part part = PartOf(interpreter.budget(), Self(arguments), bound, 2);
    const std::string& wanted = bound.Text(1);
    return Value::Integer(part.valid ? static_cast<Int>(CountOf(part.text, wanted)) : 0);
}

template <Side kSide>
Value HasAffix(Interpreter& interpreter, Arguments& arguments) {
    Bound bound(kSide == Side::kLeft ? "startswith" : "endswith", arguments,
                {"self", "affix", "start", "end"}, 2, By::kPosition);
    Part part = PartOf(interpreter.budget(), Self(arguments), bound, 2);
    auto has = [&](const Value& affix) {
        if (!affix.IsString())
            Fail("{} first arg must be str or a tuple of str, not {}",
                 kSide == Side::kLeft ? "startswith" : "endswith", TypeName(affix));
        if (!part.valid) return false;
        return kSide == Side::kLeft ? part.text.starts_with(affix.text())
                                    : part.text.ends_with(affix.text());
    };
    if (!bound[1].Is(Kind::kTuple)) return Value::Bool(has(bound[1]));
    interpreter.budget().Step(bound[1].items().size());
    return Value::Bool(std::ranges::any_of(bound[1].items(), has));
}

template <Side kSide>
Value RemoveAffix(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("removeprefix", arguments, {"self", "affix"}, 2, By::kPosition);
    const StringObject& self = Self(arguments);
    std::string_view text = self.text;
    const std::string& affix = bound.Text(1);
    if (kSide == Side::kLeft && text.starts_with(affix)) text.remove_prefix(affix.size());
    if (kSide == Side::kRight && text.ends_with(affix)) text.remove_suffix(affix.size());
    return Like(interpreter.budget(), self, std::string(text));
}

template <Side kSide>
Value Partition(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("partition", arguments, {"self", "sep"}, 2, By::kPosition);
    const StringObject& self = Self(arguments);
    const std::string& separator = bound.Text(1);
    if (separator.empty()) Fail("empty separator");
    Budget& budget = interpreter.budget();
    budget.Work(self.text.size());
    std::string_view text = self.text;
    size_t at = kSide == Side::kLeft ? Find(text, separator) : FindLast(text, separator);
    auto piece = [&](std::string_view part) { return Like(budget, self, std::string(part)); };
    if (at == std::string_view::npos) {
        if (kSide == Side::kLeft) return MakeTuple(budget, {piece(text), piece(""), piece("")});
        return MakeTuple(budget, {piece(""), piece(""), piece(text)});
    }
    return MakeTuple(budget, {piece(text.substr(0, at)), piece(separator),
                              piece(text.substr(at + separator.size()))});
}

template <Align kAlign>
Value PadTo(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("center", arguments, {"self", "width", "fillchar"}, 2, By::kPosition);
    const StringObject& self = Self(arguments);
    Budget& budget = interpreter.budget();
    std::string fill = " ";
    if (bound.Has(2)) {
        if (CountCodePoints(bound.Text(2)) != 1)
            Fail("The fill character must be exactly one character long");
        fill = bound.Text(2);
    }
    return Like(budget, self,
                Pad(budget, self.text, self.length, Clamp64(RequireIndex(bound[1])), fill, kAlign));
}

Value FillZeros(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("zfill", arguments, {"self", "width"}, 2, By::kPosition);
    const StringObject& self = Self(arguments);
    Budget& budget = interpreter.budget();
    int64_t width = Clamp64(RequireIndex(bound[1]));
    std::string_view text = self.text;
    bool sign = text.starts_with('+') || text.starts_with('-');
    std::string digits = Pad(budget, text.substr(sign), self.length - sign,
                             width - static_cast<int64_t>(sign), "0", Align::kRight);
    return Like(budget, self, std::string(text.substr(0, sign)) + digits);
}

Value ExpandTabsIn(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("expandtabs", arguments, {"self", "tabsize"}, 1);
    const StringObject& self = Self(arguments);
    return Like(interpreter.budget(), self,
                ExpandTabs(interpreter.budget(), self.text, Clamp64(bound.IntOr(1, 8))));
}

Value Format(Interpreter& interpreter, Arguments& arguments) {
    Value self = std::move(arguments.positional[0]);
    arguments.positional.erase(arguments.positional.begin());
    return FormatBraces(interpreter, self.string(), arguments);
}

Value Unsupported(Interpreter&, Arguments&) {
    Fail("this method of str is not supported in chat templates");
}

constexpr Method kMethods[] = {
    {"capitalize", ChangeCase<Capitalize>},
    {"casefold", ChangeCase<CaseFold>},
    {"center", PadTo<Align::kCenter>},
    {"count", CountParts},
    {"encode", Unsupported},
    {"endswith", HasAffix<Side::kRight>},
    {"expandtabs", ExpandTabsIn},
    {"find", FindPart<FindFirst, Absent::kMinusOne>},
    {"format", Format},
    {"format_map", Unsupported},
    {"index", FindPart<FindFirst, Absent::kFails>},
    {"isalnum", Is<TextClass::kAlnum>},
    {"isalpha", Is<TextClass::kAlpha>},
    {"isascii", Is<TextClass::kAscii>},
    {"isdecimal", Is<TextClass::kDecimal>},
    {"isdigit", Is<TextClass::kDigit>},
    {"isidentifier", Is<TextClass::kIdentifier>},
    {"islower", Is<TextClass::kLower>},
    {"isnumeric", Is<TextClass::kNumeric>},
    {"isprintable", Is<TextClass::kPrintable>},
    {"isspace", Is<TextClass::kSpace>},
    {"istitle", Is<TextClass::kTitle>},
    {"isupper", Is<TextClass::kUpper>},
    {"join", Join},
    {"ljust", PadTo<Align::kLeft>},
    {"lower", ChangeCase<Lower>},
    {"lstrip", StripSide<Side::kLeft>},
    {"maketrans", Unsupported},
    {"partition", Partition<Side::kLeft>},
    {"removeprefix", RemoveAffix<Side::kLeft>},
    {"removesuffix", RemoveAffix<Side::kRight>},
    {"replace", ReplaceIn},
    {"rfind", FindPart<FindLast, Absent::kMinusOne>},
    {"rindex", FindPart<FindLast, Absent::kFails>},
    {"rjust", PadTo<Align::kRight>},
    {"rpartition", Partition<Side::kRight>},
    {"rsplit", SplitBy<SplitFromRight>},
    {"rstrip", StripSide<Side::kRight>},
    {"split", SplitBy<Split>},
    {"splitlines", SplitIntoLines},
    {"startswith", HasAffix<Side::kLeft>},
    {"strip", StripSide<Side::kBoth>},
    {"swapcase", ChangeCase<SwapCase>},
    {"title", ChangeCase<Title>},
    {"translate", Unsupported},
    {"upper", ChangeCase<Upper>},
    {"zfill", FillZeros},
};

}  // namespace

const Method* FindStringMethod(std::string_view name) {
    auto found = std::ranges::lower_bound(kMethods, name, {}, &Method::name);
    return found != std::end(kMethods) && found->name == name ? found : nullptr;
}

}  // namespace lathe::chat
