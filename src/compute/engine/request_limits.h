#pragma once

#include <cstdint>

#include "compute/engine/generation.h"
#include "core/base/result.h"

namespace lathe::engine {

inline constexpr int32_t kCompletionsMax = 128;
inline constexpr int32_t kTopLogprobsMax = 64;
inline constexpr size_t kStopStringsMax = 64;
inline constexpr size_t kStopStringBytesMax = 1024;
inline constexpr size_t kStopTokensMax = 1024;
inline constexpr size_t kContinuationsMax = kCompletionsMax;

// What the model and the KV cache can take.
struct RequestLimits {
    int32_t context_length = 0;
    int32_t vocab_size = 0;
    int32_t page_count = 0;
    int32_t page_tokens = 0;
};

// Most tokens a completion of `request` can need in the KV cache; the token generated
// last is never computed.
int32_t CachedTokensMax(const GenerationRequest& request);

// Checks a request and cuts tokens_max to what the context has left. Errors
// (kInvalidArgument) carry the parameter's API name; kResourceExhausted is never among
// them: what passes can run when it is alone.
Status PrepareRequest(GenerationRequest& request, const RequestLimits& limits);

}  // namespace lathe::engine
