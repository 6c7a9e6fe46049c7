#include "learn/sandbox/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "core/base/check.h"
#include "core/json/json.h"

namespace lathe::sandbox {
namespace {

constexpr uint64_t kStatusBytesMax = 64 * 1024;

std::unexpected<Error> Exhausted(std::string_view what) {
    return MakeError(Code::kResourceExhausted, "cannot start a sandboxed program: {}: {}", what,
                     std::strerror(errno));
}

// Above every number that a child's descriptor is moved to.
Descriptor Lifted(int number) {
    int lifted = ::fcntl(number, F_DUPFD_CLOEXEC, kBlockDescriptor + 1);
    int failure = errno;
    ::close(number);
    errno = failure;
    return Descriptor(lifted);
}

// A file in memory that nobody can change any more.
Result<Descriptor> SealedFile(std::string_view content) {
    int number = ::memfd_create("lathe-sandbox", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (number < 0) return Exhausted("memory file");
    Descriptor file = Lifted(number);
    if (!file) return Exhausted("memory file");
    for (size_t done = 0; done < content.size();) {
        ssize_t written = ::write(file.get(), content.data() + done, content.size() - done);
        if (written < 0) return Exhausted("memory file");
        done += static_cast<size_t>(written);
    }
    ::lseek(file.get(), 0, SEEK_SET);
    if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL))
        return Exhausted("seal");
    return file;
}

struct Pipe {
    Descriptor read;
    Descriptor write;
};

Result<Pipe> MakePipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC)) return Exhausted("pipe");
    Pipe pipe{.read = Lifted(ends[0]), .write = Lifted(ends[1])};
    if (!pipe.read || !pipe.write) return Exhausted("pipe");
    ::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK);
    return pipe;
}

Descriptor OpenPidfd(pid_t process) {
    return Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
}

void Kill(const Descriptor& pidfd) {
    if (pidfd) ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
}

bool Ended(const Descriptor& pidfd, int wait_ms = 0) {
    pollfd one{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
    return ::poll(&one, 1, wait_ms) > 0;
}

// Owns the attributes of a posix_spawn.
struct SpawnPlan {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;

    SpawnPlan() {
        LATHE_CHECK(posix_spawn_file_actions_init(&actions) == 0);
        LATHE_CHECK(posix_spawnattr_init(&attributes) == 0);
        // Signals as a fresh program expects them, whatever a server has blocked.
        sigset_t none, all;
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    SpawnPlan(const SpawnPlan&) = delete;
    ~SpawnPlan() {
        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);
    }
    void Give(const Descriptor& descriptor, int number) {
        LATHE_CHECK(posix_spawn_file_actions_adddup2(&actions, descriptor.get(), number) == 0);
    }
};

// All that a program learns of the outside.
constexpr const char* kEnvironment[] = {
    "PATH=/usr/bin:/bin", "HOME=/tmp",         "TMPDIR=/tmp",           "LANG=C.UTF-8",
    "PYTHONHASHSEED=0",   "OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1"};

Result<pid_t> Spawn(SpawnPlan& plan, const std::vector<std::string>& command) {
    // Models, sockets and logs stay outside.
    LATHE_CHECK(posix_spawn_file_actions_addclosefrom_np(&plan.actions, kBlockDescriptor + 1) == 0);
    std::vector<char*> arguments, environment;
    for (const std::string& argument : command)
        arguments.push_back(const_cast<char*>(argument.c_str()));
    for (const char* variable : kEnvironment) environment.push_back(const_cast<char*>(variable));
    arguments.push_back(nullptr);
    environment.push_back(nullptr);
    pid_t process = -1;
    errno = ::posix_spawn(&process, arguments[0], &plan.actions, &plan.attributes, arguments.data(),
                          environment.data());
    if (errno != 0) return Exhausted(command[0]);
    return process;
}

}  // namespace

Result<Child> Child::Start(const std::vector<std::string>& command, const ChildFiles& files) {
    LATHE_TRY(Descriptor input, SealedFile(files.input));
    LATHE_TRY(Descriptor filter, SealedFile(files.filter));
    LATHE_TRY(Descriptor program, SealedFile(files.program));
    LATHE_TRY(Pipe output, MakePipe());
    LATHE_TRY(Pipe error, MakePipe());
    LATHE_TRY(Pipe status, MakePipe());
    LATHE_TRY(Pipe block, MakePipe());
    ::fcntl(block.read.get(), F_SETFL, 0);  // the program is to wait
    SpawnPlan plan;
    plan.Give(input, STDIN_FILENO);
    plan.Give(output.write, STDOUT_FILENO);
    plan.Give(error.write, STDERR_FILENO);
    plan.Give(filter, kFilterDescriptor);
    plan.Give(program, kProgramDescriptor);
    plan.Give(status.write, kStatusDescriptor);
    plan.Give(block.read, kBlockDescriptor);

    Child child;
    LATHE_TRY(child.monitor_id_, Spawn(plan, command));
    child.monitor_ = OpenPidfd(child.monitor_id_);
    if (!child.monitor_) {
        // It is our unreaped child, so its number is still its own.
        ::kill(child.monitor_id_, SIGKILL);
        return Exhausted("pidfd");
    }
    child.output_.pipe = std::move(output.read);
    child.error_.pipe = std::move(error.read);
    child.status_.pipe = std::move(status.read);
    child.block_ = std::move(block.write);
    child.block_read_ = std::move(block.read);
    return child;
}

Child::~Child() {
    KillAll();
}

bool Child::Read(Stream& stream, uint64_t bytes_max) {
    std::array<char, 65536> buffer;
    while (stream.bytes.size() <= bytes_max) {
        ssize_t count = ::read(stream.pipe.get(), buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return errno == EAGAIN;
        if (count == 0) return false;
        stream.bytes.append(buffer.data(), static_cast<size_t>(count));
    }
    return false;
}

// The first line is like { "child-pid": 12, ... }.
void Child::ReadStatus() {
    if (!Read(status_, kStatusBytesMax)) status_.pipe.Close();
    if (first_ || !status_.bytes.contains('\n')) return;
    auto line = ParseJson(status_.bytes.substr(0, status_.bytes.find('\n')));
    if (!line || !line->contains("child-pid")) return;
    // It waits for our byte, so the number is still its own.
    first_ = OpenPidfd((*line)["child-pid"].get<pid_t>());
    if (first_ && ::write(block_.get(), "", 1) == 1) started_ = Clock::now();
}

bool Child::PollOnce(Clock::time_point deadline, const ChildLimits& limits, Report& report) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) {
        report.stop = Stop::kTimeout;
        return false;
    }
    // A closed stream is -1 here, which poll passes over.
    std::array<pollfd, 4> watched{{{output_.pipe.get(), POLLIN, 0},
                                   {error_.pipe.get(), POLLIN, 0},
                                   {status_.pipe.get(), POLLIN, 0},
                                   {monitor_.get(), POLLIN, 0}}};
    ::poll(watched.data(), watched.size(), static_cast<int>(std::min<int64_t>(left, 1000)));
    if (watched[2].revents) ReadStatus();
    for (Stream* stream : {&output_, &error_}) {
        if (!watched[stream == &output_ ? 0 : 1].revents) continue;
        if (Read(*stream, limits.output_bytes_max)) continue;
        stream->pipe.Close();
        if (stream->bytes.size() > limits.output_bytes_max) {
            report.stop = Stop::kOutputLimit;
            return false;
        }
    }
    return !watched[3].revents;
}

Child::Report Child::Watch(const ChildLimits& limits) {
    Report report;
    auto seconds = [](double count) {
        return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(count));
    };
    Clock::time_point spawned = Clock::now();
    auto deadline = [&] {
        return started_ ? *started_ + seconds(limits.wall_seconds_max)
                        : spawned + seconds(kSetupSecondsMax);
    };
    while (PollOnce(deadline(), limits, report)) {
    }
    report.seconds =
        std::chrono::duration<double>(Clock::now() - started_.value_or(spawned)).count();
    KillAll();
    report.started = started_.has_value();

    // What was still under way in the pipes.
    if (status_.pipe) ReadStatus();
    for (Stream* stream : {&output_, &error_}) {
        if (stream->pipe) Read(*stream, limits.output_bytes_max);
        if (report.stop == Stop::kEnded && stream->bytes.size() > limits.output_bytes_max)
            report.stop = Stop::kOutputLimit;
        stream->bytes.resize(std::min(stream->bytes.size(), size_t{limits.output_bytes_max}));
    }
    report.standard_output = std::move(output_.bytes);
    report.standard_error = std::move(error_.bytes);
    size_t place = status_.bytes.find("\"exit-code\": ");
    if (place != std::string::npos) {
        int code = 0;
        const char* digits = status_.bytes.data() + place + std::strlen("\"exit-code\": ");
        std::from_chars(digits, status_.bytes.data() + status_.bytes.size(), code);
        report.exit_code = code;
    }
    return report;
}

void Child::KillAll() {
    if (!monitor_) return;
    Kill(first_);
    Kill(monitor_);
    siginfo_t ignored;
    while (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(monitor_.get()), &ignored,
                    WEXITED) != 0 &&
           errno == EINTR) {
    }
    monitor_.Close();
    // Process 1 is gone only when all of its namespace is.
    constexpr int kForever = -1;
    while (first_ && !Ended(first_, kForever)) {
    }
    first_.Close();
}

}  // namespace lathe::sandbox
