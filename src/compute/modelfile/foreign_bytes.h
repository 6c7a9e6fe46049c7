#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace lathe::modelfile {

// What a file that is not the expected model format probably is, and what to do, to
// be put after "X is not a GGUF file: ": "it looks like a PNG picture". By its first bytes only.
// Thread-safe.
std::string DescribeForeignBytes(std::span<const std::byte> bytes);

}  // namespace lathe::modelfile
