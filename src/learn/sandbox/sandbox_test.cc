#include "learn/sandbox/sandbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

namespace lathe::sandbox {
namespace {

using testing::HasSubstr;

// A busy machine may be slow: only tests about time have tight limits.
const SandboxOptions kPatient{.wall_seconds_max = 300, .cpu_seconds_max = 100};

Outcome RunIn(const SandboxOptions& options, std::string_view program,
              std::string_view input = "") {
    auto sandbox = Sandbox::Create(options);
    EXPECT_TRUE(sandbox) << sandbox.error().message;
    if (!sandbox) return {.ending = Ending::kSignal};
    auto outcome = sandbox->Run(program, input);
    EXPECT_TRUE(outcome) << outcome.error().message;
    return outcome ? std::move(*outcome) : Outcome{.ending = Ending::kSignal};
}

TEST(Sandbox, RunsAProgramAndKeepsWhatItSays) {
    Outcome outcome = RunIn(kPatient, R"(
import sys
print(sum(range(10)))
print("oh", file=sys.stderr)
sys.exit(3))");
    EXPECT_EQ(outcome.ending, Ending::kExit);
    EXPECT_EQ(outcome.exit_code, 3);
    EXPECT_FALSE(outcome.succeeded());
    EXPECT_EQ(outcome.standard_output, "45\n");
    EXPECT_EQ(outcome.standard_error, "oh\n");
    EXPECT_GT(outcome.seconds, 0);
}

TEST(Sandbox, GivesTheInputAndAnEmptyOneByDefault) {
    EXPECT_EQ(RunIn(kPatient, "print(input()[::-1])", "abc\n").standard_output, "cba\n");
    EXPECT_THAT(RunIn(kPatient, "input()").standard_error, HasSubstr("EOFError"));
}

TEST(Sandbox, HasTheStandardLibraryAndAPlaceForFiles) {
    Outcome outcome = RunIn(kPatient, R"(
import collections, heapq, itertools, math, random, re, subprocess, tempfile, threading, asyncio
with tempfile.TemporaryDirectory() as folder:
    open(folder + "/file", "w").write("kept")
    print(open(folder + "/file").read())
results = []
thread = threading.Thread(target=lambda: results.append(math.comb(5, 2)))
thread.start(); thread.join()
print(results, subprocess.run(["echo", "child"], capture_output=True, text=True).stdout.strip())
async def main():
    await asyncio.sleep(0)
    return "awaited"
print(asyncio.run(main())))");
    EXPECT_TRUE(outcome.succeeded()) << outcome.standard_error;
    EXPECT_EQ(outcome.standard_output, "kept\n[10] child\nawaited\n");
}

TEST(Sandbox, RunsTwiceAlike) {
    constexpr std::string_view kProgram = R"(
import os
print(os.getcwd(), sorted(os.listdir("/")), sorted(os.environ.items()), os.getuid(), os.getpid(),
      hash("the seed of hashes"), os.uname().nodename)
open("/tmp/left-behind", "w"))";
    Outcome first = RunIn(kPatient, kProgram);
    EXPECT_TRUE(first.succeeded()) << first.standard_error;
    EXPECT_EQ(first.standard_output, RunIn(kPatient, kProgram).standard_output);
}

TEST(Sandbox, ManyThreadsMayRunProgramsAtOnce) {
    auto sandbox = Sandbox::Create(kPatient);
    ASSERT_TRUE(sandbox) << sandbox.error().message;
    std::vector<std::string> outputs(6);
    {
        std::vector<std::jthread> threads;
        for (size_t i = 0; i < outputs.size(); ++i)
            threads.emplace_back([&, i] {
                auto outcome = sandbox->Run(fmt::format("print({} ** 2)", i));
                if (outcome) outputs[i] = outcome->standard_output;
            });
    }
    for (size_t i = 0; i < outputs.size(); ++i) EXPECT_EQ(outputs[i], fmt::format("{}\n", i * i));
}

TEST(Sandbox, SaysHowAProgramEnded) {
    Outcome killed = RunIn(kPatient, "import os; os.kill(os.getpid(), 11)");
    EXPECT_EQ(killed.ending, Ending::kSignal);
    EXPECT_EQ(killed.signal, SIGSEGV);
    Outcome slow = RunIn({.wall_seconds_max = 0.2}, "import time; time.sleep(60)");
    EXPECT_EQ(slow.ending, Ending::kTimeout);
    Outcome busy = RunIn({.wall_seconds_max = 300, .cpu_seconds_max = 1}, "while True: pass");
    EXPECT_EQ(busy.ending, Ending::kTimeout);
    EXPECT_EQ(EndingName(busy.ending), "timeout");
    Outcome stubborn = RunIn({.wall_seconds_max = 300, .cpu_seconds_max = 1},
                             "import signal; signal.signal(signal.SIGXCPU, signal.SIG_IGN)\n"
                             "while True: pass");
    EXPECT_EQ(stubborn.ending, Ending::kTimeout);
}

TEST(Sandbox, RunsOtherInterpretersToo) {
    Outcome outcome = RunIn({.interpreter = {"/usr/bin/sh"}}, "read x; echo $((x + 1))", "41\n");
    EXPECT_EQ(outcome.standard_output, "42\n");
}

TEST(Sandbox, SaysWhatIsMissing) {
    auto missing = Sandbox::Create({.interpreter = {"/usr/bin/no-such-python"}});
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, Code::kFailedPrecondition);
    EXPECT_THAT(missing.error().message, HasSubstr("/usr/bin/no-such-python is missing"));
    auto outside = Sandbox::Create({.interpreter = {"/proc/self/exe"}});
    ASSERT_FALSE(outside);
    EXPECT_THAT(outside.error().message, HasSubstr("outside of /usr"));
    auto fails = Sandbox::Create({.interpreter = {"/usr/bin/false"}});
    ASSERT_FALSE(fails);
    EXPECT_THAT(fails.error().message, HasSubstr("an empty program does not end well"));
    EXPECT_FALSE(Sandbox::Create({.wall_seconds_max = 0}));
    EXPECT_FALSE(Sandbox::Create({.process_count_max = Sandbox::kProcessCountMax + 1}));
}

// Runs this test's own program again, with `filter`, where `shell` leads.
int RunAgain(std::string_view shell, std::string_view filter) {
    std::string command =
        fmt::format("unshare --user {} {} --gtest_filter={} >&2'", shell,
                    std::filesystem::read_symlink("/proc/self/exe").string(), filter);
    ::setenv("LATHE_TEST_INSIDE", "1", 1);
    int code = std::system(command.c_str());
    ::unsetenv("LATHE_TEST_INSIDE");
    return code;
}

TEST(Sandbox, RefusesWhereNamespacesAreRefused) {
    if (!::getenv("LATHE_TEST_INSIDE")) {
        EXPECT_EQ(RunAgain("--keep-caps sh -c 'echo 0 > /proc/sys/user/max_user_namespaces && exec "
                           "setpriv --inh-caps=-all --ambient-caps=-all",
                           "Sandbox.RefusesWhereNamespacesAreRefused"),
                  0);
        return;
    }
    auto refused = Sandbox::Create(kPatient);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
    EXPECT_THAT(refused.error().message, HasSubstr("does not let a sandbox be made: bwrap: "));
    EXPECT_THAT(refused.error().message, HasSubstr("sysctl -w user.max_user_namespaces"));
}

TEST(Sandbox, RootWhoCannotBecomeAnotherRunsNothingUnlessHeIsAnotherOutside) {
    if (!::getenv("LATHE_TEST_INSIDE")) {
        EXPECT_EQ(RunAgain("--map-root-user sh -c 'exec",
                           "Sandbox.RootWhoCannotBecomeAnotherRunsNothingUnlessHeIsAnotherOutside"),
                  0);
        return;
    }
    uint64_t inside = 0, outside = 0;
    std::ifstream("/proc/self/uid_map") >> inside >> outside;
    ASSERT_EQ(inside, 0u);
    auto sandbox = Sandbox::Create(kPatient);
    EXPECT_EQ(sandbox.has_value(), outside != 0);
    if (!sandbox) {
        EXPECT_THAT(sandbox.error().message, HasSubstr("no user but the machine's root"));
    }
}

TEST(Sandbox, RefusesProgramsBeyondItsLimits) {
    auto sandbox = Sandbox::Create(kPatient);
    ASSERT_TRUE(sandbox) << sandbox.error().message;
    auto outcome = sandbox->Run(std::string(Sandbox::kProgramBytesMax + 1, ' '));
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace lathe::sandbox
