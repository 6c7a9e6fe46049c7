#pragma once

#include <string>
#include <string_view>

namespace lathe::eval {

// SHA-256 in 64 lower-case hexadecimal digits. Thread-safe.
std::string HashText(std::string_view text);

}  // namespace lathe::eval
