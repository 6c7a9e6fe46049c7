#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compute/tokenizer/tokenizer.h"
#include "compute/tokenizer/trie.h"
#include "core/base/result.h"

namespace lathe::tokenizer {

// A token that is found in the text before anything else happens to it.
struct AddedToken {
    std::string content;
    TokenId id = 0;
    bool special = false;      // a control token: only where control tokens are parsed
    bool single_word = false;  // only between characters that are not of a word
    bool left_strip = false;   // takes the white space before it
    bool right_strip = false;  // and after it
    bool normalized = false;   // is matched in the normalized text
};

// Cuts text at added tokens: the leftmost match, and of those the longest.
//
// Time: at most the longest content (kContentBytesMax) per byte of text; mostly one
// table look-up. Const-safe.
class AddedTokens {
public:
    static constexpr size_t kContentBytesMax = 512;

    struct Section {
        size_t begin = 0;
        size_t end = 0;
        TokenId id = -1;  // -1: text between tokens
    };

    AddedTokens() = default;
    // Errors: a content longer than kContentBytesMax.
    static Result<AddedTokens> Create(std::vector<AddedToken> tokens);

    // Sections that are not empty, in order; together with the stripped white space
    // they cover the text.
    void Split(std::string_view text, bool parse_special, std::vector<Section>& sections) const;

private:
    struct Match {
        size_t end = 0;
        int32_t token = -1;  // into tokens_
    };
    Match LongestAt(const Trie& trie, std::string_view text, size_t at) const;

    std::vector<AddedToken> tokens_;
    Trie all_;
    Trie plain_;  // those that are not special
};

}  // namespace lathe::tokenizer
