#pragma once

#include <filesystem>
#include <string_view>

#include "core/base/result.h"
#include "core/json/json.h"

namespace lathe::eval {

inline constexpr size_t kTaskFileBytesMax = 1u << 20;

// A YAML text as JSON, with scalars typed as PyYAML (YAML 1.1) types them, merge keys
// followed and the last of equal keys kept. Keys are texts. Errors name the line: what is
// not YAML, and `!function` and other tags, since a task file may not run Python.
Result<Json> ParseTaskYaml(std::string_view text);

// The same of a file whose `include` (a path or a list of them, relative to the file) is
// filled in: what the file itself says goes before what it includes, and of these the
// first before the last.
Result<Json> ReadTaskYaml(const std::filesystem::path& path);

}  // namespace lathe::eval
