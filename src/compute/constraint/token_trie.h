#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "compute/tokenizer/tokenizer.h"

namespace lathe::constraint {

using tokenizer::TokenId;

// The texts of all tokens of a vocabulary as a tree of bytes, in one array so that a
// walk reads memory forwards: a node's children follow it, `skip` leads past them.
// Left out: control tokens, those that end a generation, and tokens without text.
//
// Const-safe.
class TokenTrie {
public:
    struct Node {
        uint32_t skip = 0;         // the next node that is not below this one
        uint32_t token_begin = 0;  // tokens of the nodes before this one
        uint16_t depth = 0;        // 0: first byte of a token
        uint8_t byte = 0;
        // A character ends here, and all that is below are characters a JSON string holds
        // unescaped (perhaps cut at the end).
        bool plain_below = false;
    };

    // Longer tokens are left out.
    static constexpr size_t kTokenBytesMax = 4096;

    // `vocab_size` is the number of logits; tokens beyond do not count.
    TokenTrie(const tokenizer::Tokenizer& tokenizer, size_t vocab_size);
    // From texts by token id, "" for tokens that are left out.
    explicit TokenTrie(std::span<const std::string> texts);

    size_t vocab_size() const { return vocab_size_; }
    size_t node_count() const { return nodes_.size() - 1; }
    const Node& node(size_t index) const { return nodes_[index]; }
    // The tokens that end at a node, and all at or below it.
    std::span<const TokenId> TokensAt(size_t node) const { return TokensBetween(node, node + 1); }
    std::span<const TokenId> TokensFrom(size_t node) const {
        return TokensBetween(node, nodes_[node].skip);
    }
    size_t depth_max() const { return depth_max_; }

private:
    std::span<const TokenId> TokensBetween(size_t begin, size_t end) const {
        return std::span(tokens_).subspan(nodes_[begin].token_begin,
                                          nodes_[end].token_begin - nodes_[begin].token_begin);
    }
    void Build(size_t count, const std::function<std::string(size_t)>& text);
    void MarkPlain();

    size_t vocab_size_ = 0;
    size_t depth_max_ = 0;
    std::vector<Node> nodes_;  // and one behind the last
    std::vector<TokenId> tokens_;
};

// Where in a UTF-8 character a text stands. Start and between characters: kWhole.
enum class Utf8Phase : uint8_t {
    kWhole,
    kNeeds1,
    kNeeds2,
    kNeeds3,
    kAfterE0,
    kAfterEd,
    kAfterF0,
    kAfterF4,
    kBroken,
};
// The phase after `byte`, if only what a JSON string holds unescaped is in order.
Utf8Phase AdvancePlain(Utf8Phase phase, uint8_t byte);

}  // namespace lathe::constraint
