#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compute/sampling/params.h"
#include "compute/sampling/row_scan.h"
#include "compute/sampling/scratch.h"
#include "core/base/result.h"

namespace lathe::sampling {

// What a grammar leaves to choose from.
struct AllowedTokens {
    std::span<const uint64_t> bits;  // bit n % 64 of word n / 64: token n; none: all tokens
    std::span<const TokenId> also;   // and these
};

// Chooses the tokens of one completion. The draw for a token depends on the seed, the
// completion's number and the token's place in it, on nothing else: the same request
// gives the same text whatever runs beside it, and after a preemption.
//
//   Sampler sampler(params, seed, index);
//   sampler.SetPrompt(prompt);              // for the repetition penalty
//   token = sampler.Choose(logits, {}, scratch);  sampler.Accept(*token);  ...
//
// top-k, top-p, min-p and typical keep a beginning of the tokens in order of
// probability (typical: of typicality), equal ones by rising id; the draw runs over
// the kept in order of id. Selection is by partial sorts, linear in the vocabulary.
//
// Choose is const-safe (with a scratch of its own per call); the rest is not.
class Sampler {
public:
    // What is said of logits that no choice can be made from.
    static Error NotFinite();
    static Error NothingLeft();

    // `params` outlives the sampler and is valid (Validate in params.h).
    Sampler(const SamplingParams& params, uint64_t seed, uint32_t completion);

    // The tokens before the text, and how many the text may have: Accept allocates nothing
    // up to there. At most once, before the first Accept.
    void SetPrompt(std::span<const TokenId> prompt, size_t text_max = 0);

    // The next token. `banned` tokens are never chosen, nor those that are not `allowed`. Error
    // (kInternal) if a logit is NaN or +infinity, (kInvalidArgument) if nothing is left to
    // choose from. With `ahead` the token that comes so many after the next, given logits
    // that know those between. Requires: ahead == 0 or !penalizes().
    Result<TokenId> Choose(std::span<const float> logits, std::span<const TokenId> banned,
                           Scratch& scratch, const AllowedTokens& allowed = {},
                           uint64_t ahead = 0) const;

    // How many of the best logits decide the choice, whatever the others are: 1 if it is
    // greedy, top_k if that is at most `limit`; 0 if whole rows are needed.
    size_t TopNeeded(size_t limit) const;
    // Choose, from those: `scratch.candidates`, not empty, by rising token, finite.
    TokenId ChooseFromTop(Scratch& scratch, uint64_t ahead = 0) const;

    // What is chosen depends on which tokens the text has, not only on the logits.
    bool penalizes() const { return penalizes_; }

    // The text goes on with `token`.
    void Accept(TokenId token);

private:
    // What penalties know about a token that has occurred.
    struct Occurrence {
        TokenId token = 0;
        int32_t in_text = 0;  // times in the text, 0: in the prompt only
    };

    std::span<const float> Adjust(std::span<const float> logits, std::span<const TokenId> banned,
                                  const AllowedTokens& allowed, std::vector<float>& adjusted) const;
    TokenId DrawFromAll(const ScannedRow& row, double uniform, Scratch& scratch) const;
    void CollectKept(const ScannedRow& row, Scratch& scratch) const;
    void FilterTop(float max, Scratch& scratch) const;
    void FilterKept(float max, Scratch& scratch) const;

    const SamplingParams* params_;
    uint64_t seed_;
    uint32_t completion_;
    uint64_t accepted_ = 0;
    bool penalizes_;
    std::vector<Occurrence> occurrences_;  // by rising token
};

}  // namespace lathe::sampling
