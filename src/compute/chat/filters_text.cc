// Filters that give text.
#include "compute/chat/dict.h"
#include "compute/chat/filter_tables.h"
#include "compute/chat/format.h"
#include "compute/chat/interpreter.h"
#include "compute/chat/iterators.h"
#include "compute/chat/numbers.h"
#include "compute/chat/operators.h"
#include "compute/chat/print.h"
#include "compute/chat/text.h"
#include "compute/chat/unicode.h"

namespace lathe::chat {
namespace {

template <std::string (*Change)(std::string_view)>
Value ChangeCase(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("filter", arguments, {"s"}, 1);
    Budget& budget = interpreter.budget();
    Value text = SoftStr(budget, bound[0]);
    budget.Work(text.text().size() * 16);
    budget.RequireRoom(text.text().size(), 4);
    return MakeString(budget, Change(text.text()), text.string().markup);
}

Value TitleOf(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("title", arguments, {"s"}, 1);
    Budget& budget = interpreter.budget();
    std::string text = Str(budget, bound[0]);
    budget.Work(text.size() * 32);
    return MakeString(budget, TitleWords(text));
}

Value Trim(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("trim", arguments, {"value", "chars"}, 1);
    Budget& budget = interpreter.budget();
    Value text = SoftStr(budget, bound[0]);
    std::optional<std::string_view> characters;
    if (bound.Given(1)) characters = bound.Text(1);
    budget.Work(text.text().size() + (characters ? characters->size() * 16 : 0));
    return MakeString(budget, std::string(Strip(text.text(), characters)), text.string().markup);
}

Value ReplaceText(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("replace", arguments, {"s", "old", "new", "count"}, 3);
    Budget& budget = interpreter.budget();
    int64_t count = bound.Given(3) ? Clamp64(RequireIndex(bound[3])) : -1;
    return MakeString(budget, Replace(budget, Str(budget, bound[0]), Str(budget, bound[1]),
                                      Str(budget, bound[2]), count));
}

Value ToString(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("string", arguments, {"s"}, 1);
    return SoftStr(interpreter.budget(), bound[0]);
}

Value Escape(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("escape", arguments, {"s"}, 1);
    Budget& budget = interpreter.budget();
    if (bound[0].IsString() && bound[0].string().markup) return bound[0];
    return MakeString(budget, EscapeHtml(budget, Str(budget, bound[0])), true);
}

Value ForceEscape(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("forceescape", arguments, {"value"}, 1);
    Budget& budget = interpreter.budget();
    return MakeString(budget, EscapeHtml(budget, Str(budget, bound[0])), true);
}

Value Safe(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("safe", arguments, {"value"}, 1);
    Budget& budget = interpreter.budget();
    if (bound[0].IsString() && bound[0].string().markup) return bound[0];
    return MakeString(budget, Str(budget, bound[0]), true);
}

Value Center(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("center", arguments, {"value", "width"}, 1);
    Budget& budget = interpreter.budget();
    Value text = SoftStr(budget, bound[0]);
    return MakeString(budget,
                      Pad(budget, text.text(), text.string().length, Clamp64(bound.IntOr(1, 80)),
                          " ", Align::kCenter),
                      text.string().markup);
}

Value Indent(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("indent", arguments, {"s", "width", "first", "blank"}, 1);
    Budget& budget = interpreter.budget();
    RequireDefined(bound[0]);
    const std::string& text = bound.Text(0);
    TextBuilder indention(budget);
    if (bound.Has(1) && bound[1].IsString())
        indention.Append(bound[1].text());
    else
        indention.Repeat(" ",
                         static_cast<size_t>(std::max<int64_t>(0, Clamp64(bound.IntOr(1, 4)))));
    const bool blank = bound.TruthOr(3, false);
    TextBuilder out(budget);
    if (bound.TruthOr(2, false)) out.Append(indention.text());
    bool first = true;
    // A line break more, so that one at the end counts as a line.
    for (std::string_view line : SplitLines(budget, text + "\n", LineEnds::kDrop)) {
        if (!first) {
            out.Append('\n');
            if (blank || !line.empty()) out.Append(indention.text());
        }
        first = false;
        out.Append(line);
    }
    return MakeString(budget, out.Release(), bound[0].string().markup);
}

Value Truncated(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("truncate", arguments, {"s", "length", "killwords", "end", "leeway"}, 1);
    Budget& budget = interpreter.budget();
    std::string end = bound.Has(3) ? bound.Text(3) : "...";
    Int length = bound.IntOr(1, 255);
    Int leeway = bound.Given(4) ? RequireIndex(bound[4]) : 5;
    auto end_length = static_cast<Int>(CountCodePoints(end));
    if (length < end_length) Fail("truncate needs a length of {} at least", IntText(end_length));
    if (leeway < 0) Fail("truncate needs a leeway of 0 at least");
    if (RequireLength(bound[0]) - leeway <= length) return bound[0];
    const std::string& text = bound.Text(0);
    std::string_view kept =
        std::string_view(text).substr(0, OffsetOf(text, static_cast<size_t>(length - end_length)));
    if (!bound.TruthOr(2, false)) kept = kept.substr(0, kept.rfind(' '));
    return MakeString(budget, std::string(kept) + end);
}

Value FormatText(Interpreter& interpreter, Arguments& arguments) {
    Budget& budget = interpreter.budget();
    Value format = SoftStr(budget, arguments.positional[0]);
    arguments.positional.erase(arguments.positional.begin());
    if (!arguments.positional.empty() && !arguments.named.empty())
        Fail("can't handle positional and keyword arguments at the same time");
    if (arguments.named.empty())
        return FormatPercent(interpreter, format.string(),
                             MakeTuple(budget, std::move(arguments.positional)));
    Dict named;
    for (auto& [name, value] : arguments.named)
        named.Set(budget, MakeString(budget, name), std::move(value));
    return FormatPercent(interpreter, format.string(), MakeDict(budget, std::move(named)));
}

Value UrlEncode(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("urlencode", arguments, {"value"}, 1);
    Budget& budget = interpreter.budget();
    const Value& value = bound[0];
    if (value.IsString() || !IsIterable(value))
        return MakeString(budget, EncodeUrl(budget, Str(budget, value), "/"));
    auto quoted = [&](const Value& part) {
        return Replace(budget, EncodeUrl(budget, Str(budget, part), ""), "%20", "+", -1);
    };
    Value pairs = value.Is(Kind::kDict) ? MakeView(budget, value, ViewObject::Part::kItems) : value;
    TextBuilder out(budget);
    Ref<IteratorObject> iterator = interpreter.Iterate(pairs);
    Value pair;
    for (bool first = true; iterator->Next(interpreter, pair); first = false) {
        std::vector<Value> items = Collect(interpreter, pair);
        if (items.size() != 2) Fail("urlencode needs pairs of key and value");
        if (!first) out.Append('&');
        out.Append(quoted(items[0]));
        out.Append('=');
        out.Append(quoted(items[1]));
    }
    return MakeString(budget, out.Release());
}

Value WordCount(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("wordcount", arguments, {"s"}, 1);
    std::string text = Str(interpreter.budget(), bound[0]);
    interpreter.budget().Work(text.size() * 8);
    return Value::Integer(static_cast<Int>(CountWords(text)));
}

Value Join(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("join", arguments, {"value", "d", "attribute"}, 1);
    Budget& budget = interpreter.budget();
    std::string separator = bound.Has(1) ? Str(budget, bound[1]) : "";
    TextBuilder out(budget);
    Ref<IteratorObject> iterator = interpreter.Iterate(bound[0]);
    Value item;
    for (bool first = true; iterator->Next(interpreter, item); first = false) {
        if (bound.Given(2)) item = FollowPath(interpreter, std::move(item), bound[2], Value());
        if (!first) out.Append(separator);
        AppendStr(out, budget, item);
    }
    return MakeString(budget, out.Release());
}

constexpr Filter kFilters[] = {
    {"capitalize", ChangeCase<Capitalize>},
    {"center", Center},
    {"e", Escape},
    {"escape", Escape},
    {"forceescape", ForceEscape},
    {"format", FormatText},
    {"indent", Indent},
    {"join", Join},
    {"lower", ChangeCase<Lower>},
    {"replace", ReplaceText},
    {"safe", Safe},
    {"string", ToString},
    {"title", TitleOf},
    {"trim", Trim},
    {"truncate", Truncated},
    {"upper", ChangeCase<Upper>},
    {"urlencode", UrlEncode},
    {"wordcount", WordCount},
};

}  // namespace

std::span<const Filter> TextFilters() {
    return kFilters;
}

}  // namespace lathe::chat
