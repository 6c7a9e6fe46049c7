// Where tests find models and golden data. A missing one fails the test with the
// command that brings it; tests never skip.
#pragma once

#include <filesystem>
#include <string_view>

namespace lathe::testing_support {

// "smollm2-135m", "gemma3-270m" or "qwen2.5-coder-0.5b": the GGUF file under
// LATHE_HOME, as scripts/fetch-model puts it there. Aborts with advice if missing.
std::filesystem::path ModelFile(std::string_view name);

// tests/golden/NAME and the other folders of the source tree.
std::filesystem::path Golden(std::string_view name);
std::filesystem::path SourceTree();

}  // namespace lathe::testing_support
