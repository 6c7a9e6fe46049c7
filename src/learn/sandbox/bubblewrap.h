#pragma once

#include <string>
#include <vector>

#include "learn/sandbox/sandbox.h"

namespace lathe::sandbox {

// Where the program lies inside.
inline constexpr const char* kProgramPath = "/tmp/program";

// The command that puts a sandbox as class Sandbox promises it around the interpreter:
// setpriv (if we are root), bwrap, prlimit, interpreter, program. The descriptors it
// expects are child.h's. Errors (kFailedPrecondition) name the program that is missing.
Result<std::vector<std::string>> BubblewrapCommand(const SandboxOptions& options);

}  // namespace lathe::sandbox
