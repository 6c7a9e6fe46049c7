#include "compute/chat/filters.h"

#include <algorithm>

#include "compute/chat/attributes.h"
#include "compute/chat/filter_tables.h"
#include "compute/chat/interpreter.h"
#include "compute/chat/numbers.h"
#include "compute/chat/text.h"
#include "compute/chat/unicode.h"

namespace lathe::chat {

const Filter* FindFilter(std::string_view name) {
    for (std::span<const Filter> table :
         {ValueFilters(), TextFilters(), SequenceFilters(), SelectionFilters()}) {
        auto found = std::ranges::lower_bound(table, name, {}, &Filter::name);
        if (found != table.end() && found->name == name) return &*found;
    }
    return nullptr;
}

Value FollowPath(Interpreter& interpreter, Value item, const Value& path, const Value& otherwise) {
    Budget& budget = interpreter.budget();
    auto step = [&](const Value& part) {
        item = GetItem(interpreter, item, part);
        if (item.IsUndefined() && !otherwise.IsMissing() && !otherwise.IsNone()) item = otherwise;
    };
    if (!path.IsString()) {
        step(path);
        return item;
    }
    for (std::string_view part : Split(budget, path.text(), ".", -1)) {
        bool number = !part.empty() && part.find_first_not_of("0123456789") == std::string::npos;
        step(number ? Value::Integer(ParseInt(part).value_or(0))
                    : MakeString(budget, std::string(part)));
    }
    return item;
}

Value IgnoreCase(Budget& budget, const Value& value) {
    if (!value.IsString()) return value;
    budget.Work(value.text().size() * 16);
    budget.RequireRoom(value.text().size(), 4);
    return MakeString(budget, Lower(value.text()));
}

}  // namespace lathe::chat
