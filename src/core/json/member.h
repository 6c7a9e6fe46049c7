// Members of values whose shape nobody vouches for: whatever is missing or of another type
// reads as empty. Thread-safe: free functions only.
#pragma once

#include <string>
#include <string_view>

#include "core/json/json.h"

namespace lathe {

// The member, or null if `json` is no object or has none; null lives as long as the program.
const Json& MemberOf(const Json& json, std::string_view key);
// "" if it is not text.
std::string TextOf(const Json& json, std::string_view key);
// Text as it is, null as "", anything else as JSON.
std::string ShownOf(const Json& value);

}  // namespace lathe
