#include "edge/api/api_metrics.h"

#include <array>
#include <memory>
#include <mutex>

#include "core/platform/cpu.h"

namespace lathe::api {
namespace {

using telemetry::Labels;
using telemetry::Metrics;

// vLLM's bounds, in seconds.
constexpr std::array kFirstTokenBounds = {0.001, 0.005, 0.01, 0.02,  0.04,  0.06,  0.08, 0.1,
                                          0.25,  0.5,   0.75, 1.0,   2.5,   5.0,   7.5,  10.0,
                                          20.0,  40.0,  80.0, 160.0, 640.0, 2560.0};
constexpr std::array kTokenBounds = {0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2,  0.3,  0.4, 0.5,
                                     0.75, 1.0,   2.5,  5.0,   7.5, 10.0, 20.0, 40.0, 80.0};
constexpr std::array kRequestBounds = {0.3,  0.5,   0.8,   1.0,   1.5,   2.0,    2.5,
                                       5.0,  10.0,  15.0,  20.0,  30.0,  40.0,   50.0,
                                       60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 7680.0};
constexpr std::array kLengthBounds = {1.0,    2.0,    5.0,     10.0,    20.0,
                                      50.0,   100.0,  200.0,   500.0,   1000.0,
                                      2000.0, 5000.0, 10000.0, 20000.0, 50000.0};

// Brings the engine's own totals into counters, which know only steps up.
class EngineRefresh {
public:
    EngineRefresh(Metrics& metrics, const engine::Engine& engine, const Labels& labels)
        : engine_(engine),
          running_(
              metrics.AddGauge("vllm:num_requests_running", "Sequences being generated.", labels)),
          waiting_(metrics.AddGauge("vllm:num_requests_waiting", "Requests waiting their turn.",
                                    labels)),
          kv_usage_(metrics.AddGauge("vllm:kv_cache_usage_perc",
                                     "KV cache in use; 1 means all of it.", labels)),
          resident_(metrics.AddGauge("process_resident_memory_bytes",
                                     "Resident memory of this process.")),
          prompt_(
              metrics.AddCounter("vllm:prompt_tokens_total", "Prompt tokens processed.", labels)),
          generation_(
              metrics.AddCounter("vllm:generation_tokens_total", "Tokens generated.", labels)),
          preemptions_(metrics.AddCounter("vllm:num_preemptions_total",
                                          "Sequences stopped for want of KV cache.", labels)),
          steps_(
              metrics.AddCounter("lathe_engine_steps_total", "Batches the model has run.", labels)),
          prefix_queries_(metrics.AddCounter("vllm:prefix_cache_queries_total",
                                             "Prompt tokens looked up in the prefix cache.",
                                             labels)),
          prefix_hits_(metrics.AddCounter("vllm:prefix_cache_hits_total",
                                          "Prompt tokens found in the prefix cache.", labels)),
          draft_tokens_(metrics.AddCounter("vllm:spec_decode_num_draft_tokens_total",
                                           "Tokens guessed and tried.", labels)),
          accepted_tokens_(metrics.AddCounter("vllm:spec_decode_num_accepted_tokens_total",
                                              "Tokens guessed that were right.", labels)) {}

    void operator()() {
        auto stats = engine_.stats();
        std::lock_guard lock(mutex_);
        running_.Set(stats.running);
        waiting_.Set(stats.waiting);
        kv_usage_.Set(stats.kv_usage);
        resident_.Set(static_cast<double>(platform::ResidentBytes()));
        Advance(prompt_, last_.prompt_tokens, stats.prompt_tokens);
        Advance(generation_, last_.generation_tokens, stats.generation_tokens);
        Advance(preemptions_, last_.preemptions, stats.preemptions);
        Advance(steps_, last_.steps, stats.steps);
        Advance(prefix_queries_, last_.prefix_queries, stats.prefix_queries);
        Advance(prefix_hits_, last_.prefix_hits, stats.prefix_hits);
        Advance(draft_tokens_, last_.draft_tokens, stats.draft_tokens);
        Advance(accepted_tokens_, last_.accepted_tokens, stats.accepted_tokens);
    }

private:
    static void Advance(telemetry::Counter& counter, uint64_t& last, uint64_t now) {
        if (now <= last) return;  // two collections at once: the later picture came first
        counter.Add(static_cast<double>(now - last));
        last = now;
    }

    const engine::Engine& engine_;
    std::mutex mutex_;
    telemetry::Gauge running_, waiting_, kv_usage_, resident_;
    telemetry::Counter prompt_, generation_, preemptions_, steps_, prefix_queries_, prefix_hits_,
        draft_tokens_, accepted_tokens_;
    engine::EngineStats last_;
};

}  // namespace

ApiMetrics::ApiMetrics(Metrics& metrics, const engine::Engine& engine, const std::string& model) {
    Labels labels = {{"model_name", model}};
    auto histogram = [&](std::string_view name, std::string_view help, auto& bounds) {
        return metrics.AddHistogram(name, help, bounds, labels);
    };
    time_to_first_token_ = histogram("vllm:time_to_first_token_seconds",
                                     "From arrival to the first token.", kFirstTokenBounds);
    inter_token_latency_ = histogram("vllm:inter_token_latency_seconds",
                                     "Between two tokens of an answer.", kTokenBounds);
    end_to_end_latency_ = histogram("vllm:e2e_request_latency_seconds",
                                    "From arrival to the last token.", kRequestBounds);
    queue_time_ = histogram("vllm:request_queue_time_seconds", "From arrival to the first step.",
                            kRequestBounds);
    prefill_time_ = histogram("vllm:request_prefill_time_seconds",
                              "From the first step to the first token.", kRequestBounds);
    decode_time_ = histogram("vllm:request_decode_time_seconds",
                             "From the first token to the last.", kRequestBounds);
    prompt_length_ = histogram("vllm:request_prompt_tokens", "Tokens of a prompt.", kLengthBounds);
    answer_length_ =
        histogram("vllm:request_generation_tokens", "Tokens of an answer.", kLengthBounds);
    auto finished = [&](const char* reason) {
        auto all = labels;
        all.emplace_back("finished_reason", reason);
        return metrics.AddCounter("vllm:request_success_total", "Requests that ended, by reason.",
                                  all);
    };
    finished_stop_ = finished("stop");
    finished_length_ = finished("length");
    finished_abort_ = finished("abort");
    finished_error_ = finished("error");
    metrics.OnCollect(
        [refresh = std::make_shared<EngineRefresh>(metrics, engine, labels)] { (*refresh)(); });
}

void ApiMetrics::CountFinish(engine::FinishReason reason) {
    switch (reason) {
        case engine::FinishReason::kStop:
            return finished_stop_.Add();
        case engine::FinishReason::kLength:
            return finished_length_.Add();
        case engine::FinishReason::kCancelled:
            return finished_abort_.Add();
        case engine::FinishReason::kError:
            return finished_error_.Add();
    }
}

void ApiMetrics::CountGone(size_t unfinished) {
    if (unfinished > 0) finished_abort_.Add(static_cast<double>(unfinished));
}

void ApiMetrics::Count(const engine::GenerationEvent& event) {
    if (event.token_seconds > 0)
        for (size_t i = 0; i < event.tokens.size(); ++i)
            inter_token_latency_.Observe(event.token_seconds);
    if (event.finish) CountFinish(*event.finish);
    if (!event.last) return;
    const auto& timings = event.timings;
    end_to_end_latency_.Observe(timings.total_seconds);
    queue_time_.Observe(timings.queue_seconds);
    if (timings.first_token_seconds > 0) {
        time_to_first_token_.Observe(timings.first_token_seconds);
        prefill_time_.Observe(timings.prefill_seconds);
        decode_time_.Observe(timings.decode_seconds);
    }
    prompt_length_.Observe(event.usage.prompt_tokens);
    answer_length_.Observe(event.usage.completion_tokens);
}

}  // namespace lathe::api
