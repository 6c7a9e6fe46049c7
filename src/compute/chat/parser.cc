#include "compute/chat/parser.h"

#include <algorithm>

namespace lathe::chat {

Parser::Nest::Nest(Parser& parser) : parser_(parser) {
    if (++parser_.depth_ > parser_.program_.limits.depth_max) {
        --parser_.depth_;
        FailAt(parser_.current().line, "nested deeper than {} levels",
               parser_.program_.limits.depth_max);
    }
}

Token Parser::Take() {
    budget_.Step();
    const Token& token = current();
    if (token.type != Token::Type::kEnd) ++at_;
    return token;
}

bool Parser::AtName(std::string_view name) const {
    return At(Token::Type::kName) && current().text == name;
}

bool Parser::AtSign(std::string_view sign) const {
    return At(Token::Type::kOperator) && current().text == sign;
}

bool Parser::AtAnyName(Names names) const {
    return std::ranges::any_of(names, [&](std::string_view name) { return AtName(name); });
}

bool Parser::SkipName(std::string_view name) {
    if (!AtName(name)) return false;
    Take();
    return true;
}

bool Parser::SkipSign(std::string_view sign) {
    if (!AtSign(sign)) return false;
    Take();
    return true;
}

void Parser::ExpectName(std::string_view name) {
    if (!SkipName(name)) FailExpected(fmt::format("'{}'", name));
}

void Parser::ExpectSign(std::string_view sign) {
    if (!SkipSign(sign)) FailExpected(fmt::format("'{}'", sign));
}

void Parser::Expect(Token::Type type, std::string_view what) {
    if (!At(type)) FailExpected(what);
    Take();
}

std::string Parser::TakeName(std::string_view what) {
    if (!At(Token::Type::kName)) FailExpected(what);
    return Take().text;
}

void Parser::FailExpected(std::string_view what) const {
    FailAt(current().line, "expected {}, found {}", what, Describe(current()));
}

void Parser::Run() {
    program_.root.body = ParseBody({}, 1);
    if (!unknown_.empty())
        FailAt(unknown_[0].line, "no {} named '{}'", unknown_[0].what, unknown_[0].name);
}

Body Parser::ParseBody(Names end_tags, int start_line) {
    Nest nest(*this);
    Body body;
    for (;;) {
        switch (current().type) {
            case Token::Type::kData: {
                int line = current().line;
                body.push_back(std::make_unique<TextStmt>(line, Take().text));
                break;
            }
            case Token::Type::kVariableBegin:
                ParsePrint(body);
                break;
            case Token::Type::kBlockBegin:
                Take();
                if (AtAnyName(end_tags)) return body;
                body.push_back(ParseStatement());
                Expect(Token::Type::kBlockEnd, "'%}'");
                break;
            default:
                if (end_tags.size() == 0) return body;
                FailAt(current().line, "the template ends, but {{% {} %}} is missing for line {}",
                       *(end_tags.end() - 1), start_line);
        }
    }
}

void Parser::ParsePrint(Body& body) {
    auto print = std::make_unique<PrintStmt>(Take().line);
    print->values.push_back(ParseTuple(Condition::kAllowed));
    Expect(Token::Type::kVariableEnd, "'}}'");
    body.push_back(std::move(print));
}

Body Parser::ParseBlock(Names end_tags, int start_line) {
    SkipSign(":");
    Expect(Token::Type::kBlockEnd, "'%}'");
    return ParseBody(end_tags, start_line);
}

Body Parser::ParseBlockToEnd(std::string_view end_tag, int start_line) {
    Body body = ParseBlock({end_tag}, start_line);
    ExpectName(end_tag);
    return body;
}

std::unique_ptr<Stmt> Parser::ParseStatement() {
    Nest nest(*this);
    if (!At(Token::Type::kName)) FailExpected("the name of a tag");
    const std::string& tag = current().text;
    if (tag == "for") return ParseFor();
    if (tag == "if") return ParseIf();
    if (tag == "set") return ParseSet();
    if (tag == "macro") return ParseMacro();
    if (tag == "call") return ParseCallBlock();
    if (tag == "generation") return ParseGeneration();
    if (tag == "filter") return ParseFilterBlock();
    if (tag == "with") return ParseWith();
    if (tag == "print") return ParsePrintTag();
    if (tag == "break" || tag == "continue") return ParseJump();
    FailTag(current());
}

void Parser::FailTag(const Token& token) const {
    for (std::string_view name : {"block", "extends", "include", "import", "from", "autoescape"})
        if (token.text == name)
            FailAt(token.line, "{{% {} %}} is not supported: a chat template stands alone", name);
    if (token.text.starts_with("end") || token.text == "else" || token.text == "elif")
        FailAt(token.line, "{{% {} %}} does not close the tag that is open here", token.text);
    FailAt(token.line, "unknown tag '{}'", token.text);
}

std::unique_ptr<Stmt> Parser::ParseFor() {
    auto loop = std::make_unique<ForStmt>(Take().line);
    With<int> anywhere(loops_anywhere_, loops_anywhere_ + 1);
    loop->target = ParseTarget(Targets::kNames, "in");
    ExpectName("in");
    loop->iterable = ParseTuple(Condition::kNot, "recursive");
    With<bool> conditional(conditional_, false);
    if (SkipName("if")) loop->condition = ParseExpression();
    loop->recursive = SkipName("recursive");
    {
        With<int> loops(loops_, loops_ + 1);
        loop->body = ParseBlock({"else", "endfor"}, loop->line);
    }
    if (SkipName("else")) {
        With<int> loops(loops_, loop->recursive ? 0 : loops_);
        loop->otherwise = ParseBlockToEnd("endfor", loop->line);
    } else {
        ExpectName("endfor");
    }
    return loop;
}

std::unique_ptr<Stmt> Parser::ParseIf() {
    auto choice = std::make_unique<IfStmt>(Take().line);
    With<bool> conditional(conditional_, true);
    do {
        IfStmt::Branch branch;
        branch.condition = ParseTuple(Condition::kNot);
        branch.body = ParseBlock({"elif", "else", "endif"}, choice->line);
        choice->branches.push_back(std::move(branch));
    } while (SkipName("elif"));
    if (SkipName("else"))
        choice->otherwise = ParseBlockToEnd("endif", choice->line);
    else
        ExpectName("endif");
    return choice;
}

std::unique_ptr<Stmt> Parser::ParseSet() {
    int line = Take().line;
    ExprPtr target = ParseTarget(Targets::kNamesAndNamespaces, {});
    if (SkipSign("=")) {
        auto set = std::make_unique<SetStmt>(line);
        set->target = std::move(target);
        set->value = ParseTuple(Condition::kAllowed);
        return set;
    }
    auto block = std::make_unique<SetBlockStmt>(line);
    block->target = std::move(target);
    With<bool> conditional(conditional_, false);
    if (AtSign("|")) block->filter = ParseFilters(nullptr);
    block->body = ParseBlockToEnd("endset", line);
    return block;
}

void Parser::ParseSignature(Function& function) {
    ExpectSign("(");
    while (!AtSign(")")) {
        if (!function.parameters.empty()) ExpectSign(",");
        int line = current().line;
        function.parameters.push_back(ParseVariableName());
        if (SkipSign("="))
            function.defaults.push_back(ParseExpression());
        else if (!function.defaults.empty())
            FailAt(line, "a parameter without a default follows one that has a default");
    }
    ExpectSign(")");
    auto sorted = function.parameters;
    std::ranges::sort(sorted);
    if (std::ranges::adjacent_find(sorted) != sorted.end())
        FailAt(function.line, "two parameters have one name");
}

void Parser::ParseFunctionBody(Function& function, std::string_view end_tag, int start_line) {
    With<int> loops(loops_, 0);
    With<bool> conditional(conditional_, false);
    function.body = ParseBlockToEnd(end_tag, start_line);
}

std::unique_ptr<Stmt> Parser::ParseMacro() {
    auto macro = std::make_unique<MacroStmt>(Take().line);
    macro->function.line = macro->line;
    macro->function.name = ParseVariableName();
    ParseSignature(macro->function);
    ParseFunctionBody(macro->function, "endmacro", macro->line);
    return macro;
}

std::unique_ptr<Stmt> Parser::ParseCallBlock() {
    auto block = std::make_unique<CallBlockStmt>(Take().line);
    block->function.line = block->line;
    if (AtSign("(")) ParseSignature(block->function);
    block->call = ParseExpression();
    if (block->call->kind != ExprKind::kCall) FailAt(block->line, "expected a call");
    ParseFunctionBody(block->function, "endcall", block->line);
    return block;
}

std::unique_ptr<Stmt> Parser::ParseGeneration() {
    auto block = std::make_unique<CallBlockStmt>(Take().line);
    block->function.line = block->line;
    ParseFunctionBody(block->function, "endgeneration", block->line);
    return block;
}

std::unique_ptr<Stmt> Parser::ParseFilterBlock() {
    auto block = std::make_unique<FilterBlockStmt>(Take().line);
    With<bool> conditional(conditional_, false);
    block->filter = ParseFilters(ParseFilter(nullptr));
    block->body = ParseBlockToEnd("endfilter", block->line);
    return block;
}

std::unique_ptr<Stmt> Parser::ParseWith() {
    auto block = std::make_unique<WithStmt>(Take().line);
    while (!At(Token::Type::kBlockEnd)) {
        if (!block->assignments.empty()) ExpectSign(",");
        ExprPtr target = ParseTarget(Targets::kNames, {});
        ExpectSign("=");
        block->assignments.emplace_back(std::move(target), ParseExpression());
    }
    With<bool> conditional(conditional_, false);
    block->body = ParseBlockToEnd("endwith", block->line);
    return block;
}

std::unique_ptr<Stmt> Parser::ParsePrintTag() {
    auto print = std::make_unique<PrintStmt>(Take().line);
    while (!At(Token::Type::kBlockEnd)) {
        if (!print->values.empty()) ExpectSign(",");
        print->values.push_back(ParseExpression());
    }
    return print;
}

std::unique_ptr<Stmt> Parser::ParseJump() {
    Token tag = Take();
    if (loops_ == 0) FailAt(tag.line, "'{}' outside of a loop", tag.text);
    return std::make_unique<JumpStmt>(tag.text == "break" ? StmtKind::kBreak : StmtKind::kContinue,
                                      tag.line);
}

std::string Parser::ParseVariableName() {
    int line = current().line;
    std::string name = TakeName("a name");
    CheckVariableName(name, line);
    return name;
}

void Parser::CheckVariableName(std::string_view name, int line) const {
    for (std::string_view constant : {"true", "false", "none", "True", "False", "None"})
        if (name == constant) FailAt(line, "can't assign to '{}'", name);
}

ExprPtr Parser::ParseTargetItem(Targets allowed) {
    Nest nest(*this);
    int line = current().line;
    if (SkipSign("(")) {
        ExprPtr inner = ParseTarget(allowed, {});
        ExpectSign(")");
        return inner;
    }
    std::string name = ParseVariableName();
    if (allowed == Targets::kNamesAndNamespaces && SkipSign("."))
        return std::make_unique<NamespaceRefExpr>(
            line, std::move(name), ConstantString(TakeName("the name of an attribute")));
    if (name == "loop" && loops_anywhere_ > 0)
        FailAt(line, "can't assign to the special variable 'loop' in a loop");
    return std::make_unique<NameExpr>(line, std::move(name));
}

ExprPtr Parser::ParseTarget(Targets allowed, std::string_view end_name) {
    int line = current().line;
    ExprPtr first = ParseTargetItem(allowed);
    if (!AtSign(",")) return first;
    auto tuple = std::make_unique<ItemsExpr>(ExprKind::kTuple, line);
    tuple->items.push_back(std::move(first));
    while (SkipSign(",")) {
        bool ends = At(Token::Type::kBlockEnd) || AtSign(")") || AtSign("=") ||
                    (!end_name.empty() && AtName(end_name));
        if (ends) break;
        tuple->items.push_back(ParseTargetItem(allowed));
    }
    for (const ExprPtr& item : tuple->items) Raise(*tuple, item);
    return tuple;
}

}  // namespace lathe::chat
