// Text for pages that are written without a template.
//
// Thread-safe: free functions only.
#pragma once

#include <string>
#include <string_view>

namespace lathe {

// With &, <, > and both quotes as entities: safe as text and in quoted attributes.
std::string EscapeHtml(std::string_view text);

}  // namespace lathe
