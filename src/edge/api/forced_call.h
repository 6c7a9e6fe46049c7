#pragma once

#include <string>

#include "compute/chat/tool_format.h"
#include "edge/api/structured_output.h"
#include "edge/api/tool_request.h"

namespace lathe::api {

// A call that the model cannot help making: what its answer begins with, which becomes part
// of the prompt, and what may follow.
struct ForcedCall {
    const chat::ToolFormat* format = nullptr;  // to read the whole answer by
    std::string begin;
    constraint::GrammarPtr grammar;  // of the rest
};

// More calls than this are not made in one answer that must hold calls.
inline constexpr uint32_t kForcedCallsMax = 16;

// Of the tool that is named; else of any, and more than one if they may be parallel and the
// format can. Calls are written as the model would do it, or as plain JSON where
// its own way holds no JSON. Errors name tools[i].function.parameters and what in it cannot be
// honoured. Requires: request.forced().
Result<ForcedCall> MakeForcedCall(const chat::ToolFormat& format, const ToolRequest& request,
                                  GrammarCache& grammars);

}  // namespace lathe::api
