#include "compute/engine/perplexity.h"

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <optional>

namespace lathe::engine {
namespace {

constexpr int32_t kDefaultWindow = 2048;
constexpr size_t kWindowsAtOnce = 8;

struct Plan {
    std::vector<ScoreWindow> windows;
    int32_t window = 0;
    int32_t stride = 0;
    size_t total = 0;  // tokens to run
};

Result<Plan> MakePlan(std::span<const TokenId> text, int32_t context,
                      const PerplexityOptions& options) {
    if (text.size() < 2)
        return InvalidArgument("the text has {} tokens; perplexity needs at least two",
                               text.size());
    int32_t room = context - 1 - (options.prefix ? 1 : 0);
    Plan plan;
    plan.window = options.window ? options.window : std::min(kDefaultWindow, room);
    plan.stride = options.stride ? options.stride : plan.window;
    if (plan.window < 2 || plan.window > room)
        return InvalidParam("window", "a window of {} tokens does not fit: give 2 to {}",
                            plan.window, room);
    if (plan.stride < 1 || plan.stride > plan.window)
        return InvalidParam("stride", "a stride of {} is not within 1 to the window of {}",
                            plan.stride, plan.window);
    plan.windows = CutWindows(text.size(), static_cast<size_t>(plan.window),
                              static_cast<size_t>(plan.stride), options.prefix.has_value());
    for (const ScoreWindow& window : plan.windows) plan.total += window.end - window.begin;
    return plan;
}

std::vector<TokenId> TokensOf(const ScoreWindow& window, std::span<const TokenId> text,
                              const PerplexityOptions& options) {
    std::vector<TokenId> ids;
    if (options.prefix) ids.push_back(*options.prefix);
    ids.insert(ids.end(), text.begin() + static_cast<ptrdiff_t>(window.begin),
               text.begin() + static_cast<ptrdiff_t>(window.end));
    return ids;
}

class Tally {
public:
    explicit Tally(const Plan& plan) : plan_(plan) {}

    // `logprobs` of ids[1..] as TokensOf made them.
    void Add(const ScoreWindow& window, std::span<const float> logprobs) {
        size_t counted = window.end - window.scored;
        for (float logprob : logprobs.last(counted)) {
            double nll = -static_cast<double>(logprob);
            sum_ += nll;
            squares_ += nll * nll;
        }
        tokens_ += counted;
        run_ += window.end - window.begin;
    }

    size_t run() const { return run_; }

    PerplexityReport Report() const {
        double n = static_cast<double>(tokens_);
        double mean = sum_ / n;
        double variance = tokens_ > 1 ? (squares_ - n * mean * mean) / (n - 1) : 0;
        PerplexityReport report;
        report.tokens = tokens_;
        report.windows = plan_.windows.size();
        report.nll = sum_;
        report.perplexity = std::exp(mean);
        report.standard_error = report.perplexity * std::sqrt(std::max(0.0, variance) / n);
        report.window = plan_.window;
        report.stride = plan_.stride;
        return report;
    }

private:
    const Plan& plan_;
    double sum_ = 0;
    double squares_ = 0;
    size_t tokens_ = 0;
    size_t run_ = 0;
};

// Keeps up to kWindowsAtOnce windows in the engine and takes them back in order.
class EngineScoring {
public:
    EngineScoring(Engine& engine, size_t count) : engine_(engine), slots_(count) {}
    ~EngineScoring() {
        for (size_t i = 0; i < submitted_; ++i) (void)Take(i);
    }

    Status Submit(std::vector<TokenId> ids) {
        GenerationRequest request;
        request.prompt = std::move(ids);
        request.tokens_max = 0;
        request.prompt_logprobs = true;
        request.top_logprobs = 0;
        size_t index = submitted_;
        auto id = engine_.Submit(std::move(request), [this, index](GenerationEvent&& event) {
            std::lock_guard lock(mutex_);
            Slot& slot = slots_[index];
            for (const ScoredToken& token : event.prompt) slot.logprobs.push_back(token.logprob);
            if (event.finish == FinishReason::kError) slot.error = event.error;
            slot.done |= event.last;
            if (event.last) ready_.notify_all();
        });
        if (!id) return std::unexpected(std::move(id).error());
        ++submitted_;
        return {};
    }

    // Waits for a window; its log-probabilities without the first token's.
    Result<std::vector<float>> Take(size_t index) {
        std::unique_lock lock(mutex_);
        Slot& slot = slots_[index];
        ready_.wait(lock, [&] { return slot.done; });
        if (slot.error) return std::unexpected(*slot.error);
        if (slot.logprobs.empty()) return slot.logprobs;
        return std::vector<float>(slot.logprobs.begin() + 1, slot.logprobs.end());
    }

    size_t submitted() const { return submitted_; }

private:
    struct Slot {
        std::vector<float> logprobs;
        std::optional<Error> error;
        bool done = false;
    };
    Engine& engine_;
    std::mutex mutex_;
    std::condition_variable ready_;
    std::vector<Slot> slots_;
    size_t submitted_ = 0;
};

}  // namespace

std::vector<ScoreWindow> CutWindows(size_t count, size_t window, size_t stride, bool has_prefix) {
    std::vector<ScoreWindow> windows;
    size_t scored = has_prefix ? 0 : 1;
    for (size_t begin = 0; scored < count; begin += stride) {
        size_t end = std::min(count, begin + window);
        // Without a prefix the first token of a window has nothing before it.
        size_t first = std::max(scored, has_prefix ? begin : begin + 1);
        if (first < end) windows.push_back({begin, end, first});
        scored = end;
    }
    return windows;
}

Result<PerplexityReport> MeasurePerplexity(Engine& engine, std::span<const TokenId> text,
                                           const PerplexityOptions& options,
                                           const ScoreProgress& progress) {
    LATHE_TRY(Plan plan, MakePlan(text, engine.context_length(), options));
    Tally tally(plan);
    EngineScoring scoring(engine, plan.windows.size());
    for (size_t i = 0; i < plan.windows.size(); ++i) {
        while (scoring.submitted() < std::min(plan.windows.size(), i + kWindowsAtOnce))
            LATHE_RETURN_IF_ERROR(
                scoring.Submit(TokensOf(plan.windows[scoring.submitted()], text, options)));
        LATHE_TRY(std::vector<float> logprobs, scoring.Take(i));
        tally.Add(plan.windows[i], logprobs);
        if (progress) progress(tally.run(), plan.total);
    }
    return tally.Report();
}

Result<PerplexityReport> MeasurePerplexity(const WindowScorer& scorer, int32_t context,
                                           std::span<const TokenId> text,
                                           const PerplexityOptions& options,
                                           const ScoreProgress& progress) {
    LATHE_TRY(Plan plan, MakePlan(text, context, options));
    Tally tally(plan);
    for (const ScoreWindow& window : plan.windows) {
        LATHE_TRY(std::vector<float> logprobs, scorer(TokensOf(window, text, options)));
        tally.Add(window, logprobs);
        if (progress) progress(tally.run(), plan.total);
    }
    return tally.Report();
}

}  // namespace lathe::engine
