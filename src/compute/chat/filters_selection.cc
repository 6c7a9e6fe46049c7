// Filters that give generators: each item is looked at when it is asked for.
#include "compute/chat/dict.h"
#include "compute/chat/filter_tables.h"
#include "compute/chat/interpreter.h"
#include "compute/chat/iterators.h"
#include "compute/chat/operators.h"

namespace lathe::chat {
namespace {

// The iterator of a filter's value; what is false has no items, even without being
// iterable.
Ref<IteratorObject> ItemsOf(Interpreter& interpreter, const Value& value) {
    if (Truth(value)) return MakeLateIterator(interpreter.budget(), value);
    return interpreter.Iterate(MakeTuple(interpreter.budget(), {}));
}

// How deep the arguments that a generator keeps may nest counts like its source.
uint32_t HeightOf(const Arguments& arguments) {
    uint32_t height = 0;
    for (const Value& value : arguments.positional) height = std::max(height, value.height());
    for (const auto& [name, value] : arguments.named) height = std::max(height, value.height());
    return height;
}

Value Generate(Interpreter& interpreter, const Value& source, const Arguments& kept,
               NextValue next) {
    Value generator =
        MakeGenerator(interpreter.budget(), ItemsOf(interpreter, source), std::move(next));
    generator.object()->height = std::max(generator.object()->height, HeightAbove(HeightOf(kept)));
    return generator;
}

Value Map(Interpreter& interpreter, Arguments& arguments) {
    Value source = arguments.positional[0];
    arguments.positional.erase(arguments.positional.begin());
    if (arguments.positional.empty() && arguments.Named("attribute")) {
        Value path = arguments.TakeNamed("attribute");
        Value otherwise = arguments.TakeNamed("default");
        if (!arguments.named.empty())
            Fail("Unexpected keyword argument '{}'", arguments.named[0].first);
        arguments.positional = {path, otherwise};
        return Generate(interpreter, source, arguments,
                        [path, otherwise](Interpreter& inner, IteratorObject& items, Value& out) {
                            if (!items.Next(inner, out)) return false;
                            if (!path.IsNone())
                                out = FollowPath(inner, std::move(out), path, otherwise);
                            return true;
                        });
    }
    if (arguments.positional.empty()) Fail("map requires a filter argument");
    return Generate(interpreter, source, arguments,
                    [kept = arguments](Interpreter& inner, IteratorObject& items, Value& out) {
                        if (!items.Next(inner, out)) return false;
                        Arguments call = kept;
                        Value filter = std::exchange(call.positional[0], std::move(out));
                        out = inner.ApplyFilter(filter, call);
                        return true;
                    });
}

enum class Wanted : uint8_t { kHolding, kFailing };
enum class Looked : uint8_t { kItem, kAttribute };

// select, reject, selectattr, rejectattr: by a test, or by being true.
template <Wanted kWanted, Looked kLooked>
Value Select(Interpreter& interpreter, Arguments& arguments) {
    Value source = arguments.positional[0];
    arguments.positional.erase(arguments.positional.begin());
    Value path;
    if (kLooked == Looked::kAttribute) {
        if (arguments.positional.empty()) Fail("Missing parameter for attribute name");
        path = arguments.positional[0];
        arguments.positional.erase(arguments.positional.begin());
    }
    auto next = [path, kept = arguments](Interpreter& inner, IteratorObject& items, Value& out) {
        while (items.Next(inner, out)) {
            inner.budget().Step();
            Value looked = out;
            if (kLooked == Looked::kAttribute && !path.IsNone())
                looked = FollowPath(inner, out, path, Value());
            bool holds = false;
            if (kept.positional.empty()) {
                holds = Truth(looked);
            } else {
                Arguments call = kept;
                Value test = std::exchange(call.positional[0], std::move(looked));
                holds = inner.Holds(test, call);
            }
            if (holds == (kWanted == Wanted::kHolding)) return true;
        }
        return false;
    };
    return Generate(interpreter, source, arguments, std::move(next));
}

Value Unique(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("unique", arguments, {"value", "case_sensitive", "attribute"}, 1);
    struct State {
        Dict seen;
    };
    auto state = std::make_shared<State>();
    bool case_sensitive = bound.TruthOr(1, false);
    Value path = bound.Given(2) ? bound[2] : Value();
    auto next = [=](Interpreter& inner, IteratorObject& items, Value& out) {
        while (items.Next(inner, out)) {
            Value key = path.IsMissing() ? out : FollowPath(inner, out, path, Value());
            if (!case_sensitive) key = IgnoreCase(inner.budget(), key);
            if (state->seen.Find(inner.budget(), key)) continue;
            state->seen.Set(inner.budget(), std::move(key), Value::None());
            return true;
        }
        return false;
    };
    Budget& budget = interpreter.budget();
    return MakeGenerator(budget, MakeLateIterator(budget, bound[0]), std::move(next));
}

Value Items(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("items", arguments, {"value"}, 1);
    Budget& budget = interpreter.budget();
    Value source = MakeTuple(budget, {});
    if (bound[0].Is(Kind::kDict)) source = MakeView(budget, bound[0], ViewObject::Part::kItems);
    bool fails = !bound[0].Is(Kind::kDict) && !bound[0].IsUndefined();
    return MakeGenerator(budget, interpreter.Iterate(source),
                         [fails](Interpreter& inner, IteratorObject& items, Value& out) {
                             if (fails) Fail("Can only get item pairs from a mapping.");
                             return items.Next(inner, out);
                         });
}

constexpr Filter kFilters[] = {
    {"items", Items},
    {"map", Map},
    {"reject", Select<Wanted::kFailing, Looked::kItem>},
    {"rejectattr", Select<Wanted::kFailing, Looked::kAttribute>},
    {"select", Select<Wanted::kHolding, Looked::kItem>},
    {"selectattr", Select<Wanted::kHolding, Looked::kAttribute>},
    {"unique", Unique},
};

}  // namespace

std::span<const Filter> SelectionFilters() {
    return kFilters;
}

}  // namespace lathe::chat
