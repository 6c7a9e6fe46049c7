#pragma once

#include <string>

#include "core/base/result.h"

namespace lathe::sandbox {

// The BPF program (struct sock_filter[]) that the kernel asks at every system call of a
// sandboxed program, compiled by libseccomp for this machine's architecture; a call by
// another architecture's convention kills the process. An allow list: files, memory,
// threads, processes, signals, time, pipes. All else is "not implemented", which lets C
// libraries fall back, but for sockets, which are "denied", so that a program that wants
// the network can say so. Namespaces cannot be made, nor memory that no limit sees
// (memfd, System V), nor devices.
Result<std::string> CompileSyscallFilter();

}  // namespace lathe::sandbox
