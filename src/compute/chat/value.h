#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compute/chat/budget.h"
#include "core/json/json.h"

namespace lathe::chat {

// Python's integers have no bound; these have 127 bits and overflow is a Fault.
using Int = __int128;

enum class Kind : uint8_t {
    kMissing,  // no value at all: an unset variable, an argument not given
    kUndefined,
    kNone,
    kBool,
    kInt,
    kFloat,
    kString,
    kList,
    kTuple,
    kDict,
    kView,  // dict.keys(), .values(), .items()
    kRange,
    kIterator,  // what a generator filter gives: can be walked once
    kNamespace,
    kHost,  // functions, macros, loop and other objects with behaviour of their own
};

// Shared immutable data (a namespace and a loop are the exceptions: they change).
//
// Objects of a rendering count their references and charge its budget. Constants of a
// parsed template have no budget; the template owns them, nothing counts them, and so
// renderings in several threads may share them.
struct Object {
    Object(Budget* owner, size_t bytes) : budget(owner), charged(bytes) {
        if (budget) budget->Take(bytes);
    }
    virtual ~Object() {
        if (budget) budget->Return(charged);
    }
    Object(const Object&) = delete;
    Object& operator=(const Object&) = delete;

    // Replaces what the object is charged for.
    void Charge(size_t bytes) {
        if (!budget) return;
        if (bytes > charged)
            budget->Take(bytes - charged);
        else
            budget->Return(charged - bytes);
        charged = bytes;
    }

    uint32_t references = 0;
    uint32_t height = 0;  // how deep values nest below; bounded by kValueHeightMax
    Budget* const budget;
    size_t charged;
};

// Walking, printing and freeing a value recurses this deep at most.
inline constexpr uint32_t kValueHeightMax = 400;

template <typename T>
class Ref {
public:
    Ref() = default;
    explicit Ref(T* object) : object_(object) { Retain(); }
    Ref(const Ref& other) : object_(other.object_) { Retain(); }
    Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    Ref& operator=(Ref other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~Ref() { Release(); }

    T* get() const { return object_; }
    T* operator->() const { return object_; }
    T& operator*() const { return *object_; }
    explicit operator bool() const { return object_ != nullptr; }

private:
    void Retain() const {
        if (object_ && object_->budget) ++object_->references;
    }
    void Release() const {
        if (object_ && object_->budget && --object_->references == 0) delete object_;
    }
    T* object_ = nullptr;
};

struct StringObject;
struct UndefinedObject;
struct SequenceObject;
struct DictObject;
struct ViewObject;
struct RangeObject;
struct IteratorObject;
struct NamespaceObject;
struct HostObject;

// One value of the template language. Copying is cheap. One thread, except constants.
class Value {
public:
    Value() : kind_(Kind::kMissing), integer_(0) {}
    static Value None() { return Value(Kind::kNone); }
    static Value Bool(bool value) {
        Value result(Kind::kBool);
        result.integer_ = value;
        return result;
    }
    static Value Integer(Int value) {
        Value result(Kind::kInt);
        result.integer_ = value;
        return result;
    }
    static Value Float(double value) {
        Value result(Kind::kFloat);
        result.real_ = value;
        return result;
    }
    // Takes part in the object's references.
    Value(Kind kind, Object* object) : kind_(kind), object_(object) { Retain(); }

    Value(const Value& other) : kind_(other.kind_), integer_(0) {
        CopyPayload(other);
        Retain();
    }
    Value(Value&& other) noexcept : kind_(other.kind_), integer_(0) {
        CopyPayload(other);
        other.kind_ = Kind::kMissing;
    }
    Value& operator=(const Value& other) { return *this = Value(other); }
    Value& operator=(Value&& other) noexcept {
        if (this == &other) return *this;
        Value old(std::move(*this));
        kind_ = other.kind_;
        CopyPayload(other);
        other.kind_ = Kind::kMissing;
        return *this;
    }
    ~Value() {
        if (HasObject()) Release();
    }

    Kind kind() const { return kind_; }
    bool Is(Kind kind) const { return kind_ == kind; }
    bool IsMissing() const { return kind_ == Kind::kMissing; }
    bool IsUndefined() const { return kind_ == Kind::kUndefined; }
    bool IsNone() const { return kind_ == Kind::kNone; }
    bool IsString() const { return kind_ == Kind::kString; }
    // A bool is an integer, as in Python.
    bool IsIntegral() const { return kind_ == Kind::kInt || kind_ == Kind::kBool; }
    bool IsNumber() const { return IsIntegral() || kind_ == Kind::kFloat; }
    bool IsSequence() const { return kind_ == Kind::kList || kind_ == Kind::kTuple; }

    // Requires: the kind they name.
    bool boolean() const { return integer_ != 0; }
    Int integer() const { return integer_; }  // also of a bool
    double real() const { return real_; }
    double AsDouble() const {
        return kind_ == Kind::kFloat ? real_ : static_cast<double>(integer_);
    }
    const std::string& text() const;
    const StringObject& string() const;
    const UndefinedObject& undefined() const;
    const std::vector<Value>& items() const;  // of a list or tuple
    const DictObject& dict() const;
    const ViewObject& view() const;
    const RangeObject& range() const;
    IteratorObject& iterator() const;
    NamespaceObject& name_space() const;
    HostObject& host() const;
    Object* object() const { return object_; }

    bool HasObject() const { return kind_ == Kind::kUndefined || kind_ >= Kind::kString; }
    uint32_t height() const { return HasObject() ? object_->height : 0; }

private:
    explicit Value(Kind kind) : kind_(kind), integer_(0) {}
    void CopyPayload(const Value& other) {
        if (other.kind_ == Kind::kFloat)
            real_ = other.real_;
        else if (other.HasObject())
            object_ = other.object_;
        else
            integer_ = other.integer_;
    }
    void Retain() const {
        if (HasObject() && object_->budget) ++object_->references;
    }
    void Release() const {
        if (object_->budget && --object_->references == 0) delete object_;
    }

    Kind kind_;
    union {
        Int integer_;
        double real_;
        Object* object_;
    };
};

struct StringObject : Object {
    StringObject(Budget* owner, std::string content, bool is_markup);
    std::string text;  // valid UTF-8
    size_t length;     // code points
    bool markup;       // marked by `safe`: adding to it escapes what is added
    bool ascii() const { return length == text.size(); }
};

// Prints as nothing, and fails with its message as soon as it is worked with.
struct UndefinedObject : Object {
    UndefinedObject(Budget* owner, std::string text)
        : Object(owner, sizeof(UndefinedObject) + text.capacity()), message(std::move(text)) {}
    std::string message;
};

struct SequenceObject : Object {
    SequenceObject(Budget* owner, std::vector<Value> values);
    std::vector<Value> items;
};

// A tuple that groupby gives: its two items also have names.
struct GroupObject : SequenceObject {
    using SequenceObject::SequenceObject;
};

struct RangeObject : Object {
    RangeObject(Budget* owner, Int from, Int to, Int by)
        : Object(owner, sizeof(RangeObject)), start(from), stop(to), step(by) {}
    Int length() const;
    const Int start, stop, step;
};

class Interpreter;
struct Arguments;

struct IteratorObject : Object {
    using Object::Object;
    // False when there is nothing more.
    virtual bool Next(Interpreter& interpreter, Value& out) = 0;
    virtual std::string_view type_name() const { return "generator"; }
};

struct HostObject : Object {
    using Object::Object;
    virtual std::string_view type_name() const = 0;
    virtual std::string Print() const = 0;
    virtual bool callable() const { return true; }
    virtual Value Call(Interpreter& interpreter, Arguments& arguments);
    // Missing if there is no such attribute.
    virtual Value Attribute(Interpreter& interpreter, std::string_view name);
};

// Makers. A null budget makes a constant, whose owner deletes it.
Value MakeString(Budget* budget, std::string text, bool markup = false);
inline Value MakeString(Budget& budget, std::string text, bool markup = false) {
    return MakeString(&budget, std::move(text), markup);
}
Value MakeList(Budget& budget, std::vector<Value> items);
Value MakeTuple(Budget& budget, std::vector<Value> items);
Value MakeUndefined(Budget& budget, std::string message);
// Fails if something that holds a value of this height would nest too deep.
uint32_t HeightAbove(uint32_t height);

// Collects values under a budget. One thread.
class ListBuilder {
public:
    explicit ListBuilder(Budget& budget) : budget_(budget) {}
    void Append(Value value) {
        if (items_.size() == items_.capacity()) {
            budget_.RequireRoom(items_.size() * 2 + 8, sizeof(Value));
            budget_.Step(items_.size() / 8);
        }
        items_.push_back(std::move(value));
    }
    size_t size() const { return items_.size(); }
    std::vector<Value>& items() { return items_; }
    // What was collected; empty again afterwards.
    Value List() { return MakeList(budget_, std::exchange(items_, {})); }

private:
    Budget& budget_;
    std::vector<Value> items_;
};

// "str", "NoneType", "list" and so on, as Python names the type.
std::string_view TypeName(const Value& value);

// A JSON value as the template sees it. Invalid UTF-8 becomes U+FFFD.
Value FromJson(Budget& budget, const Json& json);

}  // namespace lathe::chat
