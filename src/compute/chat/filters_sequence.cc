// Filters that order, cut and join sequences.
#include <algorithm>

#include "compute/chat/dict.h"
#include "compute/chat/filter_tables.h"
#include "compute/chat/interpreter.h"
#include "compute/chat/iterators.h"
#include "compute/chat/merge_sort.h"
#include "compute/chat/numbers.h"
#include "compute/chat/operators.h"
#include "compute/chat/text.h"
#include "compute/chat/unicode.h"

namespace lathe::chat {
namespace {

struct Keyed {
    Value key;
    Value item;
};

// Stable; the other way round, equal items still keep their order.
void SortKeyed(Budget& budget, std::vector<Keyed>& items, bool reverse) {
    MergeSort(items, [&](const Keyed& a, const Keyed& b) {
        budget.Step();
        return reverse ? Less(budget, b.key, a.key) : Less(budget, a.key, b.key);
    });
}

// What items are compared by: themselves, or what a path leads to; without case.
class KeyMaker {
public:
    KeyMaker(Interpreter& interpreter, const Value& path, const Value& otherwise,
             bool case_sensitive)
        : interpreter_(interpreter),
          path_(path.IsNone() ? Value() : path),
          otherwise_(otherwise),
          case_sensitive_(case_sensitive) {}

    Value Raw(const Value& item) const {
        return path_.IsMissing() ? item : FollowPath(interpreter_, item, path_, otherwise_);
    }
    Value operator()(const Value& item) const {
        Value key = Raw(item);
        return case_sensitive_ ? key : IgnoreCase(interpreter_.budget(), key);
    }

private:
    Interpreter& interpreter_;
    const Value path_, otherwise_;
    const bool case_sensitive_;
};

Value Sort(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("sort", arguments, {"value", "reverse", "case_sensitive", "attribute"}, 1);
    Budget& budget = interpreter.budget();
    std::vector<KeyMaker> makers;
    bool case_sensitive = bound.TruthOr(2, false);
    if (bound.Given(3) && bound[3].IsString()) {
        for (std::string_view path : Split(budget, bound[3].text(), ",", -1))
            makers.emplace_back(interpreter, MakeString(budget, std::string(path)), Value(),
                                case_sensitive);
    } else {
        makers.emplace_back(interpreter, bound[3], Value(), case_sensitive);
    }
    std::vector<Keyed> keyed;
    for (Value& item : Collect(interpreter, bound[0])) {
        std::vector<Value> keys;
        for (const KeyMaker& maker : makers) keys.push_back(maker(item));
        keyed.push_back({MakeList(budget, std::move(keys)), std::move(item)});
    }
    SortKeyed(budget, keyed, bound.TruthOr(1, false));
    ListBuilder sorted(budget);
    for (Keyed& entry : keyed) sorted.Append(std::move(entry.item));
    return sorted.List();
}

Value DictSort(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("dictsort", arguments, {"value", "case_sensitive", "by", "reverse"}, 1);
    Budget& budget = interpreter.budget();
    RequireDefined(bound[0]);
    if (!bound[0].Is(Kind::kDict)) Fail("'{}' object has no attribute 'items'", TypeName(bound[0]));
    std::string by = bound.Has(2) ? bound.Text(2) : "key";
    if (by != "key" && by != "value") Fail("You can only sort by either \"key\" or \"value\"");
    const bool case_sensitive = bound.TruthOr(1, false);
    std::vector<Keyed> keyed;
    for (const Dict::Entry& entry : bound[0].dict().dict.entries()) {
        const Value& key = by == "key" ? entry.key : entry.value;
        keyed.push_back({case_sensitive ? key : IgnoreCase(budget, key),
                         MakeTuple(budget, {entry.key, entry.value})});
    }
    SortKeyed(budget, keyed, bound.TruthOr(3, false));
    ListBuilder sorted(budget);
    for (Keyed& entry : keyed) sorted.Append(std::move(entry.item));
    return sorted.List();
}

Value GroupBy(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("groupby", arguments, {"value", "attribute", "default", "case_sensitive"}, 2);
    Budget& budget = interpreter.budget();
    KeyMaker maker(interpreter, bound[1], bound[2], bound.TruthOr(3, false));
    std::vector<Keyed> keyed;
    for (Value& item : Collect(interpreter, bound[0]))
        keyed.push_back({maker(item), std::move(item)});
    SortKeyed(budget, keyed, false);
    ListBuilder groups(budget);
    for (size_t i = 0; i < keyed.size();) {
        const size_t start = i;
        ListBuilder members(budget);
        for (; i < keyed.size() && Equals(budget, keyed[i].key, keyed[start].key); ++i)
            members.Append(keyed[i].item);
        // A key that does not even equal itself (NaN) is a group of its own.
        if (i == start) members.Append(keyed[i++].item);
        std::vector<Value> group = {maker.Raw(keyed[start].item), members.List()};
        groups.Append(Value(Kind::kTuple, new GroupObject(&budget, std::move(group))));
    }
    return groups.List();
}

template <bool kLargest>
Value Extreme(Interpreter& interpreter, Arguments& arguments) {
    Bound bound(kLargest ? "max" : "min", arguments, {"value", "case_sensitive", "attribute"}, 1);
    Budget& budget = interpreter.budget();
    KeyMaker maker(interpreter, bound[2], Value(), bound.TruthOr(1, false));
    Ref<IteratorObject> iterator = interpreter.Iterate(bound[0]);
    Value best, item;
    if (!iterator->Next(interpreter, best))
        return MakeUndefined(budget, "No aggregated item, sequence was empty.");
    Value best_key = maker(best);
    while (iterator->Next(interpreter, item)) {
        Value key = maker(item);
        if (kLargest ? !Less(budget, best_key, key) : !Less(budget, key, best_key)) continue;
        best = std::move(item);
        best_key = std::move(key);
    }
    return best;
}

Value Sum(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("sum", arguments, {"iterable", "attribute", "start"}, 1);
    Value total = bound.Has(2) ? bound[2] : Value::Integer(0);
    if (total.IsString()) Fail("sum() can't sum strings [use ''.join(seq) instead]");
    Ref<IteratorObject> iterator = interpreter.Iterate(bound[0]);
    Value item;
    while (iterator->Next(interpreter, item)) {
        if (bound.Given(1)) item = FollowPath(interpreter, std::move(item), bound[1], Value());
        total = Calculate(interpreter, Arithmetic::kAdd, total, item);
    }
    return total;
}

Value First(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("first", arguments, {"seq"}, 1);
    Value item;
    if (interpreter.Iterate(bound[0])->Next(interpreter, item)) return item;
    return MakeUndefined(interpreter.budget(), "No first item, sequence was empty.");
}

Value Last(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("last", arguments, {"seq"}, 1);
    Budget& budget = interpreter.budget();
    if (bound[0].IsString()) {
        auto last = Subscript(budget, bound[0], Value::Integer(-1));
        if (last) return *last;
    } else if (!bound[0].IsUndefined()) {
        Value reversed = MakeReversed(interpreter, bound[0]);
        Value item;
        if (reversed.iterator().Next(interpreter, item)) return item;
    }
    return MakeUndefined(budget, "No last item, sequence was empty.");
}

Value ToList(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("list", arguments, {"value"}, 1);
    return MakeList(interpreter.budget(), Collect(interpreter, bound[0]));
}

Value Reverse(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("reverse", arguments, {"value"}, 1);
    Budget& budget = interpreter.budget();
    const Value& value = bound[0];
    if (value.IsString()) return Slice(budget, value, Value(), Value(), Value::Integer(-1));
    if (value.IsUndefined()) return MakeReversed(interpreter, MakeTuple(budget, {}));
    if (!value.Is(Kind::kIterator)) return MakeReversed(interpreter, value);
    std::vector<Value> items = Collect(interpreter, value);
    std::ranges::reverse(items);
    return MakeList(budget, std::move(items));
}

// Over a list that is made; what has no items fails when the first is asked for.
Value GeneratorOf(Interpreter& interpreter, const Value& list) {
    return MakeGenerator(interpreter.budget(), MakeLateIterator(interpreter.budget(), list),
                         [](Interpreter& inner, IteratorObject& source, Value& out) {
                             return source.Next(inner, out);
                         });
}

Value Batch(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("batch", arguments, {"value", "linecount", "fill_with"}, 2);
    if (!IsIterable(bound[0])) return GeneratorOf(interpreter, bound[0]);
    Budget& budget = interpreter.budget();
    Int count = RequireIndex(bound[1]);
    ListBuilder batches(budget);
    ListBuilder batch(budget);
    for (Value& item : Collect(interpreter, bound[0])) {
        if (static_cast<Int>(batch.size()) == count) {
            batches.Append(batch.List());
        }
        batch.Append(std::move(item));
    }
    if (batch.size() > 0) {
        while (bound.Given(2) && static_cast<Int>(batch.size()) < count) batch.Append(bound[2]);
        batches.Append(batch.List());
    }
    return GeneratorOf(interpreter, batches.List());
}

Value SliceInto(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("slice", arguments, {"value", "slices", "fill_with"}, 2);
    if (!IsIterable(bound[0])) return GeneratorOf(interpreter, bound[0]);
    Budget& budget = interpreter.budget();
    std::vector<Value> items = Collect(interpreter, bound[0]);
    Int slices = RequireIndex(bound[1]);
    auto length = static_cast<Int>(items.size());
    Int per_slice = FloorDivide(length, slices), extra = Modulo(length, slices);
    ListBuilder result(budget);
    Int at = 0;
    for (Int slice = 0; slice < slices; ++slice) {
        Int end = at + per_slice + (slice < extra ? 1 : 0);
        ListBuilder part(budget);
        for (; at < end; ++at) part.Append(items[static_cast<size_t>(at)]);
        if (bound.Given(2) && slice >= extra) part.Append(bound[2]);
        budget.Step();
        result.Append(part.List());
    }
    return GeneratorOf(interpreter, result.List());
}

constexpr Filter kFilters[] = {
    {"batch", Batch},     {"dictsort", DictSort}, {"first", First},       {"groupby", GroupBy},
    {"last", Last},       {"list", ToList},       {"max", Extreme<true>}, {"min", Extreme<false>},
    {"reverse", Reverse}, {"slice", SliceInto},   {"sort", Sort},         {"sum", Sum},
};

}  // namespace

std::span<const Filter> SequenceFilters() {
    return kFilters;
}

}  // namespace lathe::chat
