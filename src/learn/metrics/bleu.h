// BLEU (Papineni et al. 2002) as sacrebleu computes it: corpus level, orders 1 to 4,
// exponential smoothing of orders without a match (`smooth_method="exp"`).
//
// Thread-safe: free functions only.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace lathe::metrics {

enum class BleuTokenizer {
    k13a,        // mteval-v13a: punctuation apart, numbers whole. For European languages
    kChinese,    // sacrebleu's "zh": each Chinese character by itself, the rest as 13a
    kCharacter,  // "char"
    kNone,       // words between white space
};

// "13a", "zh", "char" or "none", sacrebleu's names.
std::optional<BleuTokenizer> BleuTokenizerByName(std::string_view name);

// The text with a space between tokens.
std::string TokenizeForBleu(std::string_view text, BleuTokenizer tokenizer);

// What BLEU knows of a text or, added up, of a corpus. Documents keep theirs, so that a
// bootstrap can add up any selection.
struct BleuCounts {
    static constexpr size_t kOrderMax = 4;

    std::array<uint64_t, kOrderMax> matches{};
    std::array<uint64_t, kOrderMax> totals{};
    uint64_t generated_length = 0;  // tokens
    uint64_t reference_length = 0;  // of the reference whose length is nearest

    BleuCounts& operator+=(const BleuCounts& other);
};

struct BleuOptions {
    BleuTokenizer tokenizer = BleuTokenizer::k13a;
    bool lowercase = false;
};

// Requires: `references` is not empty.
BleuCounts CountBleu(std::string_view generated, std::span<const std::string> references,
                     const BleuOptions& options = {});

// 0..100 (smoothing and rounding can pass 100 by an ulp). `effective_order` leaves out
// orders that the text is too short for: for single sentences.
enum class BleuOrder { kFixed, kEffective };
double Bleu(const BleuCounts& counts, BleuOrder order = BleuOrder::kFixed);

}  // namespace lathe::metrics
