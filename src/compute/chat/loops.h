#pragma once

#include "compute/chat/ast.h"
#include "compute/chat/interpreter.h"
#include "compute/chat/value.h"

namespace lathe::chat {

// The `loop` variable: where a for loop stands, looking one item ahead if it is asked.
// Lives as long as its loop; what outlives it keeps the counters only.
struct LoopObject : HostObject {
    LoopObject(Budget* owner, const ForStmt& for_loop, Value walked, Ref<IteratorObject> walker,
               Ref<Activation> around, size_t loop_depth);

    // Moves to the next item; false at the end.
    bool Advance(Interpreter& interpreter, Value& item);
    void Finish();

    std::string_view type_name() const override { return "LoopContext"; }
    std::string Print() const override;
    Value Call(Interpreter& interpreter, Arguments& arguments) override;
    Value Attribute(Interpreter& interpreter, std::string_view name) override;

private:
    Int Length(Interpreter& interpreter);
    // Missing at the end.
    const Value& PeekNext(Interpreter& interpreter);
    Value Cycle(Arguments& arguments) const;
    Value Changed(Interpreter& interpreter, Arguments& arguments);

    const ForStmt& loop_;
    Value iterable_;
    Ref<IteratorObject> iterator_;
    Ref<Activation> outer_;  // of a recursive loop
    const size_t depth_;
    Int index0_ = -1;
    Int length_ = -1;  // not known yet
    Value before_, current_, after_;
    Value last_changed_;
};

}  // namespace lathe::chat
