#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "learn/sandbox/descriptor.h"

namespace lathe::sandbox {

// The numbers under which bubblewrap finds what it is given.
inline constexpr int kFilterDescriptor = 3;
inline constexpr int kProgramDescriptor = 4;
inline constexpr int kStatusDescriptor = 5;
inline constexpr int kBlockDescriptor = 6;  // the program waits for a byte from here

struct ChildFiles {
    std::string_view input;    // standard input
    std::string_view filter;   // kFilterDescriptor
    std::string_view program;  // kProgramDescriptor
};

struct ChildLimits {
    double wall_seconds_max = 0;
    uint64_t output_bytes_max = 0;  // of each of the two streams
};

// One run of bubblewrap: started, read while it lasts, and ended with all it holds.
//
//   Start --> Watch (until it ends or a limit is passed) --> the destructor kills what is left
//
// Two processes matter: the monitor, which is our child, and the sandbox's first process,
// with which its whole process namespace ends. Both are held by pidfds, so that no number
// that was given to another process meanwhile is ever signalled; the program starts only
// when the second is held.
//
// One thread; it must outlive the run, because bubblewrap dies with the thread that
// started it.
class Child {
public:
    enum class Stop { kEnded, kTimeout, kOutputLimit };

    struct Report {
        bool started = false;  // false: bubblewrap failed, standard_error says why
        Stop stop = Stop::kEnded;
        std::optional<int> exit_code;  // as a shell gives it; none if it was stopped
        std::string standard_output;
        std::string standard_error;
        double seconds = 0;
    };

    // Errors: kResourceExhausted.
    static Result<Child> Start(const std::vector<std::string>& command, const ChildFiles& files);

    Child(Child&&) = default;
    ~Child();

    // Once. Reads until the program ends or a limit is passed; then kills all of it and
    // returns when all of it is dead.
    Report Watch(const ChildLimits& limits);

private:
    using Clock = std::chrono::steady_clock;
    static constexpr double kSetupSecondsMax = 20;  // for bubblewrap itself

    struct Stream {
        Descriptor pipe;
        std::string bytes;
    };

    Child() = default;
    // Appends what there is to read; false at the end of the stream or past `bytes_max`.
    static bool Read(Stream& stream, uint64_t bytes_max);
    void ReadStatus();
    void KillAll();
    bool PollOnce(Clock::time_point deadline, const ChildLimits& limits, Report& report);

    pid_t monitor_id_ = -1;
    Descriptor monitor_;  // pidfd
    Descriptor first_;    // pidfd of the sandbox's process 1, once known
    Stream output_, error_, status_;
    Descriptor block_;       // where to write the byte
    Descriptor block_read_;  // kept, so that writing never meets a pipe without a reader
    std::optional<Clock::time_point> started_;  // when the sandbox stood
};

}  // namespace lathe::sandbox
