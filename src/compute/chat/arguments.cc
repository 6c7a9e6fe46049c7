#include "compute/chat/arguments.h"

#include <algorithm>

#include "compute/chat/operators.h"

namespace lathe::chat {

const Value* Arguments::Named(std::string_view name) const {
    for (const auto& [key, value] : named)
        if (key == name) return &value;
    return nullptr;
}

Value Arguments::TakeNamed(std::string_view name) {
    auto found = std::ranges::find_if(named, [&](const auto& pair) { return pair.first == name; });
    if (found == named.end()) return Value();
    Value value = std::move(found->second);
    named.erase(found);
    return value;
}

Bound::Bound(std::string_view function, const Arguments& arguments,
             std::initializer_list<std::string_view> parameters, size_t required, By by)
    : function_(function), values_(parameters.size()) {
    if (arguments.positional.size() > parameters.size())
        Fail("{}() takes at most {} argument{} ({} given)", function, parameters.size(),
             parameters.size() == 1 ? "" : "s", arguments.positional.size());
    std::ranges::copy(arguments.positional, values_.begin());
    if (by == By::kPosition && !arguments.named.empty())
        Fail("{}() takes no keyword arguments", function);
    for (const auto& [name, value] : arguments.named) {
        auto parameter = std::ranges::find(parameters, name);
        if (parameter == parameters.end())
            Fail("{}() got an unexpected keyword argument '{}'", function, name);
        Value& place = values_[static_cast<size_t>(parameter - parameters.begin())];
        if (!place.IsMissing()) Fail("{}() got multiple values for argument '{}'", function, name);
        place = value;
    }
    for (size_t i = 0; i < required; ++i)
        if (values_[i].IsMissing())
            Fail("{}() missing required argument '{}'", function, *(parameters.begin() + i));
}

Int Bound::IntOr(size_t index, Int otherwise) const {
    return Has(index) ? RequireIndex(values_[index]) : otherwise;
}

bool Bound::TruthOr(size_t index, bool otherwise) const {
    return Has(index) ? Truth(values_[index]) : otherwise;
}

const std::string& Bound::Text(size_t index) const {
    if (!values_[index].IsString())
        Fail("{}() argument {} must be str, not {}", function_, index + 1,
             TypeName(values_[index]));
    return values_[index].text();
}

}  // namespace lathe::chat
