#include "compute/chat/interpreter.h"

#include "compute/chat/filters.h"
#include "compute/chat/is_tests.h"
#include "compute/chat/iterators.h"
#include "compute/chat/loops.h"
#include "compute/chat/print.h"
#include "compute/chat/unicode.h"

namespace lathe::chat {

Interpreter::Nest::Nest(Interpreter& interpreter) : interpreter_(interpreter) {
    if (++interpreter_.depth_ > interpreter_.program_.limits.depth_max * 10) {
        --interpreter_.depth_;
        Fail("the evaluation nests too deep");
    }
}

Interpreter::Interpreter(const ChatTemplate::Program& program, const RenderInput& input)
    : program_(program), budget_(program.limits), now_(input.now) {
    AddGlobals(budget_, input_);
    input_["bos_token"] = MakeString(budget_, ValidUtf8(input.bos_token));
    input_["eos_token"] = MakeString(budget_, ValidUtf8(input.eos_token));
    input_["documents"] = Value::None();
    if (input.extra.is_object())
        for (const auto& [name, value] : input.extra.items())
            input_[ValidUtf8(name)] = FromJson(budget_, value);
    input_["messages"] = FromJson(budget_, input.messages);
    input_["tools"] = FromJson(budget_, input.tools);
    input_["add_generation_prompt"] = Value::Bool(input.add_generation_prompt);
}

Interpreter::Interpreter(const ChatTemplate::Program& program, const Json& names)
    : program_(program), budget_(program.limits), now_(std::chrono::system_clock::now()) {
    AddGlobals(budget_, input_);
    if (names.is_object())
        for (const auto& [name, value] : names.items())
            input_[ValidUtf8(name)] = FromJson(budget_, value);
}

Interpreter::~Interpreter() {
    for (Ref<Activation>& activation : captured_) activation->variables.clear();
    for (Ref<NamespaceObject>& space : namespaces_) space->attributes = Dict();
}

std::string Interpreter::Run() {
    TextBuilder output(budget_);
    out_ = output_ = &output;
    activation_ =
        Ref<Activation>(new Activation(&budget_, Ref<Activation>(), program_.root.variable_count));
    Enter(program_.root.scope);
    Execute(program_.root.body);
    return output.Release();
}

void Interpreter::Emit(std::string_view text) {
    size_t limit = program_.limits.output_bytes_max;
    if (out_ == output_ && text.size() > limit - out_->text().size())
        Fail("the rendered text is longer than {} bytes", limit);
    out_->Append(text);
}

Ref<IteratorObject> Interpreter::Iterate(const Value& value) {
    return MakeIterator(budget_, value);
}

Value Interpreter::NewNamespace() {
    namespaces_.emplace_back(new NamespaceObject(&budget_));
    return Value(Kind::kNamespace, namespaces_.back().get());
}

Value& Interpreter::Variable(Slot slot) {
    Activation* activation = activation_.get();
    for (uint32_t i = 0; i < slot.hops; ++i) activation = activation->outer.get();
    return activation->variables[slot.index];
}

void Interpreter::Enter(const Scope& scope) {
    budget_.Step(scope.loads.size());
    for (const Load& load : scope.loads) {
        Value start;
        if (load.from == Load::From::kOuter) {
            start = Variable(load.outer);
        } else if (load.from == Load::From::kInput) {
            if (auto found = input_.find(load.name); found != input_.end()) start = found->second;
        }
        activation_->variables[load.index] = std::move(start);
    }
}

void Interpreter::Leave(const Scope& scope) {
    for (uint32_t index : scope.leaving) activation_->variables[index] = Value();
}

void Interpreter::Assign(const Expr& target, Value value) {
    if (target.kind == ExprKind::kName) {
        Variable(static_cast<const NameExpr&>(target).slot) = std::move(value);
    } else if (target.kind == ExprKind::kNamespaceRef) {
        const auto& reference = static_cast<const NamespaceRefExpr&>(target);
        const Value& space = Variable(reference.slot);
        if (!space.Is(Kind::kNamespace)) Fail("cannot assign attribute on non-namespace object");
        space.name_space().Set(reference.attribute, std::move(value));
    } else {
        AssignTuple(static_cast<const ItemsExpr&>(target), value);
    }
}

void Interpreter::AssignTuple(const ItemsExpr& target, const Value& value) {
    if (!IsIterable(value)) Fail("cannot unpack non-iterable {} object", TypeName(value));
    const size_t wanted = target.items.size();
    std::vector<Value> items;
    Ref<IteratorObject> iterator = Iterate(value);
    Value item;
    while (items.size() < wanted && iterator->Next(*this, item)) items.push_back(std::move(item));
    if (items.size() < wanted)
        Fail("not enough values to unpack (expected {}, got {})", wanted, items.size());
    if (iterator->Next(*this, item)) Fail("too many values to unpack (expected {})", wanted);
    for (size_t i = 0; i < wanted; ++i) Assign(*target.items[i], std::move(items[i]));
}

Interpreter::Flow Interpreter::Execute(const Body& body) {
    for (const auto& statement : body) {
        budget_.Step();
        Flow flow = ExecuteOne(*statement);
        if (flow != Flow::kNext) return flow;
    }
    return Flow::kNext;
}

Interpreter::Flow Interpreter::ExecuteOne(const Stmt& statement) {
    if (statement.kind == StmtKind::kText) {
        Emit(static_cast<const TextStmt&>(statement).text);
        return Flow::kNext;
    }
    Nest nest(*this);
    line_ = statement.line;
    switch (statement.kind) {
        case StmtKind::kText:
            break;
        case StmtKind::kPrint:
            Print(static_cast<const PrintStmt&>(statement));
            break;
        case StmtKind::kIf:
            return If(static_cast<const IfStmt&>(statement));
        case StmtKind::kFor:
            return For(static_cast<const ForStmt&>(statement));
        case StmtKind::kSet: {
            const auto& set = static_cast<const SetStmt&>(statement);
            Assign(*set.target, Evaluate(*set.value));
            break;
        }
        case StmtKind::kSetBlock:
            return SetBlock(static_cast<const SetBlockStmt&>(statement));
        case StmtKind::kMacro: {
            const auto& macro = static_cast<const MacroStmt&>(statement);
            Variable(macro.slot) = MakeMacro(macro.function);
            break;
        }
        case StmtKind::kCallBlock:
            CallBlock(static_cast<const CallBlockStmt&>(statement));
            break;
        case StmtKind::kFilterBlock:
            return FilterBlock(static_cast<const FilterBlockStmt&>(statement));
        case StmtKind::kWith:
            return With(static_cast<const WithStmt&>(statement));
        case StmtKind::kBreak:
            return Flow::kBreak;
        case StmtKind::kContinue:
            return Flow::kContinue;
    }
    return Flow::kNext;
}

void Interpreter::Print(const PrintStmt& print) {
    for (const ExprPtr& expr : print.values) {
        Value value = Evaluate(*expr);
        if (value.IsString())
            Emit(value.text());
        else if (!value.IsUndefined())
            Emit(Str(budget_, value));
    }
}

Interpreter::Flow Interpreter::If(const IfStmt& choice) {
    for (const IfStmt::Branch& branch : choice.branches) {
        bool taken = Truth(Evaluate(*branch.condition));
        if (taken) return Execute(branch.body);
    }
    return Execute(choice.otherwise);
}

// Gives the items of a loop for which its `if` holds.
struct Interpreter::ConditionIterator : IteratorObject {
    ConditionIterator(Budget* owner, const ForStmt& for_loop, Ref<IteratorObject> walked,
                      Ref<Activation> own)
        : IteratorObject(owner, sizeof(ConditionIterator)),
          loop(for_loop),
          source(std::move(walked)),
          activation(std::move(own)) {}

    bool Next(Interpreter& interpreter, Value& out) override {
        Ref<Activation> caller = std::exchange(interpreter.activation_, activation);
        bool found = false;
        while (!found && source->Next(interpreter, out)) {
            interpreter.Assign(*loop.condition_target, out);
            found = Truth(interpreter.Evaluate(*loop.condition));
        }
        interpreter.activation_ = std::move(caller);
        return found;
    }

    const ForStmt& loop;
    const Ref<IteratorObject> source;
    const Ref<Activation> activation;
};

Interpreter::Flow Interpreter::For(const ForStmt& loop) {
    Value iterable = Evaluate(*loop.iterable);
    if (!loop.recursive) return LoopBody(loop, iterable, 0);
    Emit(RunLoop(loop, iterable, CaptureActivation(), 0));
    return Flow::kNext;
}

Interpreter::Flow Interpreter::LoopBody(const ForStmt& loop, const Value& iterable, size_t depth) {
    line_ = loop.line;
    Ref<IteratorObject> iterator = Iterate(iterable);
    Value walked = iterable;
    if (loop.condition) {
        Enter(loop.condition_scope);
        iterator = Ref<IteratorObject>(
            new ConditionIterator(&budget_, loop, std::move(iterator), activation_));
        walked = Value(Kind::kIterator, iterator.get());
    }
    Ref<Activation> outer = loop.recursive ? activation_->outer : Ref<Activation>();
    Ref<LoopObject> state(new LoopObject(&budget_, loop, std::move(walked), std::move(iterator),
                                         std::move(outer), depth));
    struct Finisher {
        LoopObject& state;
        ~Finisher() { state.Finish(); }
    } finisher{*state};
    const Value loop_value(Kind::kHost, state.get());
    // As in jinja2, `else` also runs if no iteration came to the end of the body.
    bool completed = false;
    Value item;
    while (state->Advance(*this, item)) {
        Enter(loop.scope);
        activation_->variables[loop.loop_index] = loop_value;
        Assign(*loop.target, std::move(item));
        Flow flow = Execute(loop.body);
        if (flow == Flow::kBreak) break;
        if (flow == Flow::kNext) completed = true;
    }
    Leave(loop.scope);
    if (completed || loop.otherwise.empty()) return Flow::kNext;
    Enter(loop.otherwise_scope);
    Flow flow = Execute(loop.otherwise);
    Leave(loop.otherwise_scope);
    return flow;
}

Interpreter::Flow Interpreter::CapturedBody(const Body& body, const Scope& scope,
                                            std::string& text) {
    Enter(scope);
    Capture capture(*this);
    Flow flow = Execute(body);
    text = capture.Release();
    return flow;
}

Interpreter::Flow Interpreter::SetBlock(const SetBlockStmt& block) {
    std::string text;
    Flow flow = CapturedBody(block.body, block.scope, text);
    if (flow != Flow::kNext) return flow;
    Value value = MakeString(budget_, std::move(text));
    if (block.filter) value = EvaluateFilter(static_cast<const FilterExpr&>(*block.filter), &value);
    Assign(*block.target, std::move(value));
    Leave(block.scope);
    return flow;
}

Interpreter::Flow Interpreter::FilterBlock(const FilterBlockStmt& block) {
    std::string text;
    Flow flow = CapturedBody(block.body, block.scope, text);
    if (flow != Flow::kNext) return flow;
    Value value = MakeString(budget_, std::move(text));
    value = EvaluateFilter(static_cast<const FilterExpr&>(*block.filter), &value);
    if (!value.IsString())
        Fail("sequence item 0: expected str instance, {} found", TypeName(value));
    Emit(value.text());
    Leave(block.scope);
    return flow;
}

Interpreter::Flow Interpreter::With(const WithStmt& block) {
    Enter(block.scope);
    for (const auto& [target, value] : block.assignments) Assign(*target, Evaluate(*value));
    Flow flow = Execute(block.body);
    Leave(block.scope);
    return flow;
}

}  // namespace lathe::chat
