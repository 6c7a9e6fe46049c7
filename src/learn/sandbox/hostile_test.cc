// Programs that mean harm. Each does what it can and prints what it could do.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "learn/sandbox/sandbox.h"
#include "support/scratch.h"

namespace lathe::sandbox {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Hostile : public testing::Test {
protected:
    // The limits of time are for tests about time; elsewhere a busy machine may be slow.
    static Outcome Run(std::string_view program,
                       SandboxOptions options = {.wall_seconds_max = 300, .cpu_seconds_max = 100}) {
        auto sandbox = Sandbox::Create(options);
        EXPECT_TRUE(sandbox) << sandbox.error().message;
        if (!sandbox) return {.ending = Ending::kSignal};
        auto outcome = sandbox->Run(program);
        EXPECT_TRUE(outcome) << outcome.error().message;
        return outcome ? std::move(*outcome) : Outcome{.ending = Ending::kSignal};
    }

    // Command lines of all processes of this machine that contain `mark`.
    static std::vector<std::string> ProcessesWith(std::string_view mark) {
        std::vector<std::string> found;
        for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
            std::ifstream file(entry.path() / "cmdline");
            std::string line((std::istreambuf_iterator<char>(file)), {});
            if (line.contains(mark)) found.push_back(line);
        }
        return found;
    }
};

TEST_F(Hostile, AForkBombIsHeldToAFewProcessesAndAllOfThemDie) {
    Outcome outcome = Run(R"(
import os
born = 0
try:
    while True:
        if os.fork() == 0:
            for _ in range(3):
                try: os.fork()
                except OSError: pass
            os.execv("/usr/bin/sleep", ["bomb-of-the-fork-test", "1000"])
        born += 1
except OSError as error:
    print(error.strerror, 0 < born < 4))");
    EXPECT_TRUE(outcome.succeeded()) << outcome.standard_error;
    EXPECT_EQ(outcome.standard_output, "Resource temporarily unavailable True\n");
    EXPECT_THAT(ProcessesWith("bomb-of-the-fork-test"), IsEmpty());
}

TEST_F(Hostile, FilesCannotBeDeletedOrWritten) {
    testing_support::ScratchDirectory scratch;
    std::filesystem::permissions(scratch.path(), std::filesystem::perms::all);
    auto file = scratch.Write("precious", "untouched");
    std::filesystem::permissions(file, std::filesystem::perms::all);
    Outcome outcome = Run(fmt::format(R"(
import os, shutil
for root in ["/usr/share/python3", "/usr/lib/python3.11/json", "/bin", "/dev", "/etc", "/tmp/..", "{0}"]:
    shutil.rmtree(root, ignore_errors=True)
    for name in ["", "/new", "/../new"]:
        try:
            open(root + name + "/file", "w").write("x")
            print("wrote below", root + name)
        except OSError: pass
for name in ["/usr/bin/python3", "/dev/null", "{0}/precious", "/etc/ld.so.cache", "/etc/passwd"]:
    for deed in (lambda: os.unlink(name), lambda: os.rename(name, "/tmp/taken"), lambda: os.chmod(name, 0o777)):
        try:
            deed()
            print("changed", name)
        except OSError: pass
print("done"))",
                                      scratch.path().string()));
    EXPECT_TRUE(outcome.succeeded()) << outcome.standard_error;
    EXPECT_EQ(outcome.standard_output, "done\n");
    std::ifstream stream(file);
    std::string content;
    std::getline(stream, content);
    EXPECT_EQ(content, "untouched");
    EXPECT_EQ(::access("/usr/bin/python3", X_OK), 0);
    struct stat null{};
    ASSERT_EQ(::stat("/dev/null", &null), 0);
    EXPECT_TRUE(S_ISCHR(null.st_mode));
}

TEST_F(Hostile, SecretsAreNotThere) {
    testing_support::ScratchDirectory scratch;
    auto file = scratch.Write("secret", "the password is swordfish");
    std::filesystem::permissions(scratch.path(), std::filesystem::perms::all);
    const char* home = ::getenv("HOME");
    Outcome outcome = Run(fmt::format(R"(
import os
for name in ["/etc/shadow", "/etc/passwd", "/proc/1/environ", "/proc/self/mem", "/sys", "/root", "/home", "/run",
             "/var", "/boot", "/dev/mem", "/dev/sda", "/dev/vda", "/dev/shm", "/dev/kmsg", "{}", "{}"]:
    if name and os.path.lexists(name):
        print("sees", name)
print(sorted(os.environ)))",
                                      file.string(), home ? home : ""));
    EXPECT_TRUE(outcome.succeeded()) << outcome.standard_error;
    EXPECT_EQ(outcome.standard_output,
              "['HOME', 'LANG', 'OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'PATH', 'PWD', "
              "'PYTHONHASHSEED', 'TMPDIR']\n");
}

TEST_F(Hostile, DescriptorsOfLatheStayOutside) {
    testing_support::ScratchDirectory scratch;
    // Without O_CLOEXEC, as careless code opens them.
    int careless = ::open(scratch.Write("open", "x").c_str(), O_RDWR);
    ASSERT_GE(careless, 0);
    Outcome outcome = Run(R"(
import os
for number in range(1024):
    try:
        os.fstat(number)
        print(number, end=" ")
    except OSError: pass)");
    ::close(careless);
    EXPECT_EQ(outcome.standard_output, "0 1 2 ");
}

TEST_F(Hostile, TheNetworkIsOutOfReach) {
    Outcome outcome = Run(R"(
import socket
for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK, socket.AF_PACKET):
    try:
        socket.socket(family)
        print("made a socket of family", family)
    except PermissionError as error:
        print(error.strerror)
try:
    socket.getaddrinfo("example.com", 80)
    print("resolved")
except OSError:
    print("unresolved"))");
    EXPECT_EQ(outcome.standard_output,
              "Permission denied\nPermission denied\nPermission denied\nPermission denied\n"
              "Permission denied\nunresolved\n");
}

TEST_F(Hostile, MemoryIsRefusedBeyondTheLimit) {
    SandboxOptions options{
        .wall_seconds_max = 300, .cpu_seconds_max = 100, .memory_bytes_max = 256 << 20};
    Outcome at_once = Run("x = bytearray(10 ** 10)", options);
    EXPECT_EQ(at_once.ending, Ending::kMemory);
    Outcome bit_by_bit = Run("x = []\nwhile True: x.append(bytearray(10 ** 6))", options);
    EXPECT_EQ(bit_by_bit.ending, Ending::kMemory);
    Outcome elsewhere = Run(R"(
import mmap, os
try:
    os.memfd_create("hidden")
    print("memfd")
except OSError: pass
try:
    mmap.mmap(-1, 10 ** 10)
    print("mapped")
except OSError: pass)",
                            options);
    EXPECT_EQ(elsewhere.standard_output, "");
    EXPECT_TRUE(elsewhere.succeeded()) << elsewhere.standard_error;
}

TEST_F(Hostile, TheDiskIsBounded) {
    Outcome outcome = Run(R"(
total = 0
try:
    for i in range(1000):
        total += open(f"/tmp/{i}", "wb").write(bytes(10 ** 6))
except OSError as error:
    print(total // 10 ** 6, error.strerror))",
                          {.wall_seconds_max = 300, .disk_bytes_max = 8 << 20});
    EXPECT_EQ(outcome.standard_output, "8 No space left on device\n");
}

TEST_F(Hostile, EndlessOutputIsCut) {
    SandboxOptions options{
        .wall_seconds_max = 300, .cpu_seconds_max = 100, .output_bytes_max = 100'000};
    Outcome gigabyte =
        Run("import sys\nfor i in range(1000): sys.stdout.write('x' * 10 ** 6)", options);
    EXPECT_EQ(gigabyte.ending, Ending::kOutputLimit);
    EXPECT_EQ(gigabyte.standard_output, std::string(100'000, 'x'));
    Outcome errors = Run("import os\nwhile True: os.write(2, b'e' * 1000)", options);
    EXPECT_EQ(errors.ending, Ending::kOutputLimit);
    EXPECT_EQ(errors.standard_error.size(), 100'000u);
    Outcome just_enough = Run("print('x' * 99999)", options);
    EXPECT_TRUE(just_enough.succeeded());
    EXPECT_EQ(just_enough.standard_output.size(), 100'000u);
}

TEST_F(Hostile, IgnoringSignalsDoesNotHelp) {
    Outcome outcome = Run(R"(
import signal, time
for number in range(1, 65):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
print("deaf", flush=True)
while True: time.sleep(1))",
                          {.wall_seconds_max = 4});
    EXPECT_EQ(outcome.ending, Ending::kTimeout);
    EXPECT_EQ(outcome.standard_output, "deaf\n");
}

TEST_F(Hostile, DaemonsDieWithTheProgram) {
    Outcome outcome = Run(R"(
import os
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 64)
        os.execv("/usr/bin/sleep", ["daemon-of-the-sandbox-test", "1000"])
    os._exit(0)
os.wait()
print("gone"))");
    EXPECT_TRUE(outcome.succeeded()) << outcome.standard_error;
    EXPECT_EQ(outcome.standard_output, "gone\n");
    EXPECT_THAT(ProcessesWith("daemon-of-the-sandbox-test"), IsEmpty());
}

TEST_F(Hostile, TheSandboxCannotBeLeft) {
    Outcome outcome = Run(R"(
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
NEWNS, NEWUSER, NEWPID = 0x20000, 0x10000000, 0x20000000
deeds = {
    "unshare": lambda: libc.unshare(NEWUSER), "mount": lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, None),
    "umount": lambda: libc.umount2(b"/usr", 2), "chroot": lambda: libc.chroot(b"/tmp"),
    "ptrace": lambda: libc.ptrace(16, 1, 0, 0), "setns": lambda: libc.setns(0, 0),
    "clone": lambda: libc.syscall(56, NEWUSER | 17, 0, 0, 0, 0), "setuid": lambda: libc.setuid(0),
    "mknod": lambda: libc.mknod(b"/tmp/disk", 0o60666, 0xfe00), "keyctl": lambda: libc.syscall(250, 0, 0),
    "bpf": lambda: libc.syscall(321, 0, 0, 0), "io_uring": lambda: libc.syscall(425, 1, 0),
    "settime": lambda: libc.syscall(227, 0, b"x" * 16), "shmget": lambda: libc.shmget(0, 10 ** 9, 0o1777),
    "personality": lambda: libc.personality(0x40000), "sethostname": lambda: libc.sethostname(b"x", 1),
    "process_vm_readv": lambda: libc.process_vm_readv(1, 0, 0, 0, 0, 0), "ioctl": lambda: libc.ioctl(0, 0x5412, b"x"),
}
for name, deed in deeds.items():
    if deed() != -1:
        print("could", name)
try:
    os.kill(-1, 0)
    os.kill(1, 9)
except OSError: pass
print("done", os.getuid()))");
    EXPECT_TRUE(outcome.succeeded()) << outcome.standard_error;
    EXPECT_EQ(outcome.standard_output, "done 65534\n");
}

TEST_F(Hostile, LimitsCannotBeRaised) {
    Outcome outcome = Run(R"(
import resource
for name in ["RLIMIT_AS", "RLIMIT_NPROC", "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_NOFILE"]:
    limit = getattr(resource, name)
    soft, hard = resource.getrlimit(limit)
    try:
        resource.setrlimit(limit, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        print("raised", name, soft, hard)
    except (OSError, ValueError): pass
print("done"))");
    EXPECT_EQ(outcome.standard_output, "done\n");
}

}  // namespace
}  // namespace lathe::sandbox
