#include "learn/sandbox/syscall_filter.h"

#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "core/base/check.h"

namespace lathe::sandbox {
namespace {

// A name that this architecture lacks is passed over.
constexpr const char* kAllowed[] = {
    // files and directories
    "access", "chdir", "chmod", "chown", "close", "close_range", "copy_file_range", "creat", "dup",
    "dup2", "dup3", "faccessat", "faccessat2", "fadvise64", "fallocate", "fchdir", "fchmod",
    "fchmodat", "fchown", "fchownat", "fcntl", "fdatasync", "flock", "fstat", "fstatfs", "fsync",
    "ftruncate", "futimesat", "getcwd", "getdents", "getdents64", "getxattr", "lchown", "lgetxattr",
    "link", "linkat", "listxattr", "lseek", "lstat", "mkdir", "mkdirat", "newfstatat", "open",
    "openat", "pread64", "preadv", "preadv2", "pwrite64", "pwritev", "pwritev2", "read",
    "readahead", "readlink", "readlinkat", "readv", "rename", "renameat", "renameat2", "rmdir",
    "sendfile", "splice", "stat", "statfs", "statx", "symlink", "symlinkat", "sync_file_range",
    "tee", "truncate", "umask", "unlink", "unlinkat", "utime", "utimensat", "utimes", "vmsplice",
    "write", "writev",
    // memory
    "brk", "madvise", "mincore", "mlock", "mmap", "mprotect", "mremap", "msync", "munlock",
    "munmap", "membarrier",
    // processes and threads
    "arch_prctl", "execve", "execveat", "exit", "exit_group", "fork", "futex", "futex_waitv",
    "get_robust_list", "getpgid", "getpgrp", "getpid", "getpriority", "getppid", "getrlimit",
    "getrusage", "getsid", "gettid", "kill", "pidfd_open", "pidfd_send_signal", "prctl",
    "prlimit64", "rseq", "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity",
    "sched_getparam", "sched_getscheduler", "sched_setaffinity", "sched_yield", "set_robust_list",
    "set_tid_address", "setpgid", "setpriority", "setrlimit", "setsid", "tgkill", "times", "tkill",
    "uname", "vfork", "wait4", "waitid", "waitpid", "getcpu", "sysinfo", "restart_syscall",
    // who am I
    "getegid", "geteuid", "getgid", "getgroups", "getresgid", "getresuid", "getuid",
    // signals
    "pause", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn",
    "rt_sigsuspend", "rt_sigtimedwait", "rt_tgsigqueueinfo", "sigaltstack", "signalfd", "signalfd4",
    // time
    "alarm", "clock_getres", "clock_gettime", "clock_nanosleep", "getitimer", "gettimeofday",
    "nanosleep", "setitimer", "time", "timer_create", "timer_delete", "timer_getoverrun",
    "timer_gettime", "timer_settime", "timerfd_create", "timerfd_gettime", "timerfd_settime",
    // waiting, pipes, random numbers; pairs of connected sockets, which reach nobody else
    "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait",
    "eventfd", "eventfd2", "getrandom", "pipe", "pipe2", "poll", "ppoll", "pselect6", "select",
    "getpeername", "getsockname", "getsockopt", "recvfrom", "recvmsg", "sendmsg", "sendto",
    "setsockopt", "shutdown"};

// Denied with EACCES, "permission denied".
constexpr const char* kRefused[] = {"socket", "connect", "bind", "listen", "accept", "accept4"};

constexpr uint64_t kNewNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

struct ContextRelease {
    void operator()(void* context) const { seccomp_release(context); }
};
using Context = std::unique_ptr<void, ContextRelease>;

// Calls that are allowed with some arguments only.
int AddConditionalRules(scmp_filter_ctx context) {
    int failed = 0;
    // clone3 has its flags in memory, where a filter cannot look; C libraries fall back.
    failed |= seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                               SCMP_A0(SCMP_CMP_MASKED_EQ, kNewNamespaces, 0));
    failed |= seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 1,
                               SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffff, AF_UNIX));
    // Terminals: what tells their kind and size, nothing that types into one.
    for (uint64_t request : {0x5401 /* TCGETS */, 0x5413 /* TIOCGWINSZ */, 0x541b /* FIONREAD */,
                             0x5421 /* FIONBIO */, 0x5450 /* FIONCLEX */, 0x5451 /* FIOCLEX */})
        failed |= seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                                   SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, request));
    // Named pipes, no devices.
    failed |= seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(mknodat), 1,
                               SCMP_A2(SCMP_CMP_MASKED_EQ, S_IFMT, S_IFIFO));
    if (SCMP_SYS(mknod) >= 0)
        failed |= seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(mknod), 1,
                                   SCMP_A1(SCMP_CMP_MASKED_EQ, S_IFMT, S_IFIFO));
    return failed;
}

Result<std::string> Export(scmp_filter_ctx context) {
    int file = ::memfd_create("filter", MFD_CLOEXEC);
    if (file < 0)
        return MakeError(Code::kResourceExhausted, "no memory file for the system-call filter: {}",
                         std::strerror(errno));
    std::string bytes;
    bool exported = seccomp_export_bpf(context, file) == 0;
    if (exported) {
        bytes.resize(static_cast<size_t>(::lseek(file, 0, SEEK_END)));
        exported = ::pread(file, bytes.data(), bytes.size(), 0) == std::ssize(bytes);
    }
    ::close(file);
    if (!exported)
        return MakeError(Code::kInternal, "libseccomp could not compile the system-call filter");
    return bytes;
}

}  // namespace

Result<std::string> CompileSyscallFilter() {
    Context context(seccomp_init(SCMP_ACT_ERRNO(ENOSYS)));
    if (!context) return MakeError(Code::kInternal, "libseccomp does not know this machine");
    int failed = 0;
    auto add = [&](const char* name, uint32_t action) {
        int call = seccomp_syscall_resolve_name(name);
        if (call != __NR_SCMP_ERROR && call >= 0)
            failed |= seccomp_rule_add(context.get(), action, call, 0);
    };
    for (const char* name : kAllowed) add(name, SCMP_ACT_ALLOW);
    for (const char* name : kRefused) add(name, SCMP_ACT_ERRNO(EACCES));
    failed |= AddConditionalRules(context.get());
    LATHE_CHECK(failed == 0);
    return Export(context.get());
}

}  // namespace lathe::sandbox
