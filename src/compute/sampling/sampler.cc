#include "compute/sampling/sampler.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "compute/sampling/philox.h"
#include "core/base/check.h"

namespace lathe::sampling {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

// Below this the division would overflow; what it would choose is the best token anyway.
constexpr float kGreedyBelow = 1e-5f;

// A nucleus mostly lies within this many nats of the best token; if not, all are collected.
constexpr float kNucleusReach = 8;

void SetWeights(std::vector<Candidate>& candidates, float max, float inverse_temperature) {
    for (Candidate& c : candidates)
        c.weight = ExpNonPositive((c.logit - max) * inverse_temperature);
}

double SumWeights(const std::vector<Candidate>& candidates) {
    double sum = 0;
    for (const Candidate& c : candidates) sum += c.weight;
    return sum;
}

// Candidates for a nucleus of `top_p` among all tokens.
void CollectNucleus(const ScannedRow& row, float inverse_temperature, float top_p,
                    Scratch& scratch) {
    std::vector<Candidate>& kept = scratch.candidates;
    double mass = double{top_p} * SumExp(row, inverse_temperature);
    CollectAtLeast(row, row.max - kNucleusReach / inverse_temperature, kept);
    SetWeights(kept, row.max, inverse_temperature);
    if (SumWeights(kept) < mass) {
        CollectAtLeast(row, kNever, kept);
        SetWeights(kept, row.max, inverse_temperature);
    }
    KeepMass(kept, mass, scratch.spare);
}

// Locally typical sampling (Meister et al. 2022): keeps the tokens whose information is
// nearest to the entropy until their probabilities sum to `typical_p`.
void KeepTypical(std::vector<Candidate>& kept, float max, float inverse_temperature,
                 float typical_p, std::vector<Candidate>& spare) {
    double total = SumWeights(kept);
    double log_total = std::log(total);
    auto log_probability = [&](const Candidate& c) {
        return double{(c.logit - max) * inverse_temperature} - log_total;
    };
    double entropy = 0;
    for (const Candidate& c : kept)
        if (c.weight > 0) entropy -= c.weight / total * log_probability(c);
    for (Candidate& c : kept)  // from here on `logit` is closeness, the key of Before
        c.logit = -static_cast<float>(std::abs(-log_probability(c) - entropy));
    KeepMass(kept, double{typical_p} * total, spare);
}

// The logits whose bits are set, and never for the others.
void CopyAllowed(std::span<const float> logits, std::span<const uint64_t> bits,
                 std::vector<float>& out) {
    LATHE_CHECK(bits.size() * 64 >= logits.size());
    out.assign(logits.size(), kNever);
    for (size_t begin = 0; begin < logits.size(); begin += 64) {
        uint64_t word = bits[begin / 64];
        if (word == ~uint64_t{0} && begin + 64 <= logits.size()) {
            std::copy_n(logits.data() + begin, 64, out.data() + begin);
            continue;
        }
        for (; word != 0; word &= word - 1) {
            size_t token = begin + static_cast<size_t>(std::countr_zero(word));
            if (token < logits.size()) out[token] = logits[token];
        }
    }
}

TokenId Draw(const std::vector<Candidate>& kept, double uniform) {
    double target = uniform * SumWeights(kept);
    double sum = 0;
    TokenId chosen = kept.front().token;
    for (const Candidate& c : kept) {
        if (c.weight <= 0) continue;
        sum += c.weight;
        chosen = c.token;
        if (sum > target) break;
    }
    return chosen;
}

}  // namespace

Sampler::Sampler(const SamplingParams& params, uint64_t seed, uint32_t completion)
    : params_(&params),
      seed_(seed),
      completion_(completion),
      penalizes_(params.repetition_penalty != 1 || params.frequency_penalty != 0 ||
                 params.presence_penalty != 0) {}

void Sampler::SetPrompt(std::span<const TokenId> prompt, size_t text_max) {
    LATHE_CHECK(accepted_ == 0 && occurrences_.empty());
    if (penalizes_) occurrences_.reserve(prompt.size() + text_max);
    if (params_->repetition_penalty == 1) return;
    for (TokenId token : prompt) occurrences_.push_back({token, 0});
    std::ranges::sort(occurrences_, {}, &Occurrence::token);
    auto repeats = std::ranges::unique(occurrences_, {}, &Occurrence::token);
    occurrences_.erase(repeats.begin(), repeats.end());
}

void Sampler::Accept(TokenId token) {
    ++accepted_;
    if (!penalizes_) return;
    auto place = std::ranges::lower_bound(occurrences_, token, {}, &Occurrence::token);
    if (place == occurrences_.end() || place->token != token)
        place = occurrences_.insert(place, {token, 0});
    ++place->in_text;
}

std::span<const float> Sampler::Adjust(std::span<const float> logits,
                                       std::span<const TokenId> banned,
                                       const AllowedTokens& allowed,
                                       std::vector<float>& adjusted) const {
    if (params_->logit_bias.empty() && occurrences_.empty() && banned.empty() &&
        allowed.bits.empty())
        return logits;
    auto at = [&](TokenId token) -> float& {
        LATHE_CHECK(token >= 0 && static_cast<size_t>(token) < adjusted.size());
        return adjusted[static_cast<size_t>(token)];
    };
    if (allowed.bits.empty()) {
        adjusted.assign(logits.begin(), logits.end());
    } else {
        CopyAllowed(logits, allowed.bits, adjusted);
        for (TokenId token : allowed.also) at(token) = logits[static_cast<size_t>(token)];
    }
    for (TokenId token : banned) at(token) = kNever;
    for (auto [token, bias] : params_->logit_bias) at(token) += bias;
    for (const Occurrence& o : occurrences_) {
        float& logit = at(o.token);
        float repetition = params_->repetition_penalty;
        logit = logit > 0 ? logit / repetition : logit * repetition;
        if (o.in_text == 0) continue;
        logit -= params_->frequency_penalty * static_cast<float>(o.in_text);
        logit -= params_->presence_penalty;
    }
    return adjusted;
}

Error Sampler::NotFinite() {
    return {Code::kInternal,
            "the model computed logits that are not finite numbers; its weights or its file may "
            "be damaged",
            ""};
}

Error Sampler::NothingLeft() {
    return {Code::kInvalidArgument, "no token is left to choose from", ""};
}

size_t Sampler::TopNeeded(size_t limit) const {
    if (penalizes_ || !params_->logit_bias.empty()) return 0;
    if (params_->temperature < kGreedyBelow) return 1;
    auto top_k = static_cast<size_t>(std::max(params_->top_k, 0));
    return top_k <= limit ? top_k : 0;
}

TokenId Sampler::ChooseFromTop(Scratch& scratch, uint64_t ahead) const {
    std::vector<Candidate>& kept = scratch.candidates;
    LATHE_CHECK(!kept.empty());
    // The lower token among equals, as in a whole row.
    auto best = std::ranges::max_element(kept, {}, &Candidate::logit);
    if (params_->temperature < kGreedyBelow) return best->token;
    float max = best->logit;
    FilterTop(max, scratch);
    FilterKept(max, scratch);
    return Draw(kept, UniformDraw(seed_, completion_, accepted_ + ahead));
}

Result<TokenId> Sampler::Choose(std::span<const float> logits, std::span<const TokenId> banned,
                                Scratch& scratch, const AllowedTokens& allowed,
                                uint64_t ahead) const {
    LATHE_CHECK(ahead == 0 || !penalizes_);
    ScannedRow row = ScanRow(Adjust(logits, banned, allowed, scratch.adjusted), scratch.block_max);
    if (!row.sound) {
        if (row.max == kNever && !std::ranges::any_of(row.logits, [](float x) { return x != x; }))
            return std::unexpected(NothingLeft());
        return std::unexpected(NotFinite());
    }
    if (params_->temperature < kGreedyBelow) return ArgMax(row);

    double uniform = UniformDraw(seed_, completion_, accepted_ + ahead);
    bool truncates =
        params_->top_k > 0 || params_->top_p < 1 || params_->min_p > 0 || params_->typical_p < 1;
    if (!truncates) return DrawFromAll(row, uniform, scratch);
    CollectKept(row, scratch);
    return Draw(scratch.candidates, uniform);
}

TokenId Sampler::DrawFromAll(const ScannedRow& row, double uniform, Scratch& scratch) const {
    float inverse_temperature = 1 / params_->temperature;
    double target = uniform * SumExp(row, inverse_temperature, &scratch.block_sums);
    double sum = 0;
    size_t chosen_block = 0;
    double below = 0;  // sum before the chosen block
    for (size_t block = 0; block < scratch.block_sums.size(); ++block) {
        if (scratch.block_sums[block] <= 0) continue;
        chosen_block = block;
        below = sum;
        sum += scratch.block_sums[block];
        if (sum > target) break;
    }
    size_t begin = chosen_block * kScanBlock;
    size_t end = std::min(begin + kScanBlock, row.logits.size());
    TokenId chosen = 0;
    for (size_t i = begin; i < end; ++i) {
        float weight = ExpNonPositive((row.logits[i] - row.max) * inverse_temperature);
        if (weight <= 0) continue;
        below += weight;
        chosen = static_cast<TokenId>(i);
        if (below > target) break;
    }
    return chosen;
}

// Fills scratch.candidates with the tokens that pass all filters, by rising id.
void Sampler::CollectKept(const ScannedRow& row, Scratch& scratch) const {
    std::vector<Candidate>& kept = scratch.candidates;
    float inverse_temperature = 1 / params_->temperature;
    auto top_k = static_cast<size_t>(params_->top_k);
    if (top_k > 0 && top_k < row.logits.size()) {
        CollectTop(row, top_k, kept, scratch.spare);
        FilterTop(row.max, scratch);
    } else if (params_->top_p < 1) {
        CollectNucleus(row, inverse_temperature, params_->top_p, scratch);
    } else {
        // With a margin for rounding: min-p decides below.
        float reach = params_->min_p > 0 ? std::log(params_->min_p) - 0.01f : kExpZero;
        CollectAtLeast(row, row.max + reach / inverse_temperature, kept);
        SetWeights(kept, row.max, inverse_temperature);
    }
    FilterKept(row.max, scratch);
}

// Weighs the top_k best and keeps what top_p lets through.
void Sampler::FilterTop(float max, Scratch& scratch) const {
    SetWeights(scratch.candidates, max, 1 / params_->temperature);
    if (params_->top_p < 1)
        KeepMass(scratch.candidates, double{params_->top_p} * SumWeights(scratch.candidates),
                 scratch.spare);
}

void Sampler::FilterKept(float max, Scratch& scratch) const {
    std::vector<Candidate>& kept = scratch.candidates;
    // The best token has weight 1.
    if (params_->min_p > 0)
        std::erase_if(kept, [&](const Candidate& c) { return c.weight < params_->min_p; });
    if (params_->typical_p < 1)
        KeepTypical(kept, max, 1 / params_->temperature, params_->typical_p, scratch.spare);
}

}  // namespace lathe::sampling
