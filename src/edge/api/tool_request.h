// tools, tool_choice and parallel_tool_calls of a chat request. Free functions, thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/json/json.h"

namespace lathe::api {

struct ToolRequest {
    enum class Choice : uint8_t {
        kNone,      // no call: the model does not hear of tools
        kAuto,      // the model decides
        kRequired,  // one call or more
        kNamed,     // one call, of the tool `name`
    };
    Choice choice = Choice::kNone;
    std::string name;
    bool parallel = true;               // more than one call in an answer
    std::shared_ptr<const Json> tools;  // as in the request; at least one unless kNone

    bool offered() const { return choice != Choice::kNone; }
    bool forced() const { return choice == Choice::kRequired || choice == Choice::kNamed; }
};

// Requires: CheckParameters has passed.
Result<ToolRequest> ParseToolRequest(const Json& body);

// The tool_calls of an earlier answer, `path` in the request: arguments become objects where
// they can be read as such, which is what templates expect.
Result<Json> ParseMessageToolCalls(const Json& calls, const std::string& path);

}  // namespace lathe::api
