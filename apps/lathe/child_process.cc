#include "child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "core/platform/files.h"

extern char** environ;

namespace lathe::app {
namespace {

constexpr const char* kSelf = "/proc/self/exe";

// Both ends of a pipe, closed with it.
struct Pipe {
    int ends[2] = {-1, -1};
    ~Pipe() {
        for (int end : ends)
            if (end >= 0) ::close(end);
    }
    Status Open() {
        if (::pipe2(ends, O_CLOEXEC) == 0) return {};
        return std::unexpected(platform::ErrnoError(errno, "cannot make a pipe for", kSelf));
    }
    void CloseWriter() {
        ::close(ends[1]);
        ends[1] = -1;
    }
};

Result<pid_t> Spawn(const std::vector<std::string>& arguments, const Pipe& out,
                    const Pipe& errors) {
    std::vector<char*> argv = {const_cast<char*>("lathe")};
    for (const std::string& argument : arguments)
        argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, out.ends[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, errors.ends[1], STDERR_FILENO);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    sigset_t none;  // ours are blocked (StopOnSignal); the child's must not be
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    pid_t child = 0;
    int error = ::posix_spawn(&child, kSelf, &actions, &attributes, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    if (error != 0) return std::unexpected(platform::ErrnoError(error, "cannot run", kSelf));
    return child;
}

// Reads both until they end, or until a stop has ended the child.
void ReadAll(int out, int errors, pid_t child, std::stop_token stop, std::string& out_text,
             std::string& error_text) {
    pollfd polled[2] = {{out, POLLIN, 0}, {errors, POLLIN, 0}};
    std::string* texts[2] = {&out_text, &error_text};
    char buffer[1 << 14];
    for (int open = 2; open > 0;) {
        if (stop.stop_requested()) ::kill(child, SIGKILL);
        ::poll(polled, 2, 200);
        for (int i = 0; i < 2; ++i) {
            if (polled[i].fd < 0 || polled[i].revents == 0) continue;
            ssize_t count = ::read(polled[i].fd, buffer, sizeof buffer);
            if (count < 0 && errno == EINTR) continue;
            if (count > 0) {
                texts[i]->append(buffer, static_cast<size_t>(count));
                continue;
            }
            polled[i].fd = -1;
            --open;
        }
    }
}

}  // namespace

Result<std::string> RunSelf(const std::vector<std::string>& arguments, std::stop_token stop) {
    Pipe out, errors;
    LATHE_RETURN_IF_ERROR(out.Open());
    LATHE_RETURN_IF_ERROR(errors.Open());
    LATHE_TRY(pid_t child, Spawn(arguments, out, errors));
    out.CloseWriter();
    errors.CloseWriter();
    std::string text, message;
    ReadAll(out.ends[0], errors.ends[0], child, stop, text, message);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (stop.stop_requested()) return MakeError(Code::kCancelled, "stopped; nothing was written");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return text;
    return MakeError(Code::kInternal, "`lathe {}` failed: {}", arguments.front(),
                     message.empty() ? "no message" : message);
}

}  // namespace lathe::app
