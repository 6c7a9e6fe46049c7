#include "learn/sandbox/code_task.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

namespace lathe::sandbox {
namespace {

constexpr size_t kReasonBytesMax = 200;

Result<std::string> TextColumn(const Json& document, const char* column) {
    if (!document.contains(column))
        return InvalidParam(column,
                            "the document has no column {}; a code task has prompt, test and "
                            "entry_point (HumanEval) or test_list (MBPP)",
                            column);
    if (!document[column].is_string())
        return InvalidParam(column, "the column {} of a code task must be a text", column);
    return document[column].get<std::string>();
}

// FNV-1a, 64 bits: tells programs apart, no secret.
uint64_t Fingerprint(std::string_view text) {
    uint64_t hash = 0xcbf29ce484222325;
    for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return hash;
}

std::string ReasonOf(const Outcome& outcome) {
    if (outcome.ending == Ending::kSignal) return fmt::format("signal {}", outcome.signal);
    if (outcome.ending != Ending::kExit) return std::string(EndingName(outcome.ending));
    // Python's last line says what was raised.
    std::string_view text = outcome.standard_error;
    while (text.ends_with('\n')) text.remove_suffix(1);
    std::string_view line = text.substr(text.rfind('\n') + 1);
    if (line.empty()) return "ended before its tests did";
    return std::string(line.substr(0, kReasonBytesMax));
}

}  // namespace

Result<CodeTask> CodeTask::FromDocument(const Json& document) {
    CodeTask task;
    if (!document.is_object()) return InvalidArgument("a document of a code task is an object");
    if (document.contains("test_list")) {
        const Json& tests = document["test_list"];
        if (!tests.is_array() || tests.empty() ||
            !std::ranges::all_of(tests, [](const Json& test) { return test.is_string(); }))
            return InvalidParam("test_list", "the column test_list must be a list of texts");
        if (document.contains("test_setup_code")) {
            LATHE_TRY(std::string setup, TextColumn(document, "test_setup_code"));
            task.after_ = "\n" + setup;
        }
        for (const Json& test : tests) task.after_ += "\n" + test.get<std::string>();
        return task;
    }
    LATHE_TRY(task.before_, TextColumn(document, "prompt"));
    LATHE_TRY(std::string test, TextColumn(document, "test"));
    LATHE_TRY(std::string entry_point, TextColumn(document, "entry_point"));
    task.after_ = fmt::format("\n{}\ncheck({})", test, entry_point);
    return task;
}

std::string CodeTask::Mark(std::string_view candidate) const {
    return fmt::format("reached-the-end-{:016x}",
                       Fingerprint(before_ + std::string(candidate) + after_));
}

std::string CodeTask::Program(std::string_view candidate) const {
    // Not print(): a candidate may have replaced it, or sys.stdout.
    return fmt::format("{}{}{}\n__import__(\"os\").write(1, b\"\\n{}\\n\")\n", before_, candidate,
                       after_, Mark(candidate));
}

bool CodeTask::Passed(std::string_view candidate, const Outcome& outcome) const {
    // What Python kept back until its exit may stand behind the mark.
    return outcome.succeeded() && outcome.standard_output.contains("\n" + Mark(candidate) + "\n");
}

std::string CodeOfAnswer(std::string_view answer) {
    size_t fence = answer.find("```");
    if (fence == std::string_view::npos) return std::string(answer);
    size_t begin = answer.find('\n', fence);
    if (begin == std::string_view::npos) return "";
    std::string_view code = answer.substr(begin + 1);
    return std::string(code.substr(0, code.find("\n```")));
}

Result<std::vector<Verdict>> Judge(const Sandbox& sandbox, std::span<const Candidate> candidates,
                                   int workers) {
    std::vector<Verdict> verdicts(candidates.size());
    std::atomic<size_t> next = 0;
    std::mutex mutex;
    std::optional<Error> failure;  // guarded by mutex
    auto work = [&] {
        for (size_t i = next++; i < candidates.size(); i = next++) {
            const Candidate& candidate = candidates[i];
            auto outcome = sandbox.Run(candidate.task->Program(candidate.text));
            if (!outcome) {
                std::lock_guard lock(mutex);
                if (!failure) failure = outcome.error();
                next = candidates.size();
                return;
            }
            Verdict& verdict = verdicts[i];
            verdict.passed = candidate.task->Passed(candidate.text, *outcome);
            verdict.ending = outcome->ending;
            verdict.seconds = outcome->seconds;
            if (!verdict.passed) verdict.reason = ReasonOf(*outcome);
        }
    };
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < workers; ++i) threads.emplace_back(work);
    }
    if (failure) return std::unexpected(*failure);
    return verdicts;
}

}  // namespace lathe::sandbox
