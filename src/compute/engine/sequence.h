// Requests and their completions as the scheduler sees them: lengths, pages, order.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "compute/kvcache/page_pool.h"
#include "compute/kvcache/prefix_key.h"
#include "compute/tokenizer/tokenizer.h"

namespace lathe::engine {

using kvcache::PageId;
using tokenizer::TokenId;

struct ScheduledRequest;
struct Tenant;

// One completion of a request: its tokens, and which pages hold their keys and values.
struct Sequence {
    enum class State : uint8_t { kWaiting, kRunning, kDone };

    ScheduledRequest* request = nullptr;
    int32_t index = 0;  // among the request's completions
    State state = State::kWaiting;
    int32_t length = 0;                    // tokens known: prompt and text
    int32_t computed = 0;                  // of them, how many are in the pages
    int32_t shared = 0;                    // of them, how many came with shared pages at admission
    int32_t charged = 0;                   // of them, how many its tenant was charged for
    std::vector<TokenId> tokens;           // [length], empty before its first admission
    std::vector<PageId> pages;             // page table
    std::vector<kvcache::PrefixKey> keys;  // of its full pages, empty before as well
    int32_t drafts = 0;                    // guessed tokens that may be tried after the known ones
    int32_t waits_at = -1;                 // page that another one was computing at the last look

    int32_t left() const { return length - computed; }
};

// A request in the scheduler: its completions and its place in the order.
struct ScheduledRequest {
    struct Spec {
        uint64_t arrival = 0;  // rises from request to request
        int32_t priority = 0;  // lower runs first
        int32_t completions = 1;
        std::span<const TokenId> prompt = {};  // not empty, outlives the request
        int32_t length_max = 0;                // most tokens a completion can need in the pages
        std::string_view tenant = {};          // whose turn it is when it runs
        std::string_view salt = {};            // pages are shared within a tenant and a salt
        bool computes_prompt = false;          // completion 0 computes every row of the prompt
        // Known texts behind the prompt, one per completion; none: they are generated.
        // The last token of each is never computed.
        std::span<const std::vector<TokenId>> continuations = {};
    };

    // The views of `spec` are read until Scheduler::Add returns, the prompt until the end.
    explicit ScheduledRequest(const Spec& spec);
    ScheduledRequest(const ScheduledRequest&) = delete;
    ScheduledRequest& operator=(const ScheduledRequest&) = delete;

    const Spec spec;
    std::vector<Sequence> sequences;  // [completions]

    // Completion 0 has to compute the whole prompt, the others wait for that. The owner
    // of the request clears it when that is done.
    bool computes_prompt;

    bool has_continuations() const { return !spec.continuations.empty(); }
    // All that is known of a completion when it begins: prompt and continuation.
    std::vector<TokenId> KnownTokens(int32_t index) const;
    // Where the text begins that was generated.
    int32_t generated_from(const Sequence& sequence) const {
        return has_continuations() ? sequence.length : static_cast<int32_t>(spec.prompt.size());
    }

    // The scheduler's own:
    bool prompt_done = false;  // with continuations: completion 0 has computed the prompt, on
                               // which the others stand; until then they wait
    std::optional<PageId> prompt_end;  // the page in which it ends, kept for the completions
                                       // that begin with a copy of it
    Tenant* tenant = nullptr;
    std::vector<kvcache::PrefixKey> prompt_keys;  // of the prompt's full pages
    kvcache::PrefixKey root;                      // where their chain starts
    bool promoted = false;                        // has suffered enough: before all priorities
    int32_t overtaken = 0;                        // by requests that arrived later
    int32_t turns = 0;  // of other tenants, while it was the first of its own
    int32_t preemptions = 0;
    int32_t waiting = 0;  // sequences by state
    int32_t running = 0;
};

// The order of sequences in a step: promoted ones by arrival, then by priority, by
// what their tenants were served, by arrival.
bool RanksBefore(const Sequence* a, const Sequence* b);

}  // namespace lathe::engine
