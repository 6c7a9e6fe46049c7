#include "compute/engine/engine.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>
#include <unordered_map>
#include <utility>

#include "compute/engine/batcher.h"
#include "compute/engine/model_runner.h"
#include "compute/engine/request_limits.h"
#include "core/base/check.h"

namespace lathe::engine {
namespace {

Batcher::TimePoint Now() {
    return std::chrono::steady_clock::now();
}

uint64_t RandomSeed() {
    std::random_device device;
    return uint64_t{device()} << 32 | device();
}

// Checks the options against the runner and fills in what was left open.
Result<EngineOptions> Complete(const ModelRunner& runner, EngineOptions options) {
    if (options.context_length == 0) options.context_length = runner.context_length();
    if (options.context_length < 1 || options.context_length > runner.context_length())
        return InvalidParam("context_length",
                            "a context of {} tokens; the model takes from 1 to {}",
                            options.context_length, runner.context_length());
    if (options.sequences_max < 1)
        return InvalidParam("sequences_max", "sequences_max must be at least 1, not {}",
                            options.sequences_max);
    if (options.queue_max < 0)
        return InvalidParam("queue_max", "queue_max must not be negative, but is {}",
                            options.queue_max);
    if (options.tokens_per_step_max < 1)
        return InvalidParam("tokens_per_step_max", "tokens_per_step_max must be at least 1, not {}",
                            options.tokens_per_step_max);
    if (!(options.token_seconds_max >= 0))
        return InvalidParam("token_seconds_max",
                            "token_seconds_max must not be negative, but is {}",
                            options.token_seconds_max);
    options.tokens_per_step_max = std::min(options.tokens_per_step_max, runner.batch_tokens_max());
    options.sequences_max = std::min(options.sequences_max, options.tokens_per_step_max);
    return options;
}

}  // namespace

// The thread around a Batcher, and the mailbox before it. Members after `mutex_` are
// guarded by it; the batcher belongs to the thread.
class Engine::Loop {
public:
    Loop(std::unique_ptr<Batcher> batcher, const RequestLimits& limits,
         const EngineOptions& options)
        : limits_(limits),
          options_(options),
          batcher_(std::move(batcher)),
          thread_([this](const std::stop_token& stop) { Run(stop); }) {}

    Result<RequestId> Submit(GenerationRequest request, EventSink sink) {
        LATHE_CHECK(sink != nullptr);
        LATHE_RETURN_IF_ERROR(PrepareRequest(request, limits_));
        if (!request.sampling.seed) request.sampling.seed = RandomSeed();
        std::lock_guard lock(mutex_);
        if (draining_)
            return MakeError(Code::kUnavailable,
                             "the server is shutting down and takes no new requests");
        // Free places count, so that what can start at once is never refused.
        int32_t waiting = stats_.waiting + static_cast<int32_t>(submissions_.size());
        int32_t places = std::max(0, options_.sequences_max - stats_.running);
        if (waiting >= options_.queue_max + places + TenantPlaces(request.tenant))
            return MakeError(Code::kResourceExhausted,
                             "{} requests are waiting, the queue holds no more; try again later",
                             waiting);
        RequestId id{next_id_++};
        live_.emplace(id, request.tenant);
        ++requests_of_[request.tenant];
        submissions_.push_back({id, std::move(request), std::move(sink), Now()});
        wake_.notify_one();
        return id;
    }

    void Cancel(RequestId id) {
        std::lock_guard lock(mutex_);
        if (!live_.contains(id) || std::ranges::find(cancels_, id) != cancels_.end()) return;
        cancels_.push_back(id);
        wake_.notify_one();
    }

    void Drain() {
        std::lock_guard lock(mutex_);
        draining_ = true;
    }

    bool idle() const {
        std::lock_guard lock(mutex_);
        return live_.empty();
    }

    EngineStats stats() const {
        std::lock_guard lock(mutex_);
        EngineStats stats = stats_;
        stats.waiting += static_cast<int32_t>(submissions_.size());
        return stats;
    }

    int32_t context_length() const { return options_.context_length; }

private:
    static constexpr int32_t kTenantPlacesMax = 1024;

    struct Submission {
        RequestId id;
        GenerationRequest request;
        EventSink sink;
        Batcher::TimePoint submitted;
    };

    void Run(const std::stop_token& stop) {
        while (ReadMailbox(stop)) {
            batcher_->Step();
            Publish();
        }
        batcher_->CancelAll();
        Publish();
    }

    // Waits for work and hands it to the batcher. False when the engine stops.
    bool ReadMailbox(const std::stop_token& stop) {
        std::vector<Submission> submissions;
        std::vector<RequestId> cancels;
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, stop, [&] {
                return !submissions_.empty() || !cancels_.empty() || !batcher_->idle();
            });
            submissions.swap(submissions_);
            cancels.swap(cancels_);
            stats_.waiting += static_cast<int32_t>(submissions.size());
        }
        for (Submission& s : submissions)
            batcher_->Add(s.id, std::move(s.request), std::move(s.sink), s.submitted);
        for (RequestId id : cancels) batcher_->Cancel(id);
        return !stop.stop_requested();
    }

    void Publish() {
        std::lock_guard lock(mutex_);
        stats_ = batcher_->stats();
        for (RequestId id : batcher_->TakeEnded()) {
            auto ended = live_.find(id);
            auto tenant = requests_of_.find(ended->second);
            if (--tenant->second == 0) requests_of_.erase(tenant);
            live_.erase(ended);
        }
    }

    // A full queue still takes one request of a tenant that has none, so that a flood of one
    // tenant does not lock the others out. Requires: the lock is held.
    int32_t TenantPlaces(const std::string& tenant) const {
        bool others = !requests_of_.empty() && !requests_of_.contains(tenant);
        return others ? std::min(kTenantPlacesMax, static_cast<int32_t>(requests_of_.size())) : 0;
    }

    const RequestLimits limits_;
    const EngineOptions options_;
    const std::unique_ptr<Batcher> batcher_;

    mutable std::mutex mutex_;
    std::condition_variable_any wake_;
    std::vector<Submission> submissions_;                   // at most queue_max and the free places
    std::vector<RequestId> cancels_;                        // each of a live request, once
    std::unordered_map<RequestId, std::string> live_;       // whose last event has not come
    std::unordered_map<std::string, int32_t> requests_of_;  // live ones of each tenant
    EngineStats stats_;                                     // as of the last step
    uint64_t next_id_ = 1;
    bool draining_ = false;

    std::jthread thread_;  // last: it uses all of the above
};

Result<std::unique_ptr<Engine>> Engine::Create(ModelRunner& runner,
                                               const tokenizer::Tokenizer& tokenizer,
                                               const EngineOptions& given) {
    LATHE_TRY(EngineOptions options, Complete(runner, given));
    LATHE_TRY(std::unique_ptr<Batcher> batcher, Batcher::Create(runner, tokenizer, options, Now));
    RequestLimits limits{options.context_length, runner.vocab_size(), runner.page_count(),
                         runner.page_tokens()};
    return std::unique_ptr<Engine>(
        new Engine(std::make_unique<Loop>(std::move(batcher), limits, options)));
}

Engine::Engine(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
Engine::~Engine() = default;

Result<RequestId> Engine::Submit(GenerationRequest request, EventSink sink) {
    return loop_->Submit(std::move(request), std::move(sink));
}

void Engine::Cancel(RequestId request) {
    loop_->Cancel(request);
}

void Engine::Drain() {
    loop_->Drain();
}

bool Engine::idle() const {
    return loop_->idle();
}

EngineStats Engine::stats() const {
    return loop_->stats();
}

int32_t Engine::context_length() const {
    return loop_->context_length();
}

}  // namespace lathe::engine
