#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lathe::modelfile {

// Text from a file for a message or a terminal: control characters and bytes that are
// not UTF-8 escaped as \xHH, cut at a character after `length_max` bytes with "…".
// Thread-safe.
std::string Printable(std::string_view text, size_t length_max = 96);

}  // namespace lathe::modelfile
