#pragma once

#include <chrono>
#include <string>
#include <unordered_map>
#include <vector>

#include "compute/chat/arguments.h"
#include "compute/chat/ast.h"
#include "compute/chat/budget.h"
#include "compute/chat/dict.h"
#include "compute/chat/value.h"

namespace lathe::chat {

// The variables of one run of a function. `outer`: of the function around it.
struct Activation : Object {
    Activation(Budget* owner, Ref<Activation> around, uint32_t count)
        : Object(owner, sizeof(Activation) + count * sizeof(Value)),
          outer(std::move(around)),
          variables(count) {}
    const Ref<Activation> outer;
    std::vector<Value> variables;
    bool captured = false;  // a macro holds it: see Interpreter::Capture
};

// Renders one template once. Statements in interpreter.cc, expressions in evaluate.cc,
// calls in calls.cc. Throws Fault; line() then tells where. One thread.
class Interpreter {
public:
    Interpreter(const ChatTemplate::Program& program, const RenderInput& input);
    Interpreter(const ChatTemplate::Program& program, const Json& names);
    Interpreter(const Interpreter&) = delete;
    ~Interpreter();

    std::string Run();

    Budget& budget() { return budget_; }
    int line() const { return line_; }
    std::chrono::system_clock::time_point now() const { return now_; }

    // For filters, tests and methods.
    Ref<IteratorObject> Iterate(const Value& value);
    Value Call(const Value& callee, Arguments& arguments);
    bool Holds(const Value& test_name, Arguments& arguments);
    Value ApplyFilter(const Value& filter_name, Arguments& arguments);
    Value NewNamespace();

    // For functions that templates define.
    Value CallFunction(const Function& function, const Ref<Activation>& outer,
                       Arguments& arguments);
    std::string RunLoop(const ForStmt& loop, const Value& iterable, const Ref<Activation>& outer,
                        size_t depth);

private:
    enum class Flow : uint8_t { kNext, kBreak, kContinue };

    // Counts one level of evaluation while it lives.
    class Nest {
    public:
        explicit Nest(Interpreter& interpreter);
        Nest(const Nest&) = delete;
        ~Nest() { --interpreter_.depth_; }

    private:
        Interpreter& interpreter_;
    };
    class CallNest;
    struct ConditionIterator;
    friend struct ConditionIterator;

    // Where output goes while a body is captured.
    class Capture {
    public:
        explicit Capture(Interpreter& interpreter)
            : interpreter_(interpreter),
              text_(interpreter.budget_),
              outer_(std::exchange(interpreter.out_, &text_)) {}
        Capture(const Capture&) = delete;
        ~Capture() { interpreter_.out_ = outer_; }
        std::string Release() { return text_.Release(); }

    private:
        Interpreter& interpreter_;
        TextBuilder text_;
        TextBuilder* const outer_;
    };

    // Statements.
    Flow Execute(const Body& body);
    Flow ExecuteOne(const Stmt& statement);
    void Print(const PrintStmt& print);
    Flow If(const IfStmt& choice);
    Flow For(const ForStmt& loop);
    Flow LoopBody(const ForStmt& loop, const Value& iterable, size_t depth);
    Flow SetBlock(const SetBlockStmt& block);
    Flow FilterBlock(const FilterBlockStmt& block);
    void CallBlock(const CallBlockStmt& block);
    Flow With(const WithStmt& block);
    Flow CapturedBody(const Body& body, const Scope& scope, std::string& text);
    void Emit(std::string_view text);

    // Variables.
    Value& Variable(Slot slot);
    void Enter(const Scope& scope);
    void Leave(const Scope& scope);
    void Assign(const Expr& target, Value value);
    void AssignTuple(const ItemsExpr& target, const Value& value);
    Value MakeMacro(const Function& function);
    Ref<Activation> CaptureActivation();

    // Expressions.
    Value Evaluate(const Expr& expr);
    // The same where a name without a value is allowed in any style.
    Value EvaluateLeniently(const Expr& expr);
    Value EvaluateName(const NameExpr& name);
    Value EvaluateItems(const ItemsExpr& expr);
    Value EvaluateDict(const DictExpr& expr);
    Value EvaluateSlice(const SliceExpr& expr);
    Value EvaluateCall(const CallExpr& expr);
    Value EvaluateFilter(const FilterExpr& expr, const Value* block = nullptr);
    Value EvaluateTest(const TestExpr& expr);
    Value EvaluateAnd(const ItemsExpr& expr);
    Value EvaluateOr(const ItemsExpr& expr);
    Value EvaluateCompare(const CompareExpr& expr);
    Value EvaluateArithmetic(const ArithmeticExpr& expr);
    Value EvaluateConcat(const ItemsExpr& expr);
    Value EvaluateCondition(const ConditionExpr& expr);
    Value EvaluateAttribute(const AttributeExpr& expr);
    Value EvaluateItem(const ItemExpr& expr);
    Value EvaluateUnary(const UnaryExpr& expr);
    void EvaluateArguments(const CallArguments& expr, Arguments& arguments);

    const ChatTemplate::Program& program_;
    Budget budget_;  // before all values
    const std::chrono::system_clock::time_point now_;
    std::unordered_map<std::string, Value> input_;
    // These may hold each other, so they live until the end and are emptied then.
    std::vector<Ref<Activation>> captured_;
    std::vector<Ref<NamespaceObject>> namespaces_;
    Ref<Activation> activation_;
    TextBuilder* out_ = nullptr;
    TextBuilder* output_ = nullptr;  // the outermost
    int line_ = 1;
    size_t depth_ = 0;
    size_t calls_ = 0;
};

// Adds the functions every template may call: range, dict, namespace, ...
void AddGlobals(Budget& budget, std::unordered_map<std::string, Value>& names);

}  // namespace lathe::chat
