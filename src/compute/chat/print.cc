#include "compute/chat/print.h"

#include "compute/chat/dict.h"
#include "compute/chat/numbers.h"
#include "compute/chat/unicode.h"

namespace lathe::chat {
namespace {

void AppendEscaped(std::string& out, char32_t c, char quote) {
    if (c == '\\' || c == static_cast<unsigned char>(quote)) {
        out += '\\';
        out += static_cast<char>(c);
    } else if (c == '\n') {
        out += "\\n";
    } else if (c == '\r') {
        out += "\\r";
    } else if (c == '\t') {
        out += "\\t";
    } else if (c < 0x20 || c == 0x7f) {
        out += fmt::format("\\x{:02x}", static_cast<uint32_t>(c));
    } else if (c < 0x7f || IsPrintable(c)) {
        AppendCodePoint(out, c);
    } else if (c < 0x100) {
        out += fmt::format("\\x{:02x}", static_cast<uint32_t>(c));
    } else if (c < 0x10000) {
        out += fmt::format("\\u{:04x}", static_cast<uint32_t>(c));
    } else {
        out += fmt::format("\\U{:08x}", static_cast<uint32_t>(c));
    }
}

void AppendItems(TextBuilder& out, Budget& budget, const std::vector<Value>& items,
                 uint32_t depth) {
    for (size_t i = 0; i < items.size(); ++i) {
        if (i > 0) out.Append(", ");
        AppendRepr(out, budget, items[i], depth);
    }
}

void AppendDict(TextBuilder& out, Budget& budget, const Dict& dict, uint32_t depth) {
    out.Append('{');
    bool first = true;
    for (const Dict::Entry& entry : dict.entries()) {
        if (!first) out.Append(", ");
        first = false;
        AppendRepr(out, budget, entry.key, depth);
        out.Append(": ");
        AppendRepr(out, budget, entry.value, depth);
    }
    out.Append('}');
}

void AppendView(TextBuilder& out, Budget& budget, const ViewObject& view, uint32_t depth) {
    out.Append(TypeName(Value(Kind::kView, const_cast<ViewObject*>(&view))));
    out.Append("([");
    for (size_t i = 0; i < view.source->dict.size(); ++i) {
        if (i > 0) out.Append(", ");
        AppendRepr(out, budget, view.Item(budget, i), depth);
    }
    out.Append("])");
}

void AppendRange(TextBuilder& out, const RangeObject& range) {
    out.Append("range(" + IntText(range.start) + ", " + IntText(range.stop));
    if (range.step != 1) out.Append(", " + IntText(range.step));
    out.Append(')');
}

void AppendContainer(TextBuilder& out, Budget& budget, const Value& value, uint32_t depth) {
    switch (value.kind()) {
        case Kind::kList:
            out.Append('[');
            AppendItems(out, budget, value.items(), depth);
            out.Append(']');
            break;
        case Kind::kTuple:
            out.Append('(');
            AppendItems(out, budget, value.items(), depth);
            out.Append(value.items().size() == 1 ? ",)" : ")");
            break;
        case Kind::kDict:
            AppendDict(out, budget, value.dict().dict, depth);
            break;
        case Kind::kView:
            AppendView(out, budget, value.view(), depth);
            break;
        case Kind::kNamespace:
            out.Append("<Namespace ");
            AppendDict(out, budget, value.name_space().attributes, depth);
            out.Append('>');
            break;
        default:
            break;
    }
}

}  // namespace

std::string QuotedText(std::string_view text) {
    char quote = text.contains('\'') && !text.contains('"') ? '"' : '\'';
    std::string out(1, quote);
    for (size_t i = 0; i < text.size();) AppendEscaped(out, NextCodePoint(text, i), quote);
    out += quote;
    return out;
}

void AppendRepr(TextBuilder& out, Budget& budget, const Value& value, uint32_t depth) {
    budget.Step();
    // Only namespaces, which may hold themselves, can come to this.
    if (depth > kValueHeightMax) Fail("a value nests too deep to print");
    switch (value.kind()) {
        case Kind::kMissing:
            break;
        case Kind::kUndefined:
            out.Append("Undefined");
            break;
        case Kind::kNone:
            out.Append("None");
            break;
        case Kind::kBool:
            out.Append(value.boolean() ? "True" : "False");
            break;
        case Kind::kInt:
            out.Append(IntText(value.integer()));
            break;
        case Kind::kFloat:
            out.Append(FloatText(value.real()));
            break;
        case Kind::kString:
            budget.Work(value.text().size() * 8);
            budget.RequireRoom(value.text().size(), 4);
            if (value.string().markup)
                out.Append("Markup(" + QuotedText(value.text()) + ")");
            else
                out.Append(QuotedText(value.text()));
            break;
        case Kind::kRange:
            AppendRange(out, value.range());
            break;
        case Kind::kIterator:
            out.Append('<');
            out.Append(TypeName(value));
            out.Append(" object>");
            break;
        case Kind::kHost:
            out.Append(value.host().Print());
            break;
        default:
            AppendContainer(out, budget, value, depth + 1);
            break;
    }
}

void AppendStr(TextBuilder& out, Budget& budget, const Value& value) {
    if (value.IsString())
        out.Append(value.text());
    else if (!value.IsUndefined())
        AppendRepr(out, budget, value);
}

std::string Str(Budget& budget, const Value& value) {
    TextBuilder out(budget);
    AppendStr(out, budget, value);
    return out.Release();
}

std::string Repr(Budget& budget, const Value& value) {
    TextBuilder out(budget);
    AppendRepr(out, budget, value);
    return out.Release();
}

Value SoftStr(Budget& budget, const Value& value) {
    return value.IsString() ? value : MakeString(budget, Str(budget, value));
}

}  // namespace lathe::chat
