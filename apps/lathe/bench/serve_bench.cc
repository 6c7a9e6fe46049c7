#include "bench/serve_bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <regex>

namespace lathe::app {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRequestsMax = 4096;
constexpr int kTokensMax = 1 << 20;

double Seconds(Clock::duration duration) {
    return std::chrono::duration<double>(duration).count();
}

// When each token of each request came. The engine's thread writes, the bench's waits.
class TokenTimes {
public:
    explicit TokenTimes(size_t requests) : requests_(requests) {}

    struct Request {
        Clock::time_point start;
        std::vector<Clock::time_point> tokens;
        engine::Usage usage;
        std::optional<Error> error;
        bool done = false;
    };

    void Start(size_t request) {
        std::lock_guard lock(mutex_);
        requests_[request].start = Clock::now();
    }

    engine::EventSink Sink(size_t index) {
        return [this, index](engine::GenerationEvent&& event) {
            auto now = Clock::now();
            std::lock_guard lock(mutex_);
            Request& request = requests_[index];
            request.tokens.insert(request.tokens.end(), event.tokens.size(), now);
            if (event.finish == engine::FinishReason::kError) request.error = event.error;
            if (!event.last) return;
            request.usage = event.usage;
            request.done = true;
            ++done_;
            finished_.notify_one();
        };
    }

    void WaitUntilDone(size_t count) {
        std::unique_lock lock(mutex_);
        finished_.wait(lock, [&] { return done_ >= count; });
    }
    // Requires: all are done.
    const std::vector<Request>& requests() const { return requests_; }

private:
    std::mutex mutex_;
    std::condition_variable finished_;
    std::vector<Request> requests_;
    size_t done_ = 0;
};

// The stretch in which all requests generate, for what a batch of them gives a second.
std::optional<double> DecodePerSecond(const std::vector<TokenTimes::Request>& requests) {
    auto begin = Clock::time_point::min();
    auto end = Clock::time_point::max();
    for (const auto& request : requests) {
        begin = std::max(begin, request.tokens.front());
        end = std::min(end, request.tokens.back());
    }
    if (begin >= end) return std::nullopt;
    size_t tokens = 0;
    for (const auto& request : requests)
        tokens += static_cast<size_t>(std::ranges::count_if(
            request.tokens, [&](Clock::time_point at) { return at > begin && at <= end; }));
    return static_cast<double>(tokens) / Seconds(end - begin);
}

ServeResult Summarize(const std::vector<TokenTimes::Request>& requests) {
    ServeResult result;
    auto start = requests.front().start;
    auto last_first = start;
    auto end = start;
    std::vector<double> first_ms;
    std::vector<double> inter_ms;
    for (const auto& request : requests) {
        start = std::min(start, request.start);
        end = std::max(end, request.tokens.back());
        last_first = std::max(last_first, request.tokens.front());
        first_ms.push_back(Seconds(request.tokens.front() - request.start) * 1e3);
        for (size_t i = 1; i < request.tokens.size(); ++i)
            inter_ms.push_back(Seconds(request.tokens[i] - request.tokens[i - 1]) * 1e3);
        result.generated_tokens += static_cast<int>(request.tokens.size());
        result.prompt_tokens += request.usage.prompt_tokens;
        result.cached_prompt_tokens += request.usage.cached_prompt_tokens;
    }
    result.seconds = Seconds(end - start);
    result.generated_per_second = result.generated_tokens / result.seconds;
    result.prompt_per_second = result.prompt_tokens / Seconds(last_first - start);
    result.decode_per_second = DecodePerSecond(requests);
    result.first_token_ms = PercentilesOf(std::move(first_ms));
    if (!inter_ms.empty()) result.inter_token_ms = PercentilesOf(std::move(inter_ms));
    return result;
}

}  // namespace

Result<ServeJob> ServeJob::Parse(const std::string& text) {
    static const std::regex kForm(
        R"((\d{1,7})x(\d{1,7})/(\d{1,7})(?:@(\d{1,7}))?(?:\+(\d{1,7}))?)");
    std::smatch match;
    if (!std::regex_match(text, match, kForm))
        return InvalidParam("serve",
                            "`{}` is no job: give REQUESTSxPROMPT/GENERATE[@ATONCE][+SHARED], as "
                            "32x120/64 or 48x120/64@16",
                            text);
    auto number = [&](size_t group) { return match[group].matched ? std::stoi(match[group]) : 0; };
    ServeJob job{.requests = number(1),
                 .prompt = number(2),
                 .generate = number(3),
                 .at_once = number(4),
                 .shared = number(5)};
    if (job.requests < 1 || job.requests > kRequestsMax)
        return InvalidParam("serve", "`{}`: give 1 to {} requests", text, kRequestsMax);
    if (job.prompt < 1 || job.prompt > kTokensMax || job.generate < 1 || job.generate > kTokensMax)
        return InvalidParam("serve", "`{}`: prompt and answer are of 1 to {} tokens", text,
                            kTokensMax);
    if (job.shared >= job.prompt)
        return InvalidParam("serve",
                            "`{}`: prompts of {} tokens cannot have {} in common; give less", text,
                            job.prompt, job.shared);
    return job;
}

std::string ServeJob::Text() const {
    std::string text = fmt::format("{}x{}/{}", requests, prompt, generate);
    if (at_once > 0) text += fmt::format("@{}", at_once);
    if (shared > 0) text += fmt::format("+{}", shared);
    return text;
}

Percentiles PercentilesOf(std::vector<double> values) {
    std::ranges::sort(values);
    auto at = [&](double share) {
        return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1) + 0.5)];
    };
    return {.p50 = at(0.5), .p90 = at(0.9), .p99 = at(0.99)};
}

Result<ServeResult> RunServeJob(engine::Engine& engine, PromptCutter& prompts,
                                const ServeJob& job) {
    auto count = static_cast<size_t>(job.requests);
    size_t at_once = job.at_once > 0 ? static_cast<size_t>(job.at_once) : count;
    auto texts = prompts.Next(job.requests, job.prompt, job.shared);
    TokenTimes times(count);
    std::clock_t cpu_before = std::clock();
    std::optional<Error> refusal;
    size_t submitted = 0;
    for (; submitted < count; ++submitted) {
        if (submitted >= at_once) times.WaitUntilDone(submitted - at_once + 1);
        engine::GenerationRequest request;
        request.prompt = std::move(texts[submitted]);
        request.sampling.temperature = 0;
        request.tokens_max = job.generate;
        request.ignore_eos = true;
        times.Start(submitted);
        auto id = engine.Submit(std::move(request), times.Sink(submitted));
        if (!id) {
            refusal = std::move(id).error();
            break;
        }
    }
    times.WaitUntilDone(submitted);
    if (refusal) return std::unexpected(std::move(*refusal));
    for (const auto& request : times.requests()) {
        if (request.error) return std::unexpected(*request.error);
        if (request.tokens.empty())
            return MakeError(Code::kInternal, "a request of {} ended without a token", job.Text());
    }
    ServeResult result = Summarize(times.requests());
    result.cpu_seconds = static_cast<double>(std::clock() - cpu_before) / CLOCKS_PER_SEC;
    return result;
}

}  // namespace lathe::app
