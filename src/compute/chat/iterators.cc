#include "compute/chat/iterators.h"

#include <algorithm>

#include "compute/chat/dict.h"
#include "compute/chat/interpreter.h"
#include "compute/chat/operators.h"
#include "compute/chat/unicode.h"

namespace lathe::chat {
namespace {

// Walks whatever has items at positions.
struct IndexIterator : IteratorObject {
    IndexIterator(Budget* owner, Value walked, std::string_view name)
        : IteratorObject(owner, sizeof(IndexIterator)), source(std::move(walked)), type(name) {
        height = HeightAbove(source.height());
    }
    bool Next(Interpreter& interpreter, Value& out) override {
        interpreter.budget().Step();
        if (at >= static_cast<size_t>(RequireLength(source))) return false;
        out = ItemAt(interpreter.budget(), at++);
        return true;
    }
    std::string_view type_name() const override { return type; }

    Value ItemAt(Budget& owner, size_t index) const {
        switch (source.kind()) {
            case Kind::kDict:
                return source.dict().dict.entries()[index].key;
            case Kind::kView:
                return source.view().Item(owner, index);
            case Kind::kRange:
                return Value::Integer(source.range().start +
                                      static_cast<Int>(index) * source.range().step);
            default:
                return source.items()[index];
        }
    }

    const Value source;
    const std::string_view type;
    size_t at = 0;
};

struct ReverseIterator : IndexIterator {
    using IndexIterator::IndexIterator;
    bool Next(Interpreter& interpreter, Value& out) override {
        interpreter.budget().Step();
        auto length = static_cast<size_t>(RequireLength(source));
        if (at >= length) return false;
        out = ItemAt(interpreter.budget(), length - ++at);
        return true;
    }
};

struct CharacterIterator : IteratorObject {
    CharacterIterator(Budget* owner, Value text)
        : IteratorObject(owner, sizeof(CharacterIterator)), source(std::move(text)) {
        height = 1;
    }
    bool Next(Interpreter& interpreter, Value& out) override {
        const std::string& text = source.text();
        if (at >= text.size()) return false;
        size_t start = at;
        NextCodePoint(text, at);
        out = MakeString(interpreter.budget(), text.substr(start, at - start));
        interpreter.budget().Step();
        return true;
    }
    std::string_view type_name() const override { return "str_iterator"; }

    const Value source;
    size_t at = 0;
};

struct Generator : IteratorObject {
    Generator(Budget* owner, Ref<IteratorObject> walked, NextValue step)
        : IteratorObject(owner, sizeof(Generator)),
          source(std::move(walked)),
          next(std::move(step)) {
        height = HeightAbove(source->height);
    }
    bool Next(Interpreter& interpreter, Value& out) override {
        interpreter.budget().Step();
        if (running) Fail("generator already executing");
        running = true;
        bool more = next(interpreter, *source, out);
        running = false;
        return more;
    }

    const Ref<IteratorObject> source;
    const NextValue next;
    bool running = false;
};

struct NotIterable : IteratorObject {
    NotIterable(Budget* owner, std::string_view name)
        : IteratorObject(owner, sizeof(NotIterable)), type(name) {}
    bool Next(Interpreter&, Value&) override { Fail("'{}' object is not iterable", type); }
    const std::string_view type;
};

std::string_view IteratorName(Kind kind) {
    switch (kind) {
        case Kind::kList:
            return "list_iterator";
        case Kind::kTuple:
            return "tuple_iterator";
        case Kind::kDict:
            return "dict_keyiterator";
        case Kind::kRange:
            return "range_iterator";
        default:
            return "iterator";
    }
}

}  // namespace

bool IsIterable(const Value& value) {
    return LengthOf(value).has_value() || value.Is(Kind::kIterator);
}

Ref<IteratorObject> MakeIterator(Budget& budget, const Value& value) {
    if (value.Is(Kind::kIterator)) return Ref<IteratorObject>(&value.iterator());
    if (value.IsString()) return Ref<IteratorObject>(new CharacterIterator(&budget, value));
    if (value.IsUndefined())
        return Ref<IteratorObject>(new IndexIterator(&budget, MakeTuple(budget, {}), "generator"));
    if (!IsIterable(value)) Fail("'{}' object is not iterable", TypeName(value));
    return Ref<IteratorObject>(new IndexIterator(&budget, value, IteratorName(value.kind())));
}

Ref<IteratorObject> MakeLateIterator(Budget& budget, const Value& value) {
    if (IsIterable(value)) return MakeIterator(budget, value);
    return Ref<IteratorObject>(new NotIterable(&budget, TypeName(value)));
}

std::vector<Value> Collect(Interpreter& interpreter, const Value& value) {
    Budget& budget = interpreter.budget();
    if (value.IsSequence()) {
        budget.RequireRoom(value.items().size(), sizeof(Value));
        return value.items();
    }
    ListBuilder list(budget);
    Ref<IteratorObject> iterator = MakeIterator(budget, value);
    Value item;
    while (iterator->Next(interpreter, item)) list.Append(std::move(item));
    return std::move(list.items());
}

Value MakeGenerator(Budget& budget, Ref<IteratorObject> source, NextValue next) {
    return Value(Kind::kIterator, new Generator(&budget, std::move(source), std::move(next)));
}

Value MakeReversed(Interpreter& interpreter, const Value& value) {
    Budget& budget = interpreter.budget();
    if (value.Is(Kind::kIterator) || value.IsUndefined() || value.IsString())
        Fail("'{}' object is not reversible", TypeName(value));
    if (!IsIterable(value)) Fail("'{}' object is not reversible", TypeName(value));
    std::string_view name = value.Is(Kind::kList) ? "list_reverseiterator" : "reversed";
    return Value(Kind::kIterator, new ReverseIterator(&budget, value, name));
}

}  // namespace lathe::chat
