// chrF (Popović 2015) and chrF++ (2017) as sacrebleu computes them: corpus level, F of
// beta 2 over the mean precision and recall of the orders that occur.
//
// Thread-safe: free functions only.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::metrics {

struct ChrfOptions {
    uint32_t character_order = 6;
    uint32_t word_order = 0;  // 2 is chrF++
    bool lowercase = false;
};

// Of one text against the best of its references, or added up over a corpus.
struct ChrfCounts {
    struct Order {
        uint64_t generated = 0;
        uint64_t reference = 0;
        uint64_t matches = 0;
    };
    std::vector<Order> orders;  // characters first, then words

    // Both sides come from the same options; empty counts are zeros.
    ChrfCounts& operator+=(const ChrfCounts& other);
};

// Requires: `references` is not empty.
ChrfCounts CountChrf(std::string_view generated, std::span<const std::string> references,
                     const ChrfOptions& options = {});

double Chrf(const ChrfCounts& counts);  // 0..100

}  // namespace lathe::metrics
