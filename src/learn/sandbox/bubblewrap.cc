#include "learn/sandbox/bubblewrap.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "learn/sandbox/child.h"

namespace lathe::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kNobody = 65534;

// In the system's own folders only: PATH may begin with a folder that others can write to.
Result<std::string> FindTool(std::string_view name, std::string_view package) {
    for (std::string_view folder : {"/usr/bin/", "/bin/", "/usr/local/bin/"}) {
        std::string path = std::string(folder).append(name);
        if (::access(path.c_str(), X_OK) == 0) return path;
    }
    return MakeError(Code::kFailedPrecondition,
                     "{} is missing, without which no program can be run safely; install the "
                     "package {} (scripts/install-deps run)",
                     name, package);
}

// Whether root may become nobody. A container that maps no such user has only its root;
// that is some user outside, as good a nobody, or else the machine's root, who is under no
// limit of processes.
Result<bool> MayBecomeNobody() {
    std::ifstream map("/proc/self/uid_map");
    bool root_is_root = false;
    for (uint64_t inside = 0, outside = 0, count = 0; map >> inside >> outside >> count;) {
        if (inside <= kNobody && kNobody < inside + count) return true;
        root_is_root = root_is_root || (inside == 0 && outside == 0);
    }
    if (root_is_root)
        return MakeError(
            Code::kFailedPrecondition,
            "this container has no user but the machine's root, as which no program "
            "can be run safely; map the user {} into it, or start Lathe as another user",
            kNobody);
    return false;
}

void Append(std::vector<std::string>& to, std::initializer_list<std::string> more) {
    to.insert(to.end(), more);
}

// The system's programs and libraries, read-only. Debian has /bin and the like as links.
void AppendFiles(std::vector<std::string>& command) {
    Append(command, {"--ro-bind", "/usr", "/usr"});
    for (const char* folder : {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"}) {
        std::error_code failure;
        fs::path target = fs::read_symlink(folder, failure);
        if (!failure)
            Append(command, {"--symlink", target.string(), folder});
        else
            Append(command, {"--ro-bind-try", folder, folder});
    }
    // What the dynamic linker reads; nothing else of /etc.
    for (const char* path : {"/etc/ld.so.cache", "/etc/alternatives"})
        Append(command, {"--ro-bind-try", path, path});
    // Read-only keeps their owner from changing the nodes; it does not matter to writing.
    for (const char* device :
         {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"})
        Append(command, {"--dev-bind", device, device, "--remount-ro", device});
}

std::string Limit(std::string_view name, uint64_t value) {
    return fmt::format("--{}={}", name, value);
}

// A signal that can be told apart from others; a second later one that cannot be ignored.
std::string CpuLimit(uint32_t seconds) {
    return fmt::format("--cpu={}:{}", seconds, uint64_t{seconds} + 1);
}

}  // namespace

Result<std::vector<std::string>> BubblewrapCommand(const SandboxOptions& options) {
    LATHE_TRY(std::string bwrap, FindTool("bwrap", "bubblewrap"));
    LATHE_TRY(std::string prlimit, FindTool("prlimit", "util-linux"));
    std::vector<std::string> command;
    const std::string nobody = fmt::to_string(kNobody);
    bool change_user = false;
    if (::geteuid() == 0) {
        LATHE_TRY(change_user, MayBecomeNobody());
    }
    if (change_user) {
        LATHE_TRY(std::string setpriv, FindTool("setpriv", "util-linux"));
        Append(command, {setpriv, "--reuid", nobody, "--regid", nobody, "--clear-groups",
                         "--inh-caps=-all", "--"});
    }
    Append(command, {bwrap, "--unshare-all", "--unshare-user", "--uid", nobody, "--gid", nobody,
                     "--hostname", "sandbox", "--die-with-parent", "--new-session"});
    AppendFiles(command);
    Append(command, {"--size", fmt::to_string(options.disk_bytes_max), "--tmpfs", "/tmp", "--file",
                     fmt::to_string(kProgramDescriptor), kProgramPath, "--remount-ro", "/",
                     "--chdir", "/tmp"});
    Append(command, {"--seccomp", fmt::to_string(kFilterDescriptor), "--json-status-fd",
                     fmt::to_string(kStatusDescriptor), "--block-fd",
                     fmt::to_string(kBlockDescriptor), "--"});
    // Set inside, where bubblewrap's process 1 and the program are all there is to count.
    Append(command,
           {prlimit, Limit("nproc", uint64_t{options.process_count_max} + 1),
            Limit("as", options.memory_bytes_max), CpuLimit(options.cpu_seconds_max),
            Limit("fsize", options.disk_bytes_max), Limit("nofile", options.open_files_max),
            Limit("core", 0), Limit("memlock", 0), Limit("msgqueue", 0), "--"});
    command.insert(command.end(), options.interpreter.begin(), options.interpreter.end());
    command.push_back(kProgramPath);
    return command;
}

}  // namespace lathe::sandbox
