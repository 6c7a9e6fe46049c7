#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace lathe::sandbox {

struct SandboxOptions {
    // What runs the program; the file's path is added. Read from the system's /usr.
    std::vector<std::string> interpreter = {"/usr/bin/python3", "-B"};
    double wall_seconds_max = 10;
    uint32_t cpu_seconds_max = 10;                  // of each process
    uint64_t memory_bytes_max = uint64_t{1} << 30;  // address space of each process
    uint32_t process_count_max = 4;                 // processes and threads of the program
    uint64_t disk_bytes_max = uint64_t{64} << 20;   // of /tmp, the one place to write to
    uint32_t open_files_max = 64;                   // of each process
    uint64_t output_bytes_max = uint64_t{1} << 20;  // of stdout, and as many of stderr
};

enum class Ending {
    kExit,         // of itself, with `exit_code`
    kSignal,       // killed by `signal`: a crash
    kTimeout,      // wall clock or CPU seconds
    kMemory,       // refused memory, and ended for it
    kOutputLimit,  // wrote more than may be kept
};

// "exit", "signal", "timeout", "memory", "output limit".
std::string_view EndingName(Ending ending);

struct Outcome {
    Ending ending = Ending::kExit;
    int exit_code = 0;
    int signal = 0;
    std::string standard_output{};  // what was read, at most output_bytes_max
    std::string standard_error{};
    double seconds = 0;  // wall clock, from the start of the program

    bool succeeded() const { return ending == Ending::kExit && exit_code == 0; }
};

// Runs programs that nobody has read, such as a model's answers to programming tasks.
//
// A program gets namespaces of its own (users, processes, network, IPC, host name, control
// groups, files), made by bubblewrap. It sees the system's /usr read-only, an empty private
// /tmp, five devices, no /proc, /home or /etc; it has no network, no privileges and cannot
// gain any; system calls are those of an allow list (syscall_filter.h); time, memory,
// processes, files and output are limited. When Run() returns, every process that the
// program has started is dead. If Lathe runs as root, the program belongs to `nobody`.
//
// What it cannot do: limit the sum of the processes' memory, which is the product of two
// limits at worst; keep a flaw of the kernel from being used.
//
// Create() tries whether this machine permits all that, and whether the limit of processes
// holds. There is no way to run a program without it.
//
// Const-safe: any number of threads may call Run() at once.
class Sandbox {
public:
    static constexpr uint32_t kProcessCountMax = 1024;
    static constexpr size_t kProgramBytesMax = 4 << 20;
    static constexpr size_t kInputBytesMax = 64 << 20;

    // Errors (kFailedPrecondition): bubblewrap or the interpreter is missing, or the machine
    // refuses namespaces; the message says how to mend it. kInvalidArgument: a limit of 0, or more
    // than kProcessCountMax processes.
    static Result<Sandbox> Create(const SandboxOptions& options = {});

    // Runs `program` with `input` as its standard input. Whatever the program does is an
    // Outcome; errors are ours: kInvalidArgument (too long), kResourceExhausted
    // (no descriptors or processes left), kFailedPrecondition (refused meanwhile).
    Result<Outcome> Run(std::string_view program, std::string_view input = "") const;

    const SandboxOptions& options() const { return options_; }

private:
    explicit Sandbox(const SandboxOptions& options) : options_(options) {}
    Status Probe() const;
    Status ProbeProcessLimit() const;

    SandboxOptions options_;
    std::string filter_;                // of system calls, compiled
    std::vector<std::string> command_;  // up to and with the interpreter and the file
};

}  // namespace lathe::sandbox
