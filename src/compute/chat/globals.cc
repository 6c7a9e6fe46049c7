// The functions that every template may call.
#include <ctime>

#include "compute/chat/functions.h"
#include "compute/chat/interpreter.h"
#include "compute/chat/iterators.h"
#include "compute/chat/numbers.h"
#include "compute/chat/operators.h"
#include "compute/chat/print.h"
#include "compute/chat/unicode.h"

namespace lathe::chat {
namespace {

constexpr Int kRangeMax = 100'000;

struct NativeFunction : HostObject {
    NativeFunction(Budget* owner, std::string_view function_name, NativeCall function)
        : HostObject(owner, sizeof(NativeFunction)),
          name(function_name),
          call(std::move(function)) {}
    std::string_view type_name() const override { return "function"; }
    std::string Print() const override { return fmt::format("<function {}>", name); }
    Value Call(Interpreter& interpreter, Arguments& arguments) override {
        return call(interpreter, arguments);
    }

    const std::string_view name;
    const NativeCall call;
};

Value Range(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("range", arguments, {"start", "stop", "step"}, 1, Bound::By::kPosition);
    Int bounds[3] = {0, 0, 1};
    for (size_t i = 0; i < 3; ++i) {
        if (!bound.Has(i)) continue;
        RequireDefined(bound[i]);
        bounds[i] = Clamp64(RequireIndex(bound[i]));
    }
    if (!bound.Has(1)) std::swap(bounds[0], bounds[1]);
    if (bounds[2] == 0) Fail("range() arg 3 must not be zero");
    Ref<RangeObject> range(new RangeObject(&interpreter.budget(), bounds[0], bounds[1], bounds[2]));
    if (range->length() > kRangeMax)
        Fail("Range too big. The sandbox blocks ranges larger than {}.", IntText(kRangeMax));
    return Value(Kind::kRange, range.get());
}

// The entries that dict(...) and namespace(...) are made of.
Dict EntriesOf(Interpreter& interpreter, std::string_view function, Arguments& arguments) {
    Budget& budget = interpreter.budget();
    Dict dict;
    if (arguments.positional.size() > 1)
        Fail("{} expected at most 1 argument, got {}", function, arguments.positional.size());
    if (arguments.positional.size() == 1) {
        const Value& source = arguments.positional[0];
        RequireDefined(source);
        if (source.Is(Kind::kDict)) {
            for (const Dict::Entry& entry : source.dict().dict.entries())
                dict.Set(budget, entry.key, entry.value);
        } else {
            Ref<IteratorObject> iterator = interpreter.Iterate(source);
            Value pair;
            while (iterator->Next(interpreter, pair)) {
                std::vector<Value> items = Collect(interpreter, pair);
                if (items.size() != 2)
                    Fail("dictionary update sequence element has length {}; 2 is required",
                         items.size());
                dict.Set(budget, std::move(items[0]), std::move(items[1]));
            }
        }
    }
    for (auto& [name, value] : arguments.named)
        dict.Set(budget, MakeString(budget, name), std::move(value));
    return dict;
}

Value NewDict(Interpreter& interpreter, Arguments& arguments) {
    return MakeDict(interpreter.budget(), EntriesOf(interpreter, "dict", arguments));
}

Value NewNamespace(Interpreter& interpreter, Arguments& arguments) {
    Dict dict = EntriesOf(interpreter, "namespace", arguments);
    Value space = interpreter.NewNamespace();
    for (const Dict::Entry& entry : dict.entries()) space.name_space().Set(entry.key, entry.value);
    return space;
}

struct Cycler : HostObject {
    Cycler(Budget* owner, Value values)
        : HostObject(owner, sizeof(Cycler)), items(std::move(values)) {
        height = HeightAbove(items.height());
    }
    std::string_view type_name() const override { return "Cycler"; }
    std::string Print() const override { return "<Cycler>"; }
    bool callable() const override { return false; }
    Value Call(Interpreter&, Arguments&) override { Fail("'Cycler' object is not callable"); }
    Value Attribute(Interpreter& interpreter, std::string_view name) override {
        Ref<Cycler> self(this);
        if (name == "items") return items;
        if (name == "pos") return Value::Integer(static_cast<Int>(position));
        if (name == "current") return items.items()[position];
        if (name == "next")
            return MakeFunction(interpreter.budget(), "next", [self](Interpreter&, Arguments&) {
                Value value = self->items.items()[self->position];
                self->position = (self->position + 1) % self->items.items().size();
                return value;
            });
        if (name == "reset")
            return MakeFunction(interpreter.budget(), "reset", [self](Interpreter&, Arguments&) {
                self->position = 0;
                return Value::None();
            });
        return Value();
    }

    const Value items;
    size_t position = 0;
};

Value NewCycler(Interpreter& interpreter, Arguments& arguments) {
    if (!arguments.named.empty()) Fail("cycler() takes no keyword arguments");
    if (arguments.positional.empty()) Fail("at least one item has to be provided");
    Value items = MakeTuple(interpreter.budget(), std::move(arguments.positional));
    return Value(Kind::kHost, new Cycler(&interpreter.budget(), std::move(items)));
}

Value NewJoiner(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("joiner", arguments, {"sep"}, 0);
    Value separator = bound.Has(0) ? bound[0] : MakeString(interpreter.budget(), ", ");
    if (!separator.IsString()) Fail("joiner() needs a string");
    auto join = [separator, used = false](Interpreter& inner, Arguments&) mutable {
        if (std::exchange(used, true)) return separator;
        return MakeString(inner.budget(), "");
    };
    return MakeFunction(
        interpreter.budget(), "joiner",
        [shared = std::make_shared<decltype(join)>(std::move(join))](
            Interpreter& inner, Arguments& none) { return (*shared)(inner, none); });
}

Value RaiseException(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("raise_exception", arguments, {"message"}, 1);
    Fail("{}", Str(interpreter.budget(), bound[0]));
}

Value StrftimeNow(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("strftime_now", arguments, {"format"}, 1);
    const std::string& format = bound.Text(0);
    const auto now = interpreter.now();
    const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
    std::tm local{};
    ::localtime_r(&seconds, &local);
    auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()) %
                  std::chrono::seconds(1);
    // Python's own: %f; %z and %Z of a time without a zone are empty.
    std::string pattern;
    for (size_t i = 0; i < format.size(); ++i) {
        char next = format[i] == '%' && i + 1 < format.size() ? format[i + 1] : '\0';
        if (next == 'f')
            pattern += fmt::format("{:06}", micros.count());
        else if (next != '\0' && next != 'z' && next != 'Z')
            pattern += {'%', next};
        else if (next == '\0')
            pattern += format[i];
        if (next != '\0') ++i;
    }
    char buffer[4096];
    pattern += '.';  // tells an empty result from one that did not fit
    size_t size = std::strftime(buffer, sizeof buffer, pattern.c_str(), &local);
    if (size == 0) Fail("strftime_now: the format gives too long a text");
    return MakeString(interpreter.budget(), ValidUtf8(std::string_view(buffer, size - 1)));
}

}  // namespace

Value MakeFunction(Budget& budget, std::string_view name, NativeCall call) {
    return Value(Kind::kHost, new NativeFunction(&budget, name, std::move(call)));
}

void AddGlobals(Budget& budget, std::unordered_map<std::string, Value>& names) {
    struct Named {
        std::string_view name;
        Value (*call)(Interpreter&, Arguments&);
    };
    static constexpr Named kGlobals[] = {
        {"range", Range},
        {"dict", NewDict},
        {"namespace", NewNamespace},
        {"cycler", NewCycler},
        {"joiner", NewJoiner},
        {"raise_exception", RaiseException},
        {"strftime_now", StrftimeNow},
    };
    for (const Named& global : kGlobals)
        names[std::string(global.name)] = MakeFunction(budget, global.name, global.call);
}

}  // namespace lathe::chat
