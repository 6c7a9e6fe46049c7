#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "compute/chat/operators.h"
#include "compute/chat/value.h"

namespace lathe::chat {

// The parsed template: built by the parser, given its variables' places by the scope
// resolver, then only read.

// Where a variable lives: `hops` functions outward, then its place among the function's
// variables.
struct Slot {
    uint32_t hops = 0;
    uint32_t index = 0;
};

// What a variable starts with where its scope begins.
struct Load {
    enum class From : uint8_t { kNothing, kOuter, kInput };
    uint32_t index = 0;
    From from = From::kNothing;
    Slot outer;
    std::string name;  // for kInput
};

// A scope: for loops, blocks, macros. `leaving` are the variables that end with it.
struct Scope {
    std::vector<Load> loads;
    std::vector<uint32_t> leaving;
};

enum class ExprKind : uint8_t {
    kConstant,
    kName,
    kTuple,
    kList,
    kDict,
    kAttribute,
    kItem,
    kSlice,
    kCall,
    kFilter,
    kTest,
    kNot,
    kAnd,
    kOr,
    kCompare,
    kArithmetic,
    kNegate,
    kPlus,
    kConcat,
    kCondition,
    kNamespaceRef,
};

struct Expr {
    Expr(ExprKind expr_kind, int at_line) : kind(expr_kind), line(at_line) {}
    virtual ~Expr() = default;
    const ExprKind kind;
    const int line;
    uint32_t height = 1;  // bounded while parsing
};
using ExprPtr = std::unique_ptr<Expr>;

struct ConstantExpr : Expr {
    ConstantExpr(int at_line, Value content)
        : Expr(ExprKind::kConstant, at_line), value(std::move(content)) {}
    Value value;
};

struct NameExpr : Expr {
    NameExpr(int at_line, std::string text)
        : Expr(ExprKind::kName, at_line), name(std::move(text)) {}
    std::string name;
    Slot slot;
};

// `ns.attribute` on the left of an assignment.
struct NamespaceRefExpr : Expr {
    NamespaceRefExpr(int at_line, std::string text, Value attribute_name)
        : Expr(ExprKind::kNamespaceRef, at_line),
          name(std::move(text)),
          attribute(std::move(attribute_name)) {}
    std::string name;
    Value attribute;
    Slot slot;
};

// Tuples, lists, `and`, `or`, `~`: operands only.
struct ItemsExpr : Expr {
    using Expr::Expr;
    std::vector<ExprPtr> items;
};

struct DictExpr : Expr {
    explicit DictExpr(int at_line) : Expr(ExprKind::kDict, at_line) {}
    std::vector<std::pair<ExprPtr, ExprPtr>> entries;
};

// `not`, unary minus and plus.
struct UnaryExpr : Expr {
    using Expr::Expr;
    ExprPtr operand;
};

struct AttributeExpr : Expr {
    explicit AttributeExpr(int at_line) : Expr(ExprKind::kAttribute, at_line) {}
    ExprPtr object;
    Value name;
};

struct ItemExpr : Expr {
    explicit ItemExpr(int at_line) : Expr(ExprKind::kItem, at_line) {}
    ExprPtr object;
    ExprPtr index;
};

struct SliceExpr : Expr {
    explicit SliceExpr(int at_line) : Expr(ExprKind::kSlice, at_line) {}
    ExprPtr object;
    ExprPtr start, stop, step;  // each may be null
};

struct CallArguments {
    std::vector<ExprPtr> positional;
    std::vector<std::pair<std::string, ExprPtr>> named;
    ExprPtr more_positional;  // *expr or null
    ExprPtr more_named;       // **expr or null
};

struct CallExpr : Expr {
    explicit CallExpr(int at_line) : Expr(ExprKind::kCall, at_line) {}
    ExprPtr callee;
    CallArguments arguments;
};

struct Filter;
struct Test;

// `value | name(...)`; without a value, the block it stands on.
struct FilterExpr : Expr {
    explicit FilterExpr(int at_line) : Expr(ExprKind::kFilter, at_line) {}
    ExprPtr value;
    std::string name;
    const Filter* filter = nullptr;  // null: unknown, an error when it is reached
    CallArguments arguments;
};

struct TestExpr : Expr {
    explicit TestExpr(int at_line) : Expr(ExprKind::kTest, at_line) {}
    ExprPtr value;
    std::string name;
    const Test* test = nullptr;
    CallArguments arguments;
};

// a < b <= c: each comparison with the operand before it.
struct CompareExpr : Expr {
    enum class Sign : uint8_t { kOrder, kIn, kNotIn };
    struct Operand {
        Sign sign;
        Comparison comparison;  // for kOrder
        ExprPtr value;
    };
    explicit CompareExpr(int at_line) : Expr(ExprKind::kCompare, at_line) {}
    ExprPtr first;
    std::vector<Operand> rest;
};

// a + b - c: from the left.
struct ArithmeticExpr : Expr {
    explicit ArithmeticExpr(int at_line) : Expr(ExprKind::kArithmetic, at_line) {}
    ExprPtr first;
    std::vector<std::pair<Arithmetic, ExprPtr>> rest;
};

struct ConditionExpr : Expr {
    explicit ConditionExpr(int at_line) : Expr(ExprKind::kCondition, at_line) {}
    ExprPtr condition, then;
    ExprPtr otherwise;  // may be null
};

enum class StmtKind : uint8_t {
    kText,
    kPrint,
    kIf,
    kFor,
    kSet,
    kSetBlock,
    kMacro,
    kCallBlock,
    kFilterBlock,
    kWith,
    kBreak,
    kContinue,
};

struct Stmt {
    Stmt(StmtKind stmt_kind, int at_line) : kind(stmt_kind), line(at_line) {}
    virtual ~Stmt() = default;
    const StmtKind kind;
    const int line;
};
using Body = std::vector<std::unique_ptr<Stmt>>;

struct TextStmt : Stmt {
    TextStmt(int at_line, std::string content)
        : Stmt(StmtKind::kText, at_line), text(std::move(content)) {}
    std::string text;
};

struct PrintStmt : Stmt {
    explicit PrintStmt(int at_line) : Stmt(StmtKind::kPrint, at_line) {}
    std::vector<ExprPtr> values;
};

struct IfStmt : Stmt {
    explicit IfStmt(int at_line) : Stmt(StmtKind::kIf, at_line) {}
    struct Branch {
        ExprPtr condition;
        Body body;
    };
    std::vector<Branch> branches;
    Body otherwise;
};

struct ForStmt : Stmt {
    explicit ForStmt(int at_line) : Stmt(StmtKind::kFor, at_line) {}
    ExprPtr target, iterable;
    ExprPtr condition;         // may be null
    ExprPtr condition_target;  // the target again, in the condition's scope
    bool recursive = false;
    Body body, otherwise;
    Scope scope, condition_scope, otherwise_scope;
    uint32_t loop_index = 0;      // where `loop` lives
    uint32_t variable_count = 0;  // of the function that a recursive loop is
};

struct SetStmt : Stmt {
    explicit SetStmt(int at_line) : Stmt(StmtKind::kSet, at_line) {}
    ExprPtr target, value;
};

struct SetBlockStmt : Stmt {
    explicit SetBlockStmt(int at_line) : Stmt(StmtKind::kSetBlock, at_line) {}
    ExprPtr target;
    ExprPtr filter;  // may be null
    Body body;
    Scope scope;
};

// A macro, or the body that a call block hands to one.
struct Function {
    std::string name;  // "" for a call block
    int line = 0;
    std::vector<std::string> parameters;
    std::vector<uint32_t> parameter_index;
    std::vector<ExprPtr> defaults;  // of the last parameters
    Body body;
    Scope scope;
    uint32_t variable_count = 0;
    // Special variables, where the body uses them.
    bool takes_caller = false, takes_named = false, takes_positional = false;
    uint32_t caller_index = 0, named_index = 0, positional_index = 0;
};

struct MacroStmt : Stmt {
    explicit MacroStmt(int at_line) : Stmt(StmtKind::kMacro, at_line) {}
    Function function;
    Slot slot;
};

// Without a call: the body stands for itself ({% generation %}).
struct CallBlockStmt : Stmt {
    explicit CallBlockStmt(int at_line) : Stmt(StmtKind::kCallBlock, at_line) {}
    ExprPtr call;
    Function function;
};

struct FilterBlockStmt : Stmt {
    explicit FilterBlockStmt(int at_line) : Stmt(StmtKind::kFilterBlock, at_line) {}
    ExprPtr filter;
    Body body;
    Scope scope;
};

struct WithStmt : Stmt {
    explicit WithStmt(int at_line) : Stmt(StmtKind::kWith, at_line) {}
    std::vector<std::pair<ExprPtr, ExprPtr>> assignments;
    Body body;
    Scope scope;
};

struct JumpStmt : Stmt {
    using Stmt::Stmt;  // kBreak, kContinue
};

// The whole template.
struct ChatTemplate::Program {
    std::string source;
    TemplateLimits limits;
    TemplateStyle style;
    std::vector<std::unique_ptr<Object>> constants;  // before root, whose values point to them
    Function root;
};

}  // namespace lathe::chat
