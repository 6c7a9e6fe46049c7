// Where runs go that no folder was named for, and where `lathe serve` looks for them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace lathe::app {

// `given`, or LATHE_HOME/runs if that is empty. Not created.
Result<std::filesystem::path> RunsFolder(const std::string& given = "");

// Makes a new folder there: MODEL-YYYYMMDD-HHMMSS, local time, with a number after it if
// that is taken. What does not belong into a name becomes '-'.
Result<std::filesystem::path> MakeRunFolder(std::string_view model);

// A run that exists: `given` as a path, or as a name in RunsFolder(). Where neither is there the
// path is given back.
Result<std::filesystem::path> FindRun(const std::string& given);

}  // namespace lathe::app
