#include "compute/engine/divergence.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/check.h"

namespace lathe::engine {
namespace {

size_t LikeliestOf(std::span<const float> logprobs) {
    return static_cast<size_t>(std::ranges::max_element(logprobs) - logprobs.begin());
}

// The value that `share` of the sorted values do not exceed.
double QuantileOf(std::span<const double> sorted, double share) {
    double rank = std::ceil(share * static_cast<double>(sorted.size()));
    return sorted[static_cast<size_t>(std::max(rank, 1.0)) - 1];
}

}  // namespace

void LogSoftmax(std::span<const float> logits, std::span<float> logprobs) {
    float highest = *std::ranges::max_element(logits);
    double sum = 0;
    for (float logit : logits) sum += std::exp(static_cast<double>(logit - highest));
    double normalizer = highest + std::log(sum);
    for (size_t i = 0; i < logits.size(); ++i)
        logprobs[i] = static_cast<float>(logits[i] - normalizer);
}

double KlDivergence(std::span<const float> reference, std::span<const float> other) {
    double sum = 0;
    for (size_t i = 0; i < reference.size(); ++i) {
        double difference = static_cast<double>(reference[i]) - static_cast<double>(other[i]);
        sum += std::exp(static_cast<double>(reference[i])) * difference;
    }
    return sum;
}

DivergenceMeter::DivergenceMeter(const Options& options) : options_(options) {
    LATHE_CHECK(options.reference != nullptr);
    vocab_size_ = static_cast<size_t>(options.reference->vocab_size());
    if (options.other) LATHE_CHECK(options.other->vocab_size() == options.reference->vocab_size());
    reference_logprobs_.resize(kChunkRows * vocab_size_);
    if (options.other) other_logprobs_.resize(kChunkRows * vocab_size_);
}

Result<DivergenceReport> DivergenceMeter::Measure(std::span<const std::vector<TokenId>> windows,
                                                  const DivergenceProgress& progress) {
    size_t total = 0;
    for (const auto& window : windows) {
        LATHE_RETURN_IF_ERROR(CheckWindow(window));
        total += window.size();
    }
    if (total == 0) return InvalidArgument("there is no text to compare on");
    size_t done = 0;
    for (const auto& window : windows) {
        if (options_.writer) LATHE_RETURN_IF_ERROR(options_.writer->BeginWindow(window));
        for (size_t begin = 0; begin < window.size(); begin += kChunkRows) {
            size_t end = std::min(window.size(), begin + kChunkRows);
            RunChunk(*options_.reference, window, begin, end, reference_logprobs_);
            if (options_.other) RunChunk(*options_.other, window, begin, end, other_logprobs_);
            CompareChunk(window, begin, end);
            if (options_.writer)
                LATHE_RETURN_IF_ERROR(options_.writer->Rows(
                    std::span(reference_logprobs_).first((end - begin) * vocab_size_)));
            done += end - begin;
            if (progress) progress(done, total);
        }
    }
    return Report();
}

Status DivergenceMeter::CheckWindow(std::span<const TokenId> ids) const {
    auto room = [](const ModelRunner& runner) {
        return std::min(runner.context_length(), runner.page_count() * runner.page_tokens());
    };
    int32_t longest = room(*options_.reference);
    if (options_.other) longest = std::min(longest, room(*options_.other));
    if (ids.empty() || ids.size() > static_cast<size_t>(longest))
        return InvalidParam("window", "a window of {} tokens does not fit: give 1 to {}",
                            ids.size(), longest);
    for (TokenId id : ids)
        if (id < 0 || static_cast<size_t>(id) >= vocab_size_)
            return InvalidParam("ids", "{} is no token id; they go from 0 to {}", id,
                                vocab_size_ - 1);
    return {};
}

void DivergenceMeter::RunChunk(ModelRunner& runner, std::span<const TokenId> ids, size_t begin,
                               size_t end, std::vector<float>& logprobs) {
    std::vector<uint32_t> pages(static_cast<size_t>(runner.page_count()));
    std::iota(pages.begin(), pages.end(), 0u);
    auto step = static_cast<size_t>(runner.batch_tokens_max());
    for (size_t at = begin; at < end; at += step) {
        SequenceSlice slice{.tokens = ids.subspan(at, std::min(step, end - at)),
                            .position = static_cast<int32_t>(at),
                            .pages = pages,
                            .logits = SequenceSlice::Logits::kAll,
                            .kind = SequenceSlice::Kind::kPrompt};
        runner.Forward({&slice, 1}, [&](size_t, size_t token, std::span<const float> logits) {
            LogSoftmax(logits, std::span(logprobs).subspan((at - begin + token) * vocab_size_,
                                                           vocab_size_));
        });
    }
}

void DivergenceMeter::CompareChunk(std::span<const TokenId> ids, size_t begin, size_t end) {
    for (size_t position = begin; position < end; ++position) {
        size_t offset = (position - begin) * vocab_size_;
        auto reference = std::span<const float>(reference_logprobs_).subspan(offset, vocab_size_);
        bool follows = position + 1 < ids.size();
        size_t next = follows ? static_cast<size_t>(ids[position + 1]) : 0;
        ++positions_;
        if (follows) {
            ++followed_;
            reference_nll_ -= static_cast<double>(reference[next]);
        }
        if (!options_.other) continue;
        auto other = std::span<const float>(other_logprobs_).subspan(offset, vocab_size_);
        divergences_.push_back(KlDivergence(reference, other));
        agreements_ += LikeliestOf(reference) == LikeliestOf(other);
        if (follows) other_nll_ -= static_cast<double>(other[next]);
    }
}

DivergenceReport DivergenceMeter::Report() {
    DivergenceReport report;
    report.positions = positions_;
    double followed = std::max(1.0, static_cast<double>(followed_));
    report.reference_nll = reference_nll_ / followed;
    if (divergences_.empty()) return report;
    std::ranges::sort(divergences_);
    auto count = static_cast<double>(divergences_.size());
    report.kl_mean = std::accumulate(divergences_.begin(), divergences_.end(), 0.0) / count;
    report.kl_p99 = QuantileOf(divergences_, 0.99);
    report.kl_p999 = QuantileOf(divergences_, 0.999);
    report.kl_max = divergences_.back();
    report.top1_agreement = static_cast<double>(agreements_) / count;
    report.other_nll = other_nll_ / followed;
    return report;
}

}  // namespace lathe::engine
