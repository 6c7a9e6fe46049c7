#include "compute/modelfile/gguf_value.h"

#include <fmt/format.h>

#include <cstring>
#include <limits>
#include <type_traits>

#include "compute/modelfile/printable.h"
#include "core/base/check.h"

namespace lathe::modelfile {
namespace {

template <typename T>
T Load(const std::byte* at) {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
}

// Calls visit(value) with the scalar at `at` in its own type. Requires: not a string
// or an array.
template <typename Visit>
auto VisitScalar(GgufType type, const std::byte* at, Visit visit) {
    switch (type) {
        case GgufType::kU8:
            return visit(Load<uint8_t>(at));
        case GgufType::kI8:
            return visit(Load<int8_t>(at));
        case GgufType::kU16:
            return visit(Load<uint16_t>(at));
        case GgufType::kI16:
            return visit(Load<int16_t>(at));
        case GgufType::kU32:
            return visit(Load<uint32_t>(at));
        case GgufType::kI32:
            return visit(Load<int32_t>(at));
        case GgufType::kF32:
            return visit(Load<float>(at));
        case GgufType::kBool:
            return visit(Load<uint8_t>(at) != 0);
        case GgufType::kU64:
            return visit(Load<uint64_t>(at));
        case GgufType::kI64:
            return visit(Load<int64_t>(at));
        case GgufType::kF64:
            return visit(Load<double>(at));
        case GgufType::kString:
        case GgufType::kArray:
            break;
    }
    LATHE_CHECK(false);
}

bool IsInteger(GgufType type) {
    return FixedBytes(type) > 0 && type != GgufType::kF32 && type != GgufType::kF64 &&
           type != GgufType::kBool;
}

bool IsReal(GgufType type) {
    return type == GgufType::kF32 || type == GgufType::kF64;
}

std::optional<int64_t> SignedAt(GgufType type, const std::byte* at) {
    return VisitScalar(type, at, [](auto value) -> std::optional<int64_t> {
        if constexpr (std::is_same_v<decltype(value), uint64_t>) {
            if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
                return std::nullopt;
        }
        return static_cast<int64_t>(value);
    });
}

}  // namespace

std::string TypeName(GgufType type) {
    switch (type) {
        case GgufType::kU8:
            return "u8";
        case GgufType::kI8:
            return "i8";
        case GgufType::kU16:
            return "u16";
        case GgufType::kI16:
            return "i16";
        case GgufType::kU32:
            return "u32";
        case GgufType::kI32:
            return "i32";
        case GgufType::kF32:
            return "f32";
        case GgufType::kBool:
            return "bool";
        case GgufType::kString:
            return "string";
        case GgufType::kArray:
            return "array";
        case GgufType::kU64:
            return "u64";
        case GgufType::kI64:
            return "i64";
        case GgufType::kF64:
            return "f64";
    }
    return fmt::format("type {}", static_cast<uint32_t>(type));
}

size_t FixedBytes(GgufType type) {
    switch (type) {
        case GgufType::kU8:
        case GgufType::kI8:
        case GgufType::kBool:
            return 1;
        case GgufType::kU16:
        case GgufType::kI16:
            return 2;
        case GgufType::kU32:
        case GgufType::kI32:
        case GgufType::kF32:
            return 4;
        case GgufType::kU64:
        case GgufType::kI64:
        case GgufType::kF64:
            return 8;
        case GgufType::kString:
        case GgufType::kArray:
            break;
    }
    return 0;
}

std::optional<uint64_t> GgufValue::ToUnsigned() const {
    if (is_array_ || !IsInteger(element_)) return std::nullopt;
    if (element_ == GgufType::kU64) return Load<uint64_t>(payload_.data());
    std::optional<int64_t> value = SignedAt(element_, payload_.data());
    if (!value || *value < 0) return std::nullopt;
    return static_cast<uint64_t>(*value);
}

std::optional<int64_t> GgufValue::ToSigned() const {
    if (is_array_ || !IsInteger(element_)) return std::nullopt;
    return SignedAt(element_, payload_.data());
}

std::optional<double> GgufValue::ToReal() const {
    if (is_array_ || !(IsInteger(element_) || IsReal(element_))) return std::nullopt;
    return VisitScalar(element_, payload_.data(),
                       [](auto value) { return static_cast<double>(value); });
}

std::optional<bool> GgufValue::ToBool() const {
    if (is_array_ || element_ != GgufType::kBool) return std::nullopt;
    return Load<uint8_t>(payload_.data()) != 0;
}

std::optional<std::string_view> GgufValue::ToString() const {
    if (is_array_ || element_ != GgufType::kString) return std::nullopt;
    return std::string_view(reinterpret_cast<const char*>(payload_.data()) + 8,
                            payload_.size() - 8);
}

std::optional<std::vector<int64_t>> GgufValue::ToIntegers() const {
    if (!is_array_ || !(IsInteger(element_) || element_ == GgufType::kBool)) return std::nullopt;
    std::vector<int64_t> values;
    values.reserve(count_);
    for (size_t i = 0; i < count_; ++i) {
        auto value = SignedAt(element_, payload_.data() + i * FixedBytes(element_));
        if (!value) return std::nullopt;
        values.push_back(*value);
    }
    return values;
}

std::optional<std::vector<float>> GgufValue::ToFloats() const {
    if (!is_array_ || !(IsInteger(element_) || IsReal(element_))) return std::nullopt;
    std::vector<float> values;
    values.reserve(count_);
    for (size_t i = 0; i < count_; ++i)
        values.push_back(VisitScalar(element_, payload_.data() + i * FixedBytes(element_),
                                     [](auto value) { return static_cast<float>(value); }));
    return values;
}

std::optional<std::vector<std::string_view>> GgufValue::ToStrings() const {
    if (!is_array_ || element_ != GgufType::kString) return std::nullopt;
    std::vector<std::string_view> values;
    values.reserve(count_);
    const std::byte* at = payload_.data();
    for (size_t i = 0; i < count_; ++i) {
        auto length = static_cast<size_t>(Load<uint64_t>(at));
        values.emplace_back(reinterpret_cast<const char*>(at) + 8, length);
        at += 8 + length;
    }
    return values;
}

std::string GgufValue::DescribeElement(const std::byte*& at, size_t length_max) const {
    if (element_ == GgufType::kString) {
        auto length = static_cast<size_t>(Load<uint64_t>(at));
        std::string_view text(reinterpret_cast<const char*>(at) + 8, length);
        at += 8 + length;
        return '"' + Printable(text, length_max) + '"';
    }
    const std::byte* value_at = at;
    at += FixedBytes(element_);
    return VisitScalar(element_, value_at, [](auto value) { return fmt::format("{}", value); });
}

std::string GgufValue::Describe(size_t length_max) const {
    const std::byte* at = payload_.data();
    if (!is_array_) return DescribeElement(at, length_max);
    std::string text = fmt::format("{} x {} [", TypeName(element_), count_);
    for (uint64_t i = 0; i < count_; ++i) {
        if (i > 0) text += ", ";
        if (text.size() >= length_max) return text + "…]";
        text += DescribeElement(at, length_max - text.size());
    }
    return text + "]";
}

}  // namespace lathe::modelfile
