#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::testing_support {

// Writes GGUF files for tests: well-formed ones, and through the public fields ones
// that lie. One thread.
//
//   GgufBuilder builder;
//   builder.String("general.architecture", "llama").U32("llama.block_count", 2);
//   builder.Tensor("token_embd.weight", {8, 4}, 0, std::string(8 * 4 * 4, '\0'));
//   std::string bytes = builder.Build();
class GgufBuilder {
public:
    // What the header claims; Build() fills in the truth where these are negative.
    int64_t claimed_tensors = -1;
    int64_t claimed_metadata = -1;
    std::string magic = "GGUF";
    uint32_t version = 3;
    uint64_t alignment = 32;  // of tensor data; write general.alignment yourself

    GgufBuilder& U32(std::string_view key, uint32_t value) { return Scalar(key, 4, value); }
    GgufBuilder& U16(std::string_view key, uint16_t value) { return Scalar(key, 2, value); }
    GgufBuilder& I32(std::string_view key, int32_t value) { return Scalar(key, 5, value); }
    GgufBuilder& F32(std::string_view key, float value) { return Scalar(key, 6, value); }
    GgufBuilder& Bool(std::string_view key, bool value) {
        return Scalar<uint8_t>(key, 7, value ? 1 : 0);
    }
    GgufBuilder& U64(std::string_view key, uint64_t value) { return Scalar(key, 10, value); }
    GgufBuilder& String(std::string_view key, std::string_view value) {
        return Raw(key, 8, WithLength(value));
    }
    GgufBuilder& Strings(std::string_view key, const std::vector<std::string>& values) {
        std::string payload;
        for (const std::string& value : values) payload += WithLength(value);
        return Array(key, 8, values.size(), payload);
    }
    GgufBuilder& F32s(std::string_view key, const std::vector<float>& values) {
        return Array(key, 6, values.size(), BytesOf(values));
    }
    GgufBuilder& I32s(std::string_view key, const std::vector<int32_t>& values) {
        return Array(key, 5, values.size(), BytesOf(values));
    }
    // An array that claims `count` elements of `type` and has the bytes given.
    GgufBuilder& Array(std::string_view key, uint32_t type, uint64_t count,
                       std::string_view payload) {
        return Raw(key, 9, Bytes(type) + Bytes(count) + std::string(payload));
    }
    GgufBuilder& Raw(std::string_view key, uint32_t type, std::string_view payload) {
        metadata_ += WithLength(key) + Bytes(type) + std::string(payload);
        ++metadata_count_;
        return *this;
    }

    // `shape` outermost first. The offset follows the tensor before.
    GgufBuilder& Tensor(std::string_view name, const std::vector<uint64_t>& shape, uint32_t type,
                        std::string_view data) {
        data_.resize((data_.size() + alignment - 1) / alignment * alignment, '\0');
        TensorAt(name, shape, type, data_.size());
        data_ += data;
        return *this;
    }
    // Only the entry, with any offset.
    GgufBuilder& TensorAt(std::string_view name, const std::vector<uint64_t>& shape, uint32_t type,
                          uint64_t offset) {
        tensors_ += WithLength(name) + Bytes(static_cast<uint32_t>(shape.size()));
        for (size_t i = shape.size(); i-- > 0;) tensors_ += Bytes(shape[i]);
        tensors_ += Bytes(type) + Bytes(offset);
        ++tensor_count_;
        return *this;
    }

    std::string Build() const {
        std::string out = magic + Bytes(version);
        out += Bytes(claimed_tensors < 0 ? tensor_count_ : claimed_tensors);
        out += Bytes(claimed_metadata < 0 ? metadata_count_ : claimed_metadata);
        out += metadata_ + tensors_;
        if (tensor_count_ > 0 && alignment > 0)
            out.resize((out.size() + alignment - 1) / alignment * alignment, '\0');
        return out + data_;
    }

    template <typename T>
    static std::string Bytes(T value) {
        std::string bytes(sizeof value, '\0');
        std::memcpy(bytes.data(), &value, sizeof value);
        return bytes;
    }
    template <typename T>
    static std::string BytesOf(const std::vector<T>& values) {
        std::string bytes(values.size() * sizeof(T), '\0');
        if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
        return bytes;
    }
    static std::string WithLength(std::string_view text) {
        return Bytes(static_cast<uint64_t>(text.size())) + std::string(text);
    }

private:
    template <typename T>
    GgufBuilder& Scalar(std::string_view key, uint32_t type, T value) {
        return Raw(key, type, Bytes(value));
    }

    std::string metadata_;
    std::string tensors_;
    std::string data_;
    int64_t metadata_count_ = 0;
    int64_t tensor_count_ = 0;
};

}  // namespace lathe::testing_support
