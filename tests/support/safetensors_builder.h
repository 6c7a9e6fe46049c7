#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::testing_support {

// Writes safetensors files for tests. One thread.
//
//   SafetensorsBuilder builder;
//   builder.Tensor("a", "F32", {2, 3}, std::string(24, '\0'));
//   std::string bytes = builder.Build();
class SafetensorsBuilder {
public:
    SafetensorsBuilder& Tensor(std::string_view name, std::string_view type,
                               const std::vector<uint64_t>& shape, std::string_view data) {
        uint64_t begin = data_.size();
        data_ += data;
        return Entry(name, type, shape, begin, data_.size());
    }
    // Only the entry in the header, with any offsets.
    SafetensorsBuilder& Entry(std::string_view name, std::string_view type,
                              const std::vector<uint64_t>& shape, uint64_t begin, uint64_t end) {
        std::string sizes;
        for (uint64_t size : shape) sizes += (sizes.empty() ? "" : ",") + std::to_string(size);
        if (!header_.empty()) header_ += ",";
        header_ += '"' + std::string(name) + R"(":{"dtype":")" + std::string(type) +
                   R"(","shape":[)" + sizes + R"(],"data_offsets":[)" + std::to_string(begin) +
                   "," + std::to_string(end) + "]}";
        return *this;
    }

    std::string Build() const { return File('{' + header_ + '}', data_); }

    static std::string File(std::string header, std::string_view data) {
        header.resize((header.size() + 7) / 8 * 8, ' ');
        uint64_t length = header.size();
        std::string out(sizeof length, '\0');
        std::memcpy(out.data(), &length, sizeof length);
        return out + header + std::string(data);
    }

private:
    std::string header_;
    std::string data_;
};

}  // namespace lathe::testing_support
