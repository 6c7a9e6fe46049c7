#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

namespace lathe::modelfile {

// Walks over little-endian bytes; every read is checked against the end and gives
// nullopt where it would pass it, leaving the position. One thread.
class ByteReader {
public:
    explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

    size_t position() const { return position_; }
    size_t remaining() const { return bytes_.size() - position_; }

    template <typename T>
    std::optional<T> Read() {
        if (remaining() < sizeof(T)) return std::nullopt;
        T value;
        std::memcpy(&value, bytes_.data() + position_, sizeof value);
        position_ += sizeof value;
        return value;
    }

    std::optional<std::span<const std::byte>> ReadBytes(uint64_t count) {
        if (remaining() < count) return std::nullopt;
        auto taken = bytes_.subspan(position_, static_cast<size_t>(count));
        position_ += taken.size();
        return taken;
    }

    // A u64 length and as many bytes.
    std::optional<std::string_view> ReadString() {
        size_t start = position_;
        if (auto length = Read<uint64_t>())
            if (auto text = ReadBytes(*length))
                return std::string_view(reinterpret_cast<const char*>(text->data()), text->size());
        position_ = start;
        return std::nullopt;
    }

private:
    std::span<const std::byte> bytes_;
    size_t position_ = 0;
};

// a * b and a + b, or nullopt where they do not fit 64 bits.
inline std::optional<uint64_t> CheckedMultiply(uint64_t a, uint64_t b) {
    uint64_t product;
    if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
    return product;
}
inline std::optional<uint64_t> CheckedAdd(uint64_t a, uint64_t b) {
    uint64_t sum;
    if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
    return sum;
}

}  // namespace lathe::modelfile
