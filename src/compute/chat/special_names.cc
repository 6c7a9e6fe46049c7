#include "compute/chat/special_names.h"

#include "compute/chat/walk.h"

namespace lathe::chat {
namespace {

class Finder {
public:
    SpecialNames found;

    // Reads that come before any assignment count.
    void Walk(const Function& function) {
        for (const std::string& parameter : function.parameters) Close(parameter);
        for (const ExprPtr& value : function.defaults) WalkExpr(*value);
        WalkBody(function.body);
    }
    void WalkBody(const Body& body) {
        for (const auto& statement : body) WalkStmt(*statement);
    }

private:
    struct Watched {
        std::string_view name;
        bool SpecialNames::* flag;
        bool open = true;
    };
    Watched watched_[3] = {{"caller", &SpecialNames::caller},
                           {"kwargs", &SpecialNames::named},
                           {"varargs", &SpecialNames::positional}};

    void Close(std::string_view name) {
        for (Watched& watched : watched_)
            if (watched.name == name) watched.open = false;
    }
    void WalkTarget(Expr& target) {
        if (target.kind == ExprKind::kName)
            Close(static_cast<NameExpr&>(target).name);
        else
            EachChild(target, [&](Expr& child) { WalkTarget(child); });
    }
    void WalkExpr(Expr& expr) {
        if (expr.kind == ExprKind::kName) {
            for (Watched& watched : watched_)
                if (watched.open && watched.name == static_cast<NameExpr&>(expr).name)
                    found.*watched.flag = true;
        }
        EachChild(expr, [&](Expr& child) { WalkExpr(child); });
    }
    void WalkStmt(Stmt& statement);
};

void Finder::WalkStmt(Stmt& statement) {
    switch (statement.kind) {
        case StmtKind::kText:
        case StmtKind::kBreak:
        case StmtKind::kContinue:
            break;
        case StmtKind::kPrint:
            for (const ExprPtr& value : static_cast<PrintStmt&>(statement).values) WalkExpr(*value);
            break;
        case StmtKind::kIf:
            for (const auto& branch : static_cast<IfStmt&>(statement).branches) {
                WalkExpr(*branch.condition);
                WalkBody(branch.body);
            }
            WalkBody(static_cast<IfStmt&>(statement).otherwise);
            break;
        case StmtKind::kFor: {
            auto& loop = static_cast<ForStmt&>(statement);
            WalkTarget(*loop.target);
            WalkExpr(*loop.iterable);
            WalkBody(loop.body);
            WalkBody(loop.otherwise);
            if (loop.condition) WalkExpr(*loop.condition);
            break;
        }
        case StmtKind::kSet:
            WalkTarget(*static_cast<SetStmt&>(statement).target);
            WalkExpr(*static_cast<SetStmt&>(statement).value);
            break;
        case StmtKind::kSetBlock:
            WalkTarget(*static_cast<SetBlockStmt&>(statement).target);
            if (auto& filter = static_cast<SetBlockStmt&>(statement).filter) WalkExpr(*filter);
            WalkBody(static_cast<SetBlockStmt&>(statement).body);
            break;
        case StmtKind::kMacro:
            Walk(static_cast<MacroStmt&>(statement).function);
            break;
        case StmtKind::kCallBlock:
            if (auto& call = static_cast<CallBlockStmt&>(statement).call) WalkExpr(*call);
            Walk(static_cast<CallBlockStmt&>(statement).function);
            break;
        case StmtKind::kFilterBlock:
            WalkBody(static_cast<FilterBlockStmt&>(statement).body);
            WalkExpr(*static_cast<FilterBlockStmt&>(statement).filter);
            break;
        case StmtKind::kWith:
            for (const auto& [target, value] : static_cast<WithStmt&>(statement).assignments) {
                WalkTarget(*target);
                WalkExpr(*value);
            }
            WalkBody(static_cast<WithStmt&>(statement).body);
            break;
    }
}

}  // namespace

SpecialNames FindSpecialNames(const Body& body) {
    Finder finder;
    finder.WalkBody(body);
    return finder.found;
}

}  // namespace lathe::chat
