#include "compute/chat/operators.h"

#include <algorithm>

#include "compute/chat/dict.h"
#include "compute/chat/interpreter.h"
#include "compute/chat/numbers.h"
#include "compute/chat/text.h"
#include "compute/chat/unicode.h"

namespace lathe::chat {
namespace {

constexpr std::string_view kComparisonSigns[] = {"==", "!=", "<", "<=", ">", ">="};

bool SameKind(const Value& a, const Value& b, Kind kind) {
    return a.Is(kind) && b.Is(kind);
}

bool EqualItems(Budget& budget, const std::vector<Value>& a, const std::vector<Value>& b) {
    if (a.size() != b.size()) return false;
    for (size_t i = 0; i < a.size(); ++i)
        if (!Equals(budget, a[i], b[i])) return false;
    return true;
}

bool EqualDicts(Budget& budget, const Dict& a, const Dict& b) {
    if (a.size() != b.size()) return false;
    for (const Dict::Entry& entry : a.entries()) {
        const Value* other = b.Find(budget, entry.key);
        if (!other || !Equals(budget, entry.value, *other)) return false;
    }
    return true;
}

bool EqualViews(Budget& budget, const ViewObject& a, const ViewObject& b) {
    if (a.part != b.part || a.part == ViewObject::Part::kValues) return false;
    if (a.part == ViewObject::Part::kItems)
        return EqualDicts(budget, a.source->dict, b.source->dict);
    if (a.source->dict.size() != b.source->dict.size()) return false;
    return std::ranges::all_of(a.source->dict.entries(), [&](const Dict::Entry& entry) {
        return b.source->dict.Find(budget, entry.key) != nullptr;
    });
}

bool EqualRanges(const RangeObject& a, const RangeObject& b) {
    if (a.length() != b.length()) return false;
    if (a.length() == 0) return true;
    return a.start == b.start && (a.length() == 1 || a.step == b.step);
}

// Order of the first items that differ; the shorter one first.
bool LessItems(Budget& budget, const std::vector<Value>& a, const std::vector<Value>& b) {
    for (size_t i = 0; i < std::min(a.size(), b.size()); ++i)
        if (!Equals(budget, a[i], b[i])) return Less(budget, a[i], b[i]);
    return a.size() < b.size();
}

// Whether a < b where the operator has a meaning; `sign` is for the message.
bool OrderedLess(Budget& budget, const Value& a, const Value& b, std::string_view sign) {
    RequireDefined(a);
    RequireDefined(b);
    if (a.IsNumber() && b.IsNumber()) return CompareNumbers(a, b) == -1;
    if (a.IsString() && b.IsString()) {
        budget.Work(std::min(a.text().size(), b.text().size()));
        return a.text() < b.text();
    }
    if (SameKind(a, b, Kind::kList) || SameKind(a, b, Kind::kTuple))
        return LessItems(budget, a.items(), b.items());
    Fail("'{}' not supported between instances of '{}' and '{}'", sign, TypeName(a), TypeName(b));
}

bool ViewContains(Budget& budget, const ViewObject& view, const Value& item) {
    const Dict& dict = view.source->dict;
    if (view.part == ViewObject::Part::kKeys) return dict.Find(budget, item) != nullptr;
    if (view.part == ViewObject::Part::kItems) {
        if (!item.Is(Kind::kTuple) || item.items().size() != 2) return false;
        const Value* value = dict.Find(budget, item.items()[0]);
        return value && Equals(budget, *value, item.items()[1]);
    }
    return std::ranges::any_of(dict.entries(), [&](const Dict::Entry& entry) {
        return Equals(budget, entry.value, item);
    });
}

// A position for reading one item: negative ones count from the end.
std::optional<size_t> Position(const Value& index, size_t length) {
    if (!index.IsIntegral()) return std::nullopt;
    Int at = index.integer();
    if (at < 0) at += static_cast<Int>(length);
    if (at < 0 || at >= static_cast<Int>(length)) return std::nullopt;
    return static_cast<size_t>(at);
}

Value CharacterAt(Budget& budget, const StringObject& string, size_t index) {
    if (string.ascii()) return MakeString(budget, string.text.substr(index, 1), string.markup);
    budget.Work(string.text.size());
    size_t begin = OffsetOf(string.text, index);
    size_t end = begin;
    NextCodePoint(string.text, end);
    return MakeString(budget, string.text.substr(begin, end - begin), string.markup);
}

struct Bounds {
    int64_t start, stop, step;
};

// As slice.indices() does it.
Bounds SliceBounds(const Value& start, const Value& stop, const Value& step, size_t size) {
    auto given = [](const Value& value) { return !value.IsMissing() && !value.IsNone(); };
    auto index = [](const Value& value) {
        RequireDefined(value);
        if (!value.IsIntegral())
            Fail("slice indices must be integers or None or have an __index__ method");
        return Clamp64(value.integer());
    };
    auto length = static_cast<int64_t>(size);
    Bounds bounds{};
    bounds.step = given(step) ? index(step) : 1;
    if (bounds.step == 0) Fail("slice step cannot be zero");
    int64_t low = bounds.step > 0 ? 0 : -1, high = bounds.step > 0 ? length : length - 1;
    auto clamp = [&](int64_t at) { return std::clamp(at < 0 ? at + length : at, low, high); };
    bounds.start = given(start) ? clamp(index(start)) : bounds.step > 0 ? low : high;
    bounds.stop = given(stop) ? clamp(index(stop)) : bounds.step > 0 ? high : low;
    return bounds;
}

template <typename Visit>
void EachIndex(const Bounds& bounds, const Visit& visit) {
    Int at = bounds.start;  // wide, so that a huge step cannot overflow
    for (; bounds.step > 0 ? at < bounds.stop : at > bounds.stop; at += bounds.step)
        visit(static_cast<size_t>(at));
}

Value SliceString(Budget& budget, const StringObject& string, const Bounds& bounds) {
    budget.Work(string.text.size());
    if (bounds.step == 1) {
        if (bounds.start >= bounds.stop) return MakeString(budget, "", string.markup);
        size_t begin = OffsetOf(string.text, static_cast<size_t>(bounds.start));
        std::string_view rest = std::string_view(string.text).substr(begin);
        size_t count = OffsetOf(rest, static_cast<size_t>(bounds.stop - bounds.start));
        return MakeString(budget, std::string(rest.substr(0, count)), string.markup);
    }
    budget.RequireRoom(string.length, sizeof(char32_t));
    std::u32string characters;
    characters.reserve(string.length);
    for (size_t i = 0; i < string.text.size();) characters.push_back(NextCodePoint(string.text, i));
    std::string result;
    EachIndex(bounds, [&](size_t at) { AppendCodePoint(result, characters[at]); });
    return MakeString(budget, std::move(result), string.markup);
}

}  // namespace

void RequireDefined(const Value& value) {
    if (value.IsUndefined()) Fail("{}", value.undefined().message);
}

bool Truth(const Value& value) {
    switch (value.kind()) {
        case Kind::kMissing:
        case Kind::kUndefined:
        case Kind::kNone:
            return false;
        case Kind::kBool:
        case Kind::kInt:
            return value.integer() != 0;
        case Kind::kFloat:
            return value.real() != 0;
        case Kind::kString:
            return !value.text().empty();
        default:
            return LengthOf(value).value_or(1) != 0;
    }
}

std::optional<Int> LengthOf(const Value& value) {
    auto size = [](size_t count) { return static_cast<Int>(count); };
    switch (value.kind()) {
        case Kind::kUndefined:
            return 0;
        case Kind::kString:
            return size(value.string().length);
        case Kind::kList:
        case Kind::kTuple:
            return size(value.items().size());
        case Kind::kDict:
            return size(value.dict().dict.size());
        case Kind::kView:
            return size(value.view().source->dict.size());
        case Kind::kRange:
            return value.range().length();
        default:
            return std::nullopt;
    }
}

Int RequireLength(const Value& value) {
    if (auto length = LengthOf(value)) return *length;
    Fail("object of type '{}' has no len()", TypeName(value));
}

Int RequireIndex(const Value& value) {
    if (value.IsIntegral()) return value.integer();
    Fail("'{}' object cannot be interpreted as an integer", TypeName(value));
}

bool Equals(Budget& budget, const Value& a, const Value& b) {
    budget.Step();
    if (a.IsNumber() && b.IsNumber()) return CompareNumbers(a, b) == 0;
    if (a.kind() != b.kind()) return false;
    if (a.HasObject() && a.object() == b.object()) return true;
    switch (a.kind()) {
        case Kind::kString:
            if (a.text().size() != b.text().size()) return false;
            budget.Work(a.text().size());
            return a.text() == b.text();
        case Kind::kList:
        case Kind::kTuple:
            return EqualItems(budget, a.items(), b.items());
        case Kind::kDict:
            return EqualDicts(budget, a.dict().dict, b.dict().dict);
        case Kind::kView:
            return EqualViews(budget, a.view(), b.view());
        case Kind::kRange:
            return EqualRanges(a.range(), b.range());
        case Kind::kIterator:
        case Kind::kNamespace:
        case Kind::kHost:
            return false;
        default:
            return true;  // None, Undefined
    }
}

bool Less(Budget& budget, const Value& a, const Value& b) {
    return OrderedLess(budget, a, b, "<");
}

bool Compare(Budget& budget, Comparison operation, const Value& a, const Value& b) {
    std::string_view sign = kComparisonSigns[static_cast<size_t>(operation)];
    auto unordered = [&] { return a.IsNumber() && b.IsNumber() && CompareNumbers(a, b) == 2; };
    switch (operation) {
        case Comparison::kEqual:
            return Equals(budget, a, b);
        case Comparison::kNotEqual:
            return !Equals(budget, a, b);
        case Comparison::kLess:
            return OrderedLess(budget, a, b, sign);
        case Comparison::kGreater:
            return OrderedLess(budget, b, a, sign);
        case Comparison::kLessEqual:
            return !OrderedLess(budget, b, a, sign) && !unordered();
        case Comparison::kGreaterEqual:
            return !OrderedLess(budget, a, b, sign) && !unordered();
    }
    return false;
}

bool Contains(Interpreter& interpreter, const Value& container, const Value& item) {
    Budget& budget = interpreter.budget();
    switch (container.kind()) {
        case Kind::kString:
            if (!item.IsString())
                Fail("'in <string>' requires string as left operand, not {}", TypeName(item));
            budget.Work(container.text().size());
            return Find(container.text(), item.text()) != std::string_view::npos;
        case Kind::kDict:
            return container.dict().dict.Find(budget, item) != nullptr;
        case Kind::kView:
            return ViewContains(budget, container.view(), item);
        case Kind::kList:
        case Kind::kTuple:
            return std::ranges::any_of(container.items(), [&](const Value& candidate) {
                return Equals(budget, candidate, item);
            });
        case Kind::kUndefined:
            return false;
        case Kind::kRange:
        case Kind::kIterator: {
            Value candidate;
            Ref<IteratorObject> iterator = interpreter.Iterate(container);
            while (iterator->Next(interpreter, candidate))
                if (Equals(budget, candidate, item)) return true;
            return false;
        }
        default:
            Fail("argument of type '{}' is not iterable", TypeName(container));
    }
}

std::optional<Value> Subscript(Budget& budget, const Value& value, const Value& index) {
    RequireDefined(value);
    switch (value.kind()) {
        case Kind::kString:
            if (auto at = Position(index, value.string().length))
                return CharacterAt(budget, value.string(), *at);
            return std::nullopt;
        case Kind::kList:
        case Kind::kTuple:
            if (auto at = Position(index, value.items().size())) return value.items()[*at];
            return std::nullopt;
        case Kind::kRange:
            if (auto at = Position(index, static_cast<size_t>(value.range().length())))
                return Value::Integer(value.range().start +
                                      static_cast<Int>(*at) * value.range().step);
            return std::nullopt;
        case Kind::kDict:
            if (!Hashable(budget, index)) return std::nullopt;
            if (const Value* found = value.dict().dict.Find(budget, index)) return *found;
            return std::nullopt;
        default:
            return std::nullopt;
    }
}

Value Slice(Budget& budget, const Value& value, const Value& start, const Value& stop,
            const Value& step) {
    RequireDefined(value);
    if (value.Is(Kind::kDict)) Fail("unhashable type: 'slice'");
    if (!value.IsString() && !value.IsSequence() && !value.Is(Kind::kRange))
        Fail("'{}' object is not subscriptable", TypeName(value));
    auto length = static_cast<size_t>(RequireLength(value));
    Bounds bounds = SliceBounds(start, stop, step, length);
    if (value.IsString()) return SliceString(budget, value.string(), bounds);
    if (value.Is(Kind::kRange)) {
        const RangeObject& range = value.range();
        auto at = [&](int64_t index) { return range.start + index * range.step; };
        return Value(Kind::kRange, new RangeObject(&budget, at(bounds.start), at(bounds.stop),
                                                   range.step * bounds.step));
    }
    budget.RequireRoom(length, sizeof(Value));
    std::vector<Value> items;
    EachIndex(bounds, [&](size_t at) { items.push_back(value.items()[at]); });
    return value.Is(Kind::kList) ? MakeList(budget, std::move(items))
                                 : MakeTuple(budget, std::move(items));
}

}  // namespace lathe::chat
