// Calls: macros, call blocks, recursive loops, and whatever else is callable.
#include <algorithm>

#include "compute/chat/filters.h"
#include "compute/chat/interpreter.h"
#include "compute/chat/is_tests.h"
#include "compute/chat/operators.h"
#include "compute/chat/print.h"

namespace lathe::chat {
namespace {

struct MacroObject : HostObject {
    MacroObject(Budget* owner, const Function& body, Ref<Activation> around)
        : HostObject(owner, sizeof(MacroObject)), function(body), outer(std::move(around)) {}

    std::string_view type_name() const override { return "Macro"; }
    std::string Print() const override {
        return function.name.empty() ? "<Macro anonymous>" : "<Macro '" + function.name + "'>";
    }
    Value Call(Interpreter& interpreter, Arguments& arguments) override {
        return interpreter.CallFunction(function, outer, arguments);
    }
    Value Attribute(Interpreter& interpreter, std::string_view name) override {
        Budget& owner = interpreter.budget();
        if (name == "name")
            return function.name.empty() ? Value::None() : MakeString(owner, function.name);
        if (name == "caller") return Value::Bool(function.takes_caller);
        if (name == "catch_kwargs") return Value::Bool(function.takes_named);
        if (name == "catch_varargs") return Value::Bool(function.takes_positional);
        if (name == "arguments") {
            std::vector<Value> names;
            for (const std::string& parameter : function.parameters)
                names.push_back(MakeString(owner, parameter));
            return MakeTuple(owner, std::move(names));
        }
        return Value();
    }

    const Function& function;
    const Ref<Activation> outer;
};

[[noreturn]] void FailNamed(const Function& function, const std::string& name) {
    if (name == "caller")
        Fail(
            "macro '{}' was invoked with two values for the special caller argument. This is "
            "most likely a bug.",
            function.name);
    Fail("macro '{}' takes no keyword argument '{}'", function.name, name);
}

// Puts a call's arguments into the function's variables; what is not given stays missing.
void BindArguments(Budget& budget, const Function& function, Arguments& arguments,
                   std::vector<Value>& variables) {
    const size_t count = function.parameters.size();
    const size_t given = std::min(arguments.positional.size(), count);
    for (size_t i = 0; i < given; ++i)
        variables[function.parameter_index[i]] = arguments.positional[i];
    for (size_t i = given; i < count; ++i)
        variables[function.parameter_index[i]] = arguments.TakeNamed(function.parameters[i]);
    if (function.takes_caller) {
        Value caller = arguments.TakeNamed("caller");
        if (caller.IsMissing() || caller.IsNone())
            caller = MakeUndefined(budget, "No caller defined");
        variables[function.caller_index] = std::move(caller);
    }
    if (function.takes_named) {
        Dict named;
        for (auto& [name, value] : arguments.named)
            named.Set(budget, MakeString(budget, name), std::move(value));
        variables[function.named_index] = MakeDict(budget, std::move(named));
    } else if (!arguments.named.empty()) {
        FailNamed(function, arguments.named[0].first);
    }
    if (function.takes_positional) {
        auto rest = arguments.positional.begin() + static_cast<std::ptrdiff_t>(given);
        variables[function.positional_index] =
            MakeTuple(budget, std::vector<Value>(rest, arguments.positional.end()));
    } else if (arguments.positional.size() > count) {
        Fail("macro '{}' takes not more than {} argument(s)", function.name, count);
    }
}

}  // namespace

// Counts one call, and lets the function's variables be the current ones, while it lives.
class Interpreter::CallNest {
public:
    CallNest(Interpreter& interpreter, Ref<Activation> activation)
        : nest_(interpreter), interpreter_(interpreter) {
        if (interpreter_.calls_ + 1 > interpreter_.program_.limits.depth_max)
            Fail("macros call each other more than {} levels deep",
                 interpreter_.program_.limits.depth_max);
        ++interpreter_.calls_;
        caller_ = std::exchange(interpreter_.activation_, std::move(activation));
    }
    CallNest(const CallNest&) = delete;
    ~CallNest() {
        --interpreter_.calls_;
        interpreter_.activation_ = std::move(caller_);
    }

private:
    Nest nest_;
    Interpreter& interpreter_;
    Ref<Activation> caller_;
};

Ref<Activation> Interpreter::CaptureActivation() {
    for (Ref<Activation> each = activation_; each && !each->captured; each = each->outer) {
        each->captured = true;
        captured_.push_back(each);
    }
    return activation_;
}

Value Interpreter::MakeMacro(const Function& function) {
    return Value(Kind::kHost, new MacroObject(&budget_, function, CaptureActivation()));
}

Value Interpreter::CallFunction(const Function& function, const Ref<Activation>& outer,
                                Arguments& arguments) {
    Ref<Activation> own(new Activation(&budget_, outer, function.variable_count));
    BindArguments(budget_, function, arguments, own->variables);
    CallNest call(*this, own);
    Capture capture(*this);
    Enter(function.scope);
    const size_t required = function.parameters.size() - function.defaults.size();
    for (size_t i = 0; i < function.parameters.size(); ++i) {
        Value& parameter = own->variables[function.parameter_index[i]];
        if (!parameter.IsMissing()) continue;
        Value value = i < required ? MakeUndefined(budget_, "parameter '" + function.parameters[i] +
                                                                "' was not provided")
                                   : Evaluate(*function.defaults[i - required]);
        own->variables[function.parameter_index[i]] = std::move(value);
    }
    Execute(function.body);
    return MakeString(budget_, capture.Release());
}

std::string Interpreter::RunLoop(const ForStmt& loop, const Value& iterable,
                                 const Ref<Activation>& outer, size_t depth) {
    CallNest call(*this, Ref<Activation>(new Activation(&budget_, outer, loop.variable_count)));
    Capture capture(*this);
    LoopBody(loop, iterable, depth);
    return capture.Release();
}

void Interpreter::CallBlock(const CallBlockStmt& block) {
    if (!block.call) {
        Arguments none;
        Emit(CallFunction(block.function, activation_, none).text());
        return;
    }
    const auto& call = static_cast<const CallExpr&>(*block.call);
    Value caller = MakeMacro(block.function);
    Value callee = Evaluate(*call.callee);
    Arguments arguments;
    EvaluateArguments(call.arguments, arguments);
    if (arguments.Named("caller")) Fail("the argument 'caller' is given twice");
    arguments.named.emplace_back("caller", std::move(caller));
    line_ = block.line;
    Value result = Call(callee, arguments);
    if (!result.IsString())
        Fail("sequence item 0: expected str instance, {} found", TypeName(result));
    Emit(result.text());
}

Value Interpreter::Call(const Value& callee, Arguments& arguments) {
    RequireDefined(callee);
    if (!callee.Is(Kind::kHost)) Fail("'{}' object is not callable", TypeName(callee));
    Value alive = callee;  // the call may drop what held it
    return alive.host().Call(*this, arguments);
}

bool Interpreter::Holds(const Value& test_name, Arguments& arguments) {
    const Test* test = test_name.IsString() ? FindTest(test_name.text()) : nullptr;
    if (!test) Fail("No test named {}.", Repr(budget_, test_name));
    return test->holds(*this, arguments);
}

Value Interpreter::ApplyFilter(const Value& filter_name, Arguments& arguments) {
    const Filter* filter = filter_name.IsString() ? FindFilter(filter_name.text()) : nullptr;
    if (!filter) Fail("No filter named {}.", Repr(budget_, filter_name));
    Nest nest(*this);
    return filter->apply(*this, arguments);
}

void Interpreter::EvaluateArguments(const CallArguments& expr, Arguments& arguments) {
    for (const ExprPtr& argument : expr.positional)
        arguments.positional.push_back(Evaluate(*argument));
    if (expr.more_positional) {
        Value more = Evaluate(*expr.more_positional);
        Ref<IteratorObject> iterator = Iterate(more);
        Value item;
        while (iterator->Next(*this, item)) {
            budget_.RequireRoom(arguments.positional.size(), sizeof(Value));
            arguments.positional.push_back(std::move(item));
        }
    }
    for (const auto& [name, argument] : expr.named)
        arguments.named.emplace_back(name, Evaluate(*argument));
    if (!expr.more_named) return;
    Value more = Evaluate(*expr.more_named);
    if (!more.Is(Kind::kDict)) Fail("argument after ** must be a mapping, not {}", TypeName(more));
    for (const Dict::Entry& entry : more.dict().dict.entries()) {
        if (!entry.key.IsString()) Fail("keywords must be strings");
        budget_.Step(arguments.named.size());
        if (arguments.Named(entry.key.text()))
            Fail("got multiple values for keyword argument '{}'", entry.key.text());
        arguments.named.emplace_back(entry.key.text(), entry.value);
    }
}

}  // namespace lathe::chat
