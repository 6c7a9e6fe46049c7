#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "compute/engine/engine.h"
#include "core/telemetry/metrics.h"

namespace lathe::api {

// The numbers of one model under vLLM's names, so that dashboards made for it work.
// Times are taken on the monotonic clock of this process.
// Thread-safe.
class ApiMetrics {
public:
    ApiMetrics(telemetry::Metrics& metrics, const engine::Engine& engine, const std::string& model);

    // Counts one call's life; times are from the call's arrival on.
    class CallTimes;

    void CountFinish(engine::FinishReason reason);
    void CountGone(size_t unfinished);  // requests cancelled because the client left

private:
    telemetry::Histogram time_to_first_token_;
    telemetry::Histogram inter_token_latency_;
    telemetry::Histogram end_to_end_latency_;
    telemetry::Histogram queue_time_;
    telemetry::Histogram prefill_time_;
    telemetry::Histogram decode_time_;
    telemetry::Histogram prompt_length_;
    telemetry::Histogram answer_length_;
    telemetry::Counter finished_stop_;
    telemetry::Counter finished_length_;
    telemetry::Counter finished_abort_;
    telemetry::Counter finished_error_;
    telemetry::Counter prefix_queries_;
    telemetry::Counter prefix_hits_;
    friend class CallTimes;
};

// One engine request. Its call's coroutine only.
class ApiMetrics::CallTimes {
public:
    using Clock = std::chrono::steady_clock;
    CallTimes(ApiMetrics& metrics, Clock::time_point arrived)
        : metrics_(&metrics), arrived_(arrived) {}

    void Event(const engine::GenerationEvent& event, Clock::time_point time);

private:
    ApiMetrics* metrics_;
    Clock::time_point arrived_;
    Clock::time_point first_token_{};
    std::vector<Clock::time_point> last_token_;  // by completion
};

}  // namespace lathe::api
