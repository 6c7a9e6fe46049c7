#include "compute/chat/scopes.h"

#include <algorithm>
#include <map>
#include <set>

#include "compute/chat/lexer.h"
#include "compute/chat/special_names.h"
#include "compute/chat/walk.h"
#include "core/base/check.h"

namespace lathe::chat {
namespace {

// A function's variables: one place per name and nesting level of its scope, so that
// scopes side by side share theirs.
struct FunctionVariables {
    uint32_t depth = 0;
    std::map<std::pair<int, std::string>, uint32_t> places;

    uint32_t Place(int level, const std::string& name) {
        auto [found, added] =
            places.try_emplace({level, name}, static_cast<uint32_t>(places.size()));
        return found->second;
    }
};

struct Variable {
    FunctionVariables* function = nullptr;
    uint32_t index = 0;
};

// What a scope knows of its names.
class Symbols {
public:
    enum class Start : uint8_t { kNothing, kParameter, kOuter, kInput };
    struct Beginning {
        Start start;
        Variable outer;
        std::string name;
    };

    Symbols(Symbols* parent, FunctionVariables* function, int level)
        : parent_(parent), function_(function), level_(level) {}

    const Variable* Find(const std::string& name) const {
        for (const Symbols* scope = this; scope; scope = scope->parent_)
            if (auto found = scope->names_.find(name); found != scope->names_.end())
                return &found->second;
        return nullptr;
    }

    void Read(const std::string& name) {
        if (!Find(name)) Define(name, {Start::kInput, {}, name});
    }

    void Store(const std::string& name) {
        stores_.insert(name);
        if (names_.contains(name)) return;
        if (const Variable* outer = FindOuter(name))
            Define(name, {Start::kOuter, *outer, {}});
        else
            Define(name, {Start::kNothing, {}, {}});
    }

    uint32_t Parameter(const std::string& name) {
        stores_.insert(name);
        return Define(name, {Start::kParameter, {}, {}});
    }

    // After an `if`: what only some branches set starts with what it would be without.
    void Merge(const std::vector<Symbols>& branches) {
        std::set<std::string> fresh;
        for (const Symbols& branch : branches)
            for (const std::string& name : branch.stores_)
                if (!stores_.contains(name)) fresh.insert(name);
        for (const Symbols& branch : branches) {
            for (const auto& [name, variable] : branch.names_) names_[name] = variable;
            for (const auto& [index, beginning] : branch.beginnings_)
                beginnings_[index] = beginning;
            stores_.insert(branch.stores_.begin(), branch.stores_.end());
        }
        for (const std::string& name : fresh) {
            uint32_t index = names_.at(name).index;
            if (const Variable* outer = FindOuter(name))
                beginnings_[index] = {Start::kOuter, *outer, {}};
            else
                beginnings_[index] = {Start::kInput, {}, name};
        }
    }

    Slot SlotOf(const std::string& name) const {
        const Variable* variable = Find(name);
        LATHE_CHECK(variable);
        return Relative(*variable);
    }

    void Write(Scope& scope) const {
        for (const auto& [index, beginning] : beginnings_) {
            scope.leaving.push_back(index);
            if (beginning.start == Start::kParameter) continue;
            Load load;
            load.index = index;
            if (beginning.start == Start::kOuter) {
                load.from = Load::From::kOuter;
                load.outer = Relative(beginning.outer);
            } else if (beginning.start == Start::kInput) {
                load.from = Load::From::kInput;
                load.name = beginning.name;
            }
            scope.loads.push_back(std::move(load));
        }
    }

    FunctionVariables* function() const { return function_; }
    int level() const { return level_; }
    size_t size() const { return names_.size() + beginnings_.size() + stores_.size(); }

private:
    const Variable* FindOuter(const std::string& name) const {
        return parent_ ? parent_->Find(name) : nullptr;
    }
    Slot Relative(const Variable& variable) const {
        return {function_->depth - variable.function->depth, variable.index};
    }
    uint32_t Define(const std::string& name, Beginning beginning) {
        uint32_t index = function_->Place(level_, name);
        names_[name] = {function_, index};
        beginnings_[index] = std::move(beginning);
        return index;
    }

    Symbols* parent_;
    FunctionVariables* function_;
    int level_;
    std::map<std::string, Variable> names_;
    std::map<uint32_t, Beginning> beginnings_;
    std::set<std::string> stores_;
};

// The same target, to be given other places.
ExprPtr CloneTarget(const Expr& target) {
    if (target.kind == ExprKind::kName)
        return std::make_unique<NameExpr>(target.line, static_cast<const NameExpr&>(target).name);
    auto tuple = std::make_unique<ItemsExpr>(ExprKind::kTuple, target.line);
    for (const ExprPtr& item : static_cast<const ItemsExpr&>(target).items)
        tuple->items.push_back(CloneTarget(*item));
    return tuple;
}

class Resolver {
public:
    explicit Resolver(Budget& budget) : budget_(budget) {}

    void Root(Function& root) {
        FunctionVariables variables;
        Symbols symbols(nullptr, &variables, 0);
        Collect(symbols, root.body);
        symbols.Write(root.scope);
        Resolve(symbols, root.body);
        root.variable_count = static_cast<uint32_t>(variables.places.size());
    }

private:
    // First pass over a scope: which names it reads and stores. Stops at inner scopes.
    void Collect(Symbols& symbols, const Body& body) {
        for (const auto& statement : body) CollectStmt(symbols, *statement);
    }
    void CollectStmt(Symbols& symbols, Stmt& statement);
    void CollectIf(Symbols& symbols, IfStmt& choice);
    void CollectReads(Symbols& symbols, Expr& expr) {
        budget_.Step();
        if (expr.kind == ExprKind::kName) symbols.Read(static_cast<NameExpr&>(expr).name);
        EachChild(expr, [&](Expr& child) { CollectReads(symbols, child); });
    }
    void CollectTarget(Symbols& symbols, Expr& target) {
        if (target.kind == ExprKind::kName)
            symbols.Store(static_cast<NameExpr&>(target).name);
        else if (target.kind == ExprKind::kNamespaceRef)
            symbols.Read(static_cast<NamespaceRefExpr&>(target).name);
        else
            EachChild(target, [&](Expr& child) { CollectTarget(symbols, child); });
    }
    void CollectParameters(Symbols& symbols, Expr& target) {
        if (target.kind == ExprKind::kName)
            symbols.Parameter(static_cast<NameExpr&>(target).name);
        else
            EachChild(target, [&](Expr& child) { CollectParameters(symbols, child); });
    }

    // Second pass: places for all names, and both passes for inner scopes.
    void Resolve(Symbols& symbols, const Body& body) {
        for (const auto& statement : body) ResolveStmt(symbols, *statement);
    }
    void ResolveStmt(Symbols& symbols, Stmt& statement);
    void ResolveExpr(Symbols& symbols, Expr& expr) {
        budget_.Step();
        if (expr.kind == ExprKind::kName)
            static_cast<NameExpr&>(expr).slot = symbols.SlotOf(static_cast<NameExpr&>(expr).name);
        else if (expr.kind == ExprKind::kNamespaceRef)
            static_cast<NamespaceRefExpr&>(expr).slot =
                symbols.SlotOf(static_cast<NamespaceRefExpr&>(expr).name);
        EachChild(expr, [&](Expr& child) { ResolveExpr(symbols, child); });
    }
    void ResolveFor(Symbols& symbols, ForStmt& loop);
    void ResolveFunction(Symbols& symbols, Function& function);
    void ResolveBlock(Symbols& symbols, Expr* filter, const Body& body, Scope& scope);
    void ResolveWith(Symbols& symbols, WithStmt& block);

    Budget& budget_;
};

void Resolver::CollectIf(Symbols& symbols, IfStmt& choice) {
    // An elif is read where the branches before it are not taken.
    std::vector<Symbols> branches;
    auto branch = [&](const Body& body, Expr* condition) {
        budget_.Step(symbols.size() * 4);
        branches.push_back(symbols);
        if (condition) CollectReads(branches.back(), *condition);
        Collect(branches.back(), body);
    };
    CollectReads(symbols, *choice.branches[0].condition);
    branch(choice.branches[0].body, nullptr);
    for (size_t i = 1; i < choice.branches.size(); ++i)
        branch(choice.branches[i].body, choice.branches[i].condition.get());
    branch(choice.otherwise, nullptr);
    budget_.Step(symbols.size() * branches.size());
    symbols.Merge(branches);
}

void Resolver::CollectStmt(Symbols& symbols, Stmt& statement) {
    budget_.Step();
    switch (statement.kind) {
        case StmtKind::kText:
        case StmtKind::kBreak:
        case StmtKind::kContinue:
            break;
        case StmtKind::kPrint:
            for (const ExprPtr& value : static_cast<PrintStmt&>(statement).values)
                CollectReads(symbols, *value);
            break;
        case StmtKind::kIf:
            CollectIf(symbols, static_cast<IfStmt&>(statement));
            break;
        case StmtKind::kFor:
            CollectReads(symbols, *static_cast<ForStmt&>(statement).iterable);
            break;
        case StmtKind::kSet:
            CollectReads(symbols, *static_cast<SetStmt&>(statement).value);
            CollectTarget(symbols, *static_cast<SetStmt&>(statement).target);
            break;
        case StmtKind::kSetBlock:
            CollectTarget(symbols, *static_cast<SetBlockStmt&>(statement).target);
            break;
        case StmtKind::kMacro:
            symbols.Store(static_cast<MacroStmt&>(statement).function.name);
            break;
        case StmtKind::kCallBlock:
            if (auto& call = static_cast<CallBlockStmt&>(statement).call)
                CollectReads(symbols, *call);
            break;
        case StmtKind::kFilterBlock:
            CollectReads(symbols, *static_cast<FilterBlockStmt&>(statement).filter);
            break;
        case StmtKind::kWith:
            for (const auto& [target, value] : static_cast<WithStmt&>(statement).assignments)
                CollectReads(symbols, *value);
            break;
    }
}

void Resolver::ResolveStmt(Symbols& symbols, Stmt& statement) {
    switch (statement.kind) {
        case StmtKind::kText:
        case StmtKind::kBreak:
        case StmtKind::kContinue:
            break;
        case StmtKind::kPrint:
            for (const ExprPtr& value : static_cast<PrintStmt&>(statement).values)
                ResolveExpr(symbols, *value);
            break;
        case StmtKind::kIf:
            for (const auto& branch : static_cast<IfStmt&>(statement).branches) {
                ResolveExpr(symbols, *branch.condition);
                Resolve(symbols, branch.body);
            }
            Resolve(symbols, static_cast<IfStmt&>(statement).otherwise);
            break;
        case StmtKind::kFor:
            ResolveFor(symbols, static_cast<ForStmt&>(statement));
            break;
        case StmtKind::kSet:
            ResolveExpr(symbols, *static_cast<SetStmt&>(statement).target);
            ResolveExpr(symbols, *static_cast<SetStmt&>(statement).value);
            break;
        case StmtKind::kSetBlock: {
            auto& block = static_cast<SetBlockStmt&>(statement);
            ResolveExpr(symbols, *block.target);
            ResolveBlock(symbols, block.filter.get(), block.body, block.scope);
            break;
        }
        case StmtKind::kMacro: {
            auto& macro = static_cast<MacroStmt&>(statement);
            macro.slot = symbols.SlotOf(macro.function.name);
            ResolveFunction(symbols, macro.function);
            break;
        }
        case StmtKind::kCallBlock: {
            auto& block = static_cast<CallBlockStmt&>(statement);
            if (block.call) ResolveExpr(symbols, *block.call);
            ResolveFunction(symbols, block.function);
            break;
        }
        case StmtKind::kFilterBlock: {
            auto& block = static_cast<FilterBlockStmt&>(statement);
            ResolveBlock(symbols, block.filter.get(), block.body, block.scope);
            break;
        }
        case StmtKind::kWith:
            ResolveWith(symbols, static_cast<WithStmt&>(statement));
            break;
    }
}

void Resolver::ResolveBlock(Symbols& symbols, Expr* filter, const Body& body, Scope& scope) {
    Symbols inner(&symbols, symbols.function(), symbols.level() + 1);
    Collect(inner, body);
    if (filter) CollectReads(inner, *filter);
    inner.Write(scope);
    Resolve(inner, body);
    if (filter) ResolveExpr(inner, *filter);
}

void Resolver::ResolveWith(Symbols& symbols, WithStmt& block) {
    Symbols inner(&symbols, symbols.function(), symbols.level() + 1);
    for (const auto& [target, value] : block.assignments) CollectParameters(inner, *target);
    Collect(inner, block.body);
    inner.Write(block.scope);
    for (const auto& [target, value] : block.assignments) {
        ResolveExpr(inner, *target);
        ResolveExpr(symbols, *value);
    }
    Resolve(inner, block.body);
}

void Resolver::ResolveFor(Symbols& symbols, ForStmt& loop) {
    ResolveExpr(symbols, *loop.iterable);
    FunctionVariables own;
    FunctionVariables* function = symbols.function();
    if (loop.recursive) {
        own.depth = function->depth + 1;
        function = &own;
    }
    const int level = symbols.level() + 1;
    Symbols body(&symbols, function, level);
    loop.loop_index = body.Parameter("loop");
    CollectParameters(body, *loop.target);
    Collect(body, loop.body);
    body.Write(loop.scope);
    ResolveExpr(body, *loop.target);
    Resolve(body, loop.body);
    if (loop.condition) {
        // The condition runs ahead of the body where the body asks for what comes next,
        // so its variables are not the body's. No other scope has a negative level.
        Symbols condition(&symbols, function, -level);
        loop.condition_target = CloneTarget(*loop.target);
        CollectParameters(condition, *loop.condition_target);
        CollectReads(condition, *loop.condition);
        condition.Write(loop.condition_scope);
        ResolveExpr(condition, *loop.condition_target);
        ResolveExpr(condition, *loop.condition);
    }
    Symbols otherwise(&symbols, function, level);
    Collect(otherwise, loop.otherwise);
    otherwise.Write(loop.otherwise_scope);
    Resolve(otherwise, loop.otherwise);
    loop.variable_count = static_cast<uint32_t>(own.places.size());
}

void Resolver::ResolveFunction(Symbols& symbols, Function& function) {
    const SpecialNames special = FindSpecialNames(function.body);
    FunctionVariables variables;
    variables.depth = symbols.function()->depth + 1;
    Symbols inner(&symbols, &variables, symbols.level() + 1);
    for (const std::string& parameter : function.parameters)
        function.parameter_index.push_back(inner.Parameter(parameter));
    auto named = [&](std::string_view name) {
        return std::ranges::find(function.parameters, name) - function.parameters.begin();
    };
    auto parameters = static_cast<std::ptrdiff_t>(function.parameters.size());
    auto first_default = parameters - static_cast<std::ptrdiff_t>(function.defaults.size());
    if (special.caller && named("caller") < first_default)
        FailAt(function.line, "the parameter 'caller' needs a default or must go");
    function.takes_caller = special.caller && named("caller") == parameters;
    if (function.takes_caller) function.caller_index = inner.Parameter("caller");
    function.takes_named = special.named && named("kwargs") == parameters;
    if (function.takes_named) function.named_index = inner.Parameter("kwargs");
    function.takes_positional = special.positional && named("varargs") == parameters;
    if (function.takes_positional) function.positional_index = inner.Parameter("varargs");
    for (const ExprPtr& value : function.defaults) CollectReads(inner, *value);
    Collect(inner, function.body);
    inner.Write(function.scope);
    for (const ExprPtr& value : function.defaults) ResolveExpr(inner, *value);
    Resolve(inner, function.body);
    function.variable_count = static_cast<uint32_t>(variables.places.size());
}

}  // namespace

void ResolveVariables(Budget& budget, ChatTemplate::Program& program) {
    Resolver(budget).Root(program.root);
}

}  // namespace lathe::chat
