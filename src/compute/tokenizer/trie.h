#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <string_view>
#include <vector>

namespace lathe::tokenizer {

// A set of byte strings with a number each, walked byte by byte.
// Const-safe.
class Trie {
public:
    using Node = uint32_t;
    static constexpr Node kRoot = 0;
    static constexpr Node kNone = UINT32_MAX;

    // A string that is there already gets the new number.
    void Insert(std::string_view text, int32_t value);

    Node Step(Node from, char byte) const {
        auto b = static_cast<unsigned char>(byte);
        if (from == kRoot) return first_[b];
        auto found = edges_.find(uint64_t{from} << 8 | b);
        return found == edges_.end() ? kNone : found->second;
    }
    // The number of the string that ends at `node`, or -1.
    int32_t Value(Node node) const { return values_[node]; }

    Trie() { first_.fill(kNone); }

private:
    std::array<Node, 256> first_;  // edges of the root
    boost::unordered_flat_map<uint64_t, Node> edges_;
    std::vector<int32_t> values_ = {-1};  // [node]
};

}  // namespace lathe::tokenizer
