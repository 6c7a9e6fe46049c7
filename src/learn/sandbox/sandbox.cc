#include "learn/sandbox/sandbox.h"

#include <signal.h>
#include <unistd.h>

#include "learn/sandbox/bubblewrap.h"
#include "learn/sandbox/child.h"
#include "learn/sandbox/syscall_filter.h"

namespace lathe::sandbox {
namespace {

constexpr std::string_view kHowToMend =
    "Programs of code tasks are never run without a sandbox. To allow one: on Debian and Ubuntu "
    "`sysctl -w kernel.unprivileged_userns_clone=1` or, where AppArmor forbids it, "
    "`sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`; `sysctl -w "
    "user.max_user_namespaces=10000` if that is 0; in a container start it with "
    "`--security-opt seccomp=unconfined --security-opt apparmor=unconfined`";

std::string_view LastLine(std::string_view text) {
    while (text.ends_with('\n')) text.remove_suffix(1);
    return text.substr(text.rfind('\n') + 1);  // npos + 1 is 0
}

// The end of a program by its exit code as bubblewrap gives it: 128 + n for signal n.
void SetEnding(int exit_code, uint32_t cpu_seconds_max, Outcome& outcome) {
    outcome.exit_code = exit_code;
    // Python reports memory that was refused, and goes on to its end.
    if (exit_code != 0 && LastLine(outcome.standard_error).starts_with("MemoryError")) {
        outcome.ending = Ending::kMemory;
    } else if (exit_code == 128 + SIGXCPU ||
               (exit_code == 128 + SIGKILL && outcome.seconds > cpu_seconds_max)) {
        outcome.ending = Ending::kTimeout;
    } else if (exit_code > 128 && exit_code <= 128 + 64) {
        outcome.ending = Ending::kSignal;
        outcome.signal = exit_code - 128;
    }
}

Status CheckOptions(const SandboxOptions& options) {
    if (options.interpreter.empty()) return InvalidArgument("the sandbox has no interpreter");
    bool zero = !(options.wall_seconds_max > 0) || options.cpu_seconds_max == 0 ||
                options.memory_bytes_max == 0 || options.process_count_max == 0 ||
                options.disk_bytes_max == 0 || options.open_files_max == 0 ||
                options.output_bytes_max == 0;
    if (zero) return InvalidArgument("each limit of the sandbox must be above 0");
    if (options.process_count_max > Sandbox::kProcessCountMax)
        return InvalidArgument("a sandbox holds at most {} processes", Sandbox::kProcessCountMax);
    if (::access(options.interpreter[0].c_str(), X_OK) != 0)
        return MakeError(Code::kFailedPrecondition,
                         "{} is missing, which runs the programs of code tasks; install the "
                         "package python3, or name another interpreter below /usr",
                         options.interpreter[0]);
    if (!options.interpreter[0].starts_with("/usr/"))
        return InvalidArgument(
            "the interpreter {} lies outside of /usr, which is all that a "
            "sandboxed program sees",
            options.interpreter[0]);
    return {};
}

}  // namespace

std::string_view EndingName(Ending ending) {
    switch (ending) {
        case Ending::kExit:
            return "exit";
        case Ending::kSignal:
            return "signal";
        case Ending::kTimeout:
            return "timeout";
        case Ending::kMemory:
            return "memory";
        case Ending::kOutputLimit:
            return "output limit";
    }
    return "";
}

Result<Sandbox> Sandbox::Create(const SandboxOptions& options) {
    LATHE_RETURN_IF_ERROR(CheckOptions(options));
    Sandbox sandbox(options);
    LATHE_TRY(sandbox.filter_, CompileSyscallFilter());
    LATHE_TRY(sandbox.command_, BubblewrapCommand(options));
    LATHE_RETURN_IF_ERROR(sandbox.Probe());
    LATHE_RETURN_IF_ERROR(sandbox.ProbeProcessLimit());
    return sandbox;
}

// Linux lets root start any number of processes, whoever root is in a container, and old
// kernels count otherwise. A few too many tell.
Status Sandbox::ProbeProcessLimit() const {
    Sandbox shell(options_);
    shell.options_.interpreter = {"/usr/bin/sh"};
    shell.filter_ = filter_;
    LATHE_TRY(shell.command_, BubblewrapCommand(shell.options_));
    std::string program;
    for (uint32_t i = 0; i <= options_.process_count_max; ++i) program += "sleep 100 &\n";
    LATHE_TRY(Outcome outcome, shell.Run(program + "echo unlimited"));
    if (outcome.standard_output.empty()) return {};
    return MakeError(Code::kFailedPrecondition,
                     "this machine does not limit the processes of a sandboxed program: a fork "
                     "bomb would run. Start Lathe as an ordinary user, on Linux 5.14 or newer");
}

// An empty program is one in most languages, and must end well.
Status Sandbox::Probe() const {
    LATHE_TRY(Outcome outcome, Run(""));
    if (outcome.succeeded()) return {};
    return MakeError(Code::kFailedPrecondition,
                     "the sandbox starts, but an empty program does not end well in it ({}, code "
                     "{}): {}; raise the sandbox's limits or mend the interpreter {}",
                     EndingName(outcome.ending), outcome.exit_code,
                     LastLine(outcome.standard_error), options_.interpreter[0]);
}

Result<Outcome> Sandbox::Run(std::string_view program, std::string_view input) const {
    if (program.size() > kProgramBytesMax || input.size() > kInputBytesMax)
        return InvalidArgument("a program may have {} bytes and its input {}; these have {} and {}",
                               kProgramBytesMax, kInputBytesMax, program.size(), input.size());
    LATHE_TRY(Child child,
              Child::Start(command_, {.input = input, .filter = filter_, .program = program}));
    Child::Report report = child.Watch({.wall_seconds_max = options_.wall_seconds_max,
                                        .output_bytes_max = options_.output_bytes_max});
    // Without an exit code bubblewrap itself gave up, after its first process had begun.
    if (!report.started || (report.stop == Child::Stop::kEnded && !report.exit_code))
        return MakeError(Code::kFailedPrecondition,
                         "this machine does not let a sandbox be made: {}. {}",
                         LastLine(report.standard_error), kHowToMend);
    Outcome outcome;
    outcome.standard_output = std::move(report.standard_output);
    outcome.standard_error = std::move(report.standard_error);
    outcome.seconds = report.seconds;
    if (report.stop == Child::Stop::kTimeout)
        outcome.ending = Ending::kTimeout;
    else if (report.stop == Child::Stop::kOutputLimit)
        outcome.ending = Ending::kOutputLimit;
    else
        SetEnding(*report.exit_code, options_.cpu_seconds_max, outcome);
    return outcome;
}

}  // namespace lathe::sandbox
