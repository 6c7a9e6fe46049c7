#pragma once

#include <string>

#include "compute/engine/engine.h"
#include "core/telemetry/metrics.h"

namespace lathe::api {

// The numbers of one model under vLLM's names, so that dashboards made for it work.
// Times are the engine's own.
// Thread-safe.
class ApiMetrics {
public:
    ApiMetrics(telemetry::Metrics& metrics, const engine::Engine& engine, const std::string& model);

    void Count(const engine::GenerationEvent& event);
    void CountGone(size_t unfinished);  // requests cancelled because the client left

private:
    void CountFinish(engine::FinishReason reason);

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
};

}  // namespace lathe::api
