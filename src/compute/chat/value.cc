#include "compute/chat/value.h"

#include <algorithm>

#include "compute/chat/dict.h"
#include "compute/chat/unicode.h"
#include "core/base/check.h"

namespace lathe::chat {
namespace {

uint32_t HeightOf(const std::vector<Value>& items) {
    uint32_t height = 0;
    for (const Value& item : items) height = std::max(height, item.height());
    return HeightAbove(height);
}

}  // namespace

uint32_t HeightAbove(uint32_t height) {
    if (height + 1 > kValueHeightMax) Fail("a value nests deeper than {} levels", kValueHeightMax);
    return height + 1;
}

StringObject::StringObject(Budget* owner, std::string content, bool is_markup)
    : Object(owner, sizeof(StringObject) + content.capacity()),
      text(std::move(content)),
      length(CountCodePoints(text)),
      markup(is_markup) {
    if (owner) owner->Work(text.size());
}

SequenceObject::SequenceObject(Budget* owner, std::vector<Value> values)
    : Object(owner, sizeof(SequenceObject) + values.capacity() * sizeof(Value)),
      items(std::move(values)) {
    if (owner) owner->Step(items.size() / 16);
    height = HeightOf(items);
}

Int RangeObject::length() const {
    if (step > 0) return stop > start ? (stop - start - 1) / step + 1 : 0;
    return start > stop ? (start - stop - 1) / -step + 1 : 0;
}

Value HostObject::Call(Interpreter&, Arguments&) {
    Fail("'{}' object is not callable", type_name());
}

Value HostObject::Attribute(Interpreter&, std::string_view) {
    return Value();
}

const std::string& Value::text() const {
    return string().text;
}
const StringObject& Value::string() const {
    LATHE_CHECK(kind_ == Kind::kString);
    return static_cast<const StringObject&>(*object_);
}
const UndefinedObject& Value::undefined() const {
    LATHE_CHECK(kind_ == Kind::kUndefined);
    return static_cast<const UndefinedObject&>(*object_);
}
const std::vector<Value>& Value::items() const {
    LATHE_CHECK(IsSequence());
    return static_cast<const SequenceObject&>(*object_).items;
}
const DictObject& Value::dict() const {
    LATHE_CHECK(kind_ == Kind::kDict);
    return static_cast<const DictObject&>(*object_);
}
const ViewObject& Value::view() const {
    LATHE_CHECK(kind_ == Kind::kView);
    return static_cast<const ViewObject&>(*object_);
}
const RangeObject& Value::range() const {
    LATHE_CHECK(kind_ == Kind::kRange);
    return static_cast<const RangeObject&>(*object_);
}
IteratorObject& Value::iterator() const {
    LATHE_CHECK(kind_ == Kind::kIterator);
    return static_cast<IteratorObject&>(*object_);
}
NamespaceObject& Value::name_space() const {
    LATHE_CHECK(kind_ == Kind::kNamespace);
    return static_cast<NamespaceObject&>(*object_);
}
HostObject& Value::host() const {
    LATHE_CHECK(kind_ == Kind::kHost);
    return static_cast<HostObject&>(*object_);
}

Value MakeString(Budget* budget, std::string text, bool markup) {
    return Value(Kind::kString, new StringObject(budget, std::move(text), markup));
}
Value MakeList(Budget& budget, std::vector<Value> items) {
    return Value(Kind::kList, new SequenceObject(&budget, std::move(items)));
}
Value MakeTuple(Budget& budget, std::vector<Value> items) {
    return Value(Kind::kTuple, new SequenceObject(&budget, std::move(items)));
}
Value MakeUndefined(Budget& budget, std::string message) {
    return Value(Kind::kUndefined, new UndefinedObject(&budget, std::move(message)));
}

std::string_view TypeName(const Value& value) {
    switch (value.kind()) {
        case Kind::kMissing:
            return "missing";
        case Kind::kUndefined:
            return "Undefined";
        case Kind::kNone:
            return "NoneType";
        case Kind::kBool:
            return "bool";
        case Kind::kInt:
            return "int";
        case Kind::kFloat:
            return "float";
        case Kind::kString:
            return value.string().markup ? "Markup" : "str";
        case Kind::kList:
            return "list";
        case Kind::kTuple:
            return "tuple";
        case Kind::kDict:
            return "dict";
        case Kind::kView:
            switch (value.view().part) {
                case ViewObject::Part::kKeys:
                    return "dict_keys";
                case ViewObject::Part::kValues:
                    return "dict_values";
                case ViewObject::Part::kItems:
                    return "dict_items";
            }
            return "dict_view";
        case Kind::kRange:
            return "range";
        case Kind::kIterator:
            return value.iterator().type_name();
        case Kind::kNamespace:
            return "Namespace";
        case Kind::kHost:
            return value.host().type_name();
    }
    return "object";
}

Value FromJson(Budget& budget, const Json& json) {
    budget.Step();
    switch (json.type()) {
        case Json::value_t::boolean:
            return Value::Bool(json.get<bool>());
        case Json::value_t::number_integer:
            return Value::Integer(json.get<int64_t>());
        case Json::value_t::number_unsigned:
            return Value::Integer(json.get<uint64_t>());
        case Json::value_t::number_float:
            return Value::Float(json.get<double>());
        case Json::value_t::string:
            return MakeString(budget, ValidUtf8(json.get_ref<const std::string&>()));
        case Json::value_t::array: {
            ListBuilder list(budget);
            for (const Json& item : json) list.Append(FromJson(budget, item));
            return list.List();
        }
        case Json::value_t::object: {
            Dict dict;
            for (const auto& [key, item] : json.items())
                dict.Set(budget, MakeString(budget, ValidUtf8(key)), FromJson(budget, item));
            return MakeDict(budget, std::move(dict));
        }
        default:
            return Value::None();
    }
}

}  // namespace lathe::chat
