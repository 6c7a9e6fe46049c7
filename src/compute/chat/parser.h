#pragma once

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "compute/chat/ast.h"
#include "compute/chat/lexer.h"

namespace lathe::chat {

// Recursive descent over jinja2's grammar. Statements in parser.cc, expressions in
// parse_expression.cc. Variables are not resolved yet (scopes.h does it). Throws
// SyntaxFault. One thread, used once.
class Parser {
public:
    Parser(Budget& budget, ChatTemplate::Program& program, std::vector<Token> tokens)
        : budget_(budget), program_(program), tokens_(std::move(tokens)) {}

    // Fills program.root.body.
    void Run();

private:
    using Names = std::initializer_list<std::string_view>;

    // Counts one level of nesting while it lives.
    class Nest {
    public:
        explicit Nest(Parser& parser);
        Nest(const Nest&) = delete;
        ~Nest() { --parser_.depth_; }

    private:
        Parser& parser_;
    };
    // Sets a member while it lives.
    template <typename T>
    class With {
    public:
        With(T& place, T value) : place_(place), old_(std::exchange(place, value)) {}
        With(const With&) = delete;
        ~With() { place_ = old_; }

    private:
        T& place_;
        T old_;
    };

    // Tokens.
    const Token& current() const { return tokens_[at_]; }
    const Token& next() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
    Token Take();
    bool At(Token::Type type) const { return current().type == type; }
    bool AtName(std::string_view name) const;
    bool AtSign(std::string_view sign) const;
    bool AtAnyName(Names names) const;
    bool SkipName(std::string_view name);
    bool SkipSign(std::string_view sign);
    void ExpectName(std::string_view name);
    void ExpectSign(std::string_view sign);
    void Expect(Token::Type type, std::string_view what);
    std::string TakeName(std::string_view what);
    [[noreturn]] void FailExpected(std::string_view what) const;

    // Statements.
    Body ParseBody(Names end_tags, int start_line);
    void ParsePrint(Body& body);
    // The rest of the opening tag, the body, and up to the name of the end tag.
    Body ParseBlock(Names end_tags, int start_line);
    Body ParseBlockToEnd(std::string_view end_tag, int start_line);
    std::unique_ptr<Stmt> ParseStatement();
    std::unique_ptr<Stmt> ParseFor();
    std::unique_ptr<Stmt> ParseIf();
    std::unique_ptr<Stmt> ParseSet();
    std::unique_ptr<Stmt> ParseMacro();
    std::unique_ptr<Stmt> ParseCallBlock();
    std::unique_ptr<Stmt> ParseGeneration();
    std::unique_ptr<Stmt> ParseFilterBlock();
    std::unique_ptr<Stmt> ParseWith();
    std::unique_ptr<Stmt> ParsePrintTag();
    std::unique_ptr<Stmt> ParseJump();
    void ParseSignature(Function& function);
    void ParseFunctionBody(Function& function, std::string_view end_tag, int start_line);
    [[noreturn]] void FailTag(const Token& token) const;

    // Assignment targets.
    enum class Targets : uint8_t { kNames, kNamesAndNamespaces };
    ExprPtr ParseTarget(Targets allowed, std::string_view end_name);
    ExprPtr ParseTargetItem(Targets allowed);
    std::string ParseVariableName();
    void CheckVariableName(std::string_view name, int line) const;

    // Expressions, loosest first.
    enum class Condition : uint8_t { kAllowed, kNot };
    // Items with commas are a tuple. `end_name`: a name that may follow.
    ExprPtr ParseTuple(Condition condition, std::string_view end_name = {});
    ExprPtr ParseExpression(Condition condition = Condition::kAllowed);
    ExprPtr ParseCondition();
    ExprPtr ParseOr();
    ExprPtr ParseAnd();
    ExprPtr ParseNot();
    ExprPtr ParseCompare();
    ExprPtr ParseSum();
    ExprPtr ParseConcat();
    ExprPtr ParseProduct();
    ExprPtr ParsePower();
    enum class Filters : uint8_t { kAllowed, kNot };
    ExprPtr ParseUnary(Filters filters);
    ExprPtr ParsePrimary();
    ExprPtr ParseParentheses();
    ExprPtr ParseList();
    ExprPtr ParseDict();
    ExprPtr ParseStrings();
    ExprPtr ParseNumber();
    ExprPtr ParsePostfix(ExprPtr expr);
    ExprPtr ParseFiltersAndTests(ExprPtr expr);
    ExprPtr ParseAttribute(ExprPtr object);
    ExprPtr ParseSubscript(ExprPtr object);
    ExprPtr ParseCall(ExprPtr callee);
    // All filters that follow; `value` may be null.
    ExprPtr ParseFilters(ExprPtr value);
    ExprPtr ParseFilter(ExprPtr value);
    ExprPtr ParseTest(ExprPtr value);
    CallArguments ParseArguments();
    std::string ParseDottedName(std::string_view what);
    template <typename Level, typename Joins>
    ExprPtr ParseItems(ExprKind kind, Level level, Joins joins);
    template <typename Level, typename Operator>
    ExprPtr ParseArithmetic(Level level, Operator find);

    ExprPtr Constant(int line, Value value);
    Value ConstantString(std::string text);
    // Makes `parent` higher than `child`, within the limit.
    void Raise(Expr& parent, const ExprPtr& child) const;
    void Raise(Expr& parent, const CallArguments& arguments) const;

    Budget& budget_;
    ChatTemplate::Program& program_;
    const std::vector<Token> tokens_;
    size_t at_ = 0;
    size_t depth_ = 0;
    bool conditional_ = false;  // under an if, where unknown filters and tests may stand
    struct Unknown {
        std::string_view what;
        std::string name;
        int line;
    };
    std::vector<Unknown> unknown_;
    int loops_ = 0;  // around this place in the same function
    int loops_anywhere_ = 0;
};

}  // namespace lathe::chat
