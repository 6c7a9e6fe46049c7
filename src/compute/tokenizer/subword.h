#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "compute/tokenizer/tokenizer.h"

namespace lathe::tokenizer {

// Memory that one Encode reuses for all its pieces.
struct Workspace {
    struct Symbol {
        uint32_t begin = 0;  // in the piece
        TokenId id = -1;     // -1: no token has this text
        int32_t previous = -1;
        int32_t next = -1;
    };
    struct Merge {
        uint32_t rank = 0;
        uint32_t symbol = 0;  // the left one
        uint32_t end = 0;     // of the right one, in the piece
        TokenId id = -1;      // what the two become
    };
    std::vector<Symbol> symbols;
    std::vector<Merge> merges;  // a heap
    struct Best {               // unigram: the best way to reach a position
        double score = 0;
        uint32_t begin = 0;
        TokenId id = -1;
    };
    std::vector<Best> best;
    std::vector<TokenId> reversed;
    std::string text;
};

// The algorithm that turns one piece of normalized text into tokens.
//
// Const-safe.
class Subword {
public:
    virtual ~Subword() = default;
    // Requires: `piece` is valid UTF-8, not empty, shorter than 2 GiB.
    virtual void Encode(std::string_view piece, Workspace& workspace,
                        std::vector<TokenId>& out) const = 0;
};

}  // namespace lathe::tokenizer
