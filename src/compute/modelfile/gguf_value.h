#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::modelfile {

// Numbers as in the file format.
enum class GgufType : uint32_t {
    kU8 = 0,
    kI8 = 1,
    kU16 = 2,
    kI16 = 3,
    kU32 = 4,
    kI32 = 5,
    kF32 = 6,
    kBool = 7,
    kString = 8,
    kArray = 9,
    kU64 = 10,
    kI64 = 11,
    kF64 = 12,
};

// "u32", "string", "array", ...; "type 77" for a number outside the list.
std::string TypeName(GgufType type);

// Bytes of one value; 0 for strings and arrays, whose length varies.
size_t FixedBytes(GgufType type);

// One metadata value: a scalar, a string or an array of either. Borrows the bytes of
// the file, which the parser has checked. A To...() gives nullopt where the value is
// of another type or does not fit.
//
// Const-safe.
class GgufValue {
public:
    GgufValue() = default;
    // `payload` holds exactly `count` values of `element`; a string in it is preceded
    // by its length.
    GgufValue(GgufType element, bool is_array, uint64_t count, std::span<const std::byte> payload)
        : element_(element), is_array_(is_array), count_(count), payload_(payload) {}

    GgufType type() const { return is_array_ ? GgufType::kArray : element_; }
    GgufType element_type() const { return element_; }
    uint64_t count() const { return count_; }  // of an array's elements; 1 for a scalar
    std::span<const std::byte> payload() const { return payload_; }

    std::optional<uint64_t> ToUnsigned() const;  // any integer type that is not negative
    std::optional<int64_t> ToSigned() const;     // any integer type
    std::optional<double> ToReal() const;        // any number
    std::optional<bool> ToBool() const;
    std::optional<std::string_view> ToString() const;

    // Arrays. Integers also from bools, reals also from integers.
    std::optional<std::vector<int64_t>> ToIntegers() const;
    std::optional<std::vector<float>> ToFloats() const;
    std::optional<std::vector<std::string_view>> ToStrings() const;

    // For people: strings and arrays are cut after `length_max` bytes; bytes that are
    // not printable UTF-8 are escaped.
    std::string Describe(size_t length_max) const;

private:
    std::string DescribeElement(const std::byte*& at, size_t length_max) const;

    GgufType element_ = GgufType::kU8;
    bool is_array_ = false;
    uint64_t count_ = 0;
    std::span<const std::byte> payload_;
};

}  // namespace lathe::modelfile
