// Speed of the engine as its users meet it: requests in, tokens out, with the
// scheduler and with the choice of every token.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bench/bench_text.h"
#include "compute/engine/engine.h"

namespace lathe::app {

// `requests` prompts of `prompt` tokens, each answered greedily with `generate` tokens.
// `at_once` requests are in the engine at a time, and all are there at the start if
// it is 0; the first `shared` tokens of all prompts are the same.
struct ServeJob {
    int requests = 0;
    int prompt = 0;
    int generate = 0;
    int at_once = 0;
    int shared = 0;

    // "32x120/64", "48x120/64@16" (16 at a time), "32x1020/1+1000" (1,000 in common).
    static Result<ServeJob> Parse(const std::string& text);
    std::string Text() const;
};

struct Percentiles {
    double p50 = 0;
    double p90 = 0;
    double p99 = 0;
};
Percentiles PercentilesOf(std::vector<double> values);

struct ServeResult {
    double seconds = 0;      // from the first request until the last token
    double cpu_seconds = 0;  // of this process; far below threads * seconds where others
                             // took the cores
    int generated_tokens = 0;
    int prompt_tokens = 0;
    int cached_prompt_tokens = 0;     // of them, how many an earlier prompt had brought
    double generated_per_second = 0;  // end to end
    double prompt_per_second = 0;     // until the last of the first tokens
    // Tokens a second while all requests are past their first token and none has ended;
    // none if that never was.
    std::optional<double> decode_per_second;
    Percentiles first_token_ms;  // from when a request was handed in
    Percentiles inter_token_ms;
};

// Runs one job on an engine that does nothing else. Errors: the engine's, as for a
// prompt that does not fit the context.
Result<ServeResult> RunServeJob(engine::Engine& engine, PromptCutter& prompts, const ServeJob& job);

}  // namespace lathe::app
