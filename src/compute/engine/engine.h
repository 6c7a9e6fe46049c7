#pragma once

#include <memory>

#include "compute/engine/generation.h"
#include "compute/tokenizer/tokenizer.h"
#include "core/base/result.h"

namespace lathe::engine {

class ModelRunner;

struct EngineOptions {
    int32_t context_length = 0;         // longest sequence; 0: the runner's
    int32_t sequences_max = 64;         // running at once (each completion counts); no more
                                        // than a step has rows
    int32_t queue_max = 1024;           // requests that wait; more get kResourceExhausted, but
                                        // for the first of a tenant that has none
    int32_t tokens_per_step_max = 512;  // rows of a batch: decode rows and prefill chunks; no
                                        // more than the runner takes
    double token_seconds_max = 0;       // prompts leave room for so long between two tokens of
                                        // what is generating; 0: they take all rows
    bool shares_prefixes = true;        // requests that begin alike share pages
    bool speculates = true;             // guessed tokens are tried while few rows run
};

// A moment's picture for health and metrics.
struct EngineStats {
    int32_t running = 0;         // sequences
    int32_t waiting = 0;         // requests of which nothing has run yet
    double kv_usage = 0;         // share of pages in use, 0 to 1; pages that are only
                                 // kept for others to find are free
    uint64_t prompt_tokens = 0;  // since start
    uint64_t generation_tokens = 0;
    uint64_t preemptions = 0;
    uint64_t steps = 0;
    uint64_t prefill_rows = 0;     // computed, what preemptions repeat included
    uint64_t decode_rows = 0;      // those of drafts included
    uint64_t prefix_queries = 0;   // prompt tokens looked up for sharing
    uint64_t prefix_hits = 0;      // of them, tokens found
    uint64_t draft_tokens = 0;     // guessed and tried
    uint64_t accepted_tokens = 0;  // of them, tokens that were right
};

// Generates text for many requests at once in one continuously re-formed batch.
// Owns the thread on which scheduling, the forward pass and sampling happen.
//
//   Submit --> waiting --> running (prefill, decode) --> last event
//                 ^            |  preempted when pages run out: recomputed later
//                 +------------+
//
// Requests of one tenant and salt that begin alike compute the beginning once. The same
// request gives the same tokens whatever else is running.
// Thread-safe.
class Engine {
public:
    // `runner` and `tokenizer` outlive the engine.
    static Result<std::unique_ptr<Engine>> Create(ModelRunner& runner,
                                                  const tokenizer::Tokenizer& tokenizer,
                                                  const EngineOptions& options);
    // Cancels what runs; every request gets its last event first.
    ~Engine();

    // Queues a request; its events go to `sink`, the last with `last` set. Errors
    // (nothing queued, sink never called): kInvalidArgument with the parameter,
    // kResourceExhausted when the queue is full, kUnavailable when draining.
    Result<RequestId> Submit(GenerationRequest request, EventSink sink);

    // Stops a request and frees its pages before the next step; its last event says
    // kCancelled. Does nothing for a request that is over.
    void Cancel(RequestId request);

    // From now on Submit refuses; what is queued or running goes on.
    void Drain();
    bool idle() const;

    EngineStats stats() const;
    int32_t context_length() const;

    class Loop;  // internal
private:
    explicit Engine(std::unique_ptr<Loop> loop);
    std::unique_ptr<Loop> loop_;
};

}  // namespace lathe::engine
