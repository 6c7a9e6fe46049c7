#pragma once

#include <stop_token>
#include <string>

#include "core/base/result.h"
#include "learn/choose/brief.h"
#include "learn/choose/standing.h"

namespace lathe::app {

struct ServerSpeedOptions {
    std::string url;  // as far as /v1
    std::string model;
    std::string api_key;
    bool chat = false;  // /chat/completions instead of /completions
};

// What readers of a server's model meet, the way there included: one alone, then all of the
// traffic at once, each on a connection of its own. Prompts are English of about the wanted
// number of tokens (four bytes for each); answers end where the model ends them, and are
// counted by the server's usage, or by its events if it gives none. Errors: the server's
// refusal with what it says, an answer without text; kCancelled.
Result<choose::Costs> MeasureServer(const ServerSpeedOptions& options,
                                    const choose::Traffic& traffic, std::stop_token stop);

}  // namespace lathe::app
