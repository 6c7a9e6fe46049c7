#include "compute/chat/loops.h"

#include "compute/chat/functions.h"
#include "compute/chat/iterators.h"
#include "compute/chat/numbers.h"
#include "compute/chat/operators.h"

namespace lathe::chat {

LoopObject::LoopObject(Budget* owner, const ForStmt& for_loop, Value walked,
                       Ref<IteratorObject> walker, Ref<Activation> around, size_t loop_depth)
    : HostObject(owner, sizeof(LoopObject)),
      loop_(for_loop),
      iterable_(std::move(walked)),
      iterator_(std::move(walker)),
      outer_(std::move(around)),
      depth_(loop_depth) {}

bool LoopObject::Advance(Interpreter& interpreter, Value& item) {
    if (!after_.IsMissing())
        item = std::exchange(after_, Value());
    else if (!iterator_->Next(interpreter, item))
        return false;
    ++index0_;
    before_ = std::exchange(current_, item);
    return true;
}

// Loops may be stored in values that other loops walk: what is over holds nothing, so
// that no chain of them can grow.
void LoopObject::Finish() {
    iterable_ = before_ = current_ = after_ = last_changed_ = Value();
    iterator_ = Ref<IteratorObject>();
}

const Value& LoopObject::PeekNext(Interpreter& interpreter) {
    if (after_.IsMissing() && iterator_) {
        Value item;
        if (iterator_->Next(interpreter, item)) after_ = std::move(item);
    }
    return after_;
}

Int LoopObject::Length(Interpreter& interpreter) {
    if (length_ >= 0) return length_;
    if (auto length = LengthOf(iterable_)) return length_ = *length;
    if (!iterator_) return length_ = index0_ + 1;
    Budget& budget = interpreter.budget();
    std::vector<Value> rest = Collect(interpreter, Value(Kind::kIterator, iterator_.get()));
    Int ahead = static_cast<Int>(rest.size()) + (after_.IsMissing() ? 0 : 1);
    iterator_ = MakeIterator(budget, MakeList(budget, std::move(rest)));
    return length_ = ahead + index0_ + 1;
}

std::string LoopObject::Print() const {
    Int length = length_ >= 0 ? length_ : LengthOf(iterable_).value_or(index0_ + 1);
    return "<LoopContext " + IntText(index0_ + 1) + "/" + IntText(length) + ">";
}

Value LoopObject::Call(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("loop", arguments, {"iterable"}, 1);
    if (!loop_.recursive)
        Fail("The loop must have the 'recursive' marker to be called recursively.");
    return MakeString(interpreter.budget(),
                      interpreter.RunLoop(loop_, bound[0], outer_, depth_ + 1));
}

Value LoopObject::Cycle(Arguments& arguments) const {
    if (arguments.positional.empty()) Fail("no items for cycling given");
    auto count = static_cast<Int>(arguments.positional.size());
    return arguments.positional[static_cast<size_t>(Modulo(index0_, count))];
}

Value LoopObject::Changed(Interpreter& interpreter, Arguments& arguments) {
    Value now = MakeTuple(interpreter.budget(), std::move(arguments.positional));
    if (!last_changed_.IsMissing() && Equals(interpreter.budget(), last_changed_, now))
        return Value::Bool(false);
    last_changed_ = std::move(now);
    return Value::Bool(true);
}

Value LoopObject::Attribute(Interpreter& interpreter, std::string_view name) {
    Budget& owner = interpreter.budget();
    if (name == "index") return Value::Integer(index0_ + 1);
    if (name == "index0") return Value::Integer(index0_);
    if (name == "first") return Value::Bool(index0_ == 0);
    if (name == "last") return Value::Bool(PeekNext(interpreter).IsMissing());
    if (name == "length") return Value::Integer(Length(interpreter));
    if (name == "revindex") return Value::Integer(Length(interpreter) - index0_);
    if (name == "revindex0") return Value::Integer(Length(interpreter) - index0_ - 1);
    if (name == "depth") return Value::Integer(static_cast<Int>(depth_) + 1);
    if (name == "depth0") return Value::Integer(static_cast<Int>(depth_));
    if (name == "previtem")
        return index0_ == 0 || before_.IsMissing()
                   ? MakeUndefined(owner, "there is no previous item")
                   : before_;
    if (name == "nextitem") {
        const Value& next = PeekNext(interpreter);
        return next.IsMissing() ? MakeUndefined(owner, "there is no next item") : next;
    }
    Ref<LoopObject> self(this);
    if (name == "cycle")
        return MakeFunction(owner, "cycle", [self](Interpreter&, Arguments& arguments) {
            return self->Cycle(arguments);
        });
    if (name == "changed")
        return MakeFunction(owner, "changed", [self](Interpreter& inner, Arguments& arguments) {
            return self->Changed(inner, arguments);
        });
    return Value();
}

}  // namespace lathe::chat
