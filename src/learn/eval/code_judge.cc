#include "learn/eval/code_judge.h"

#include <algorithm>
#include <thread>

#include "learn/metrics/estimate.h"

namespace lathe::eval {

Result<std::vector<std::vector<sandbox::Verdict>>> JudgeCode(const Task& task,
                                                             const Candidates& candidates) {
    auto sandbox = sandbox::Sandbox::Create();
    if (!sandbox)
        return std::unexpected(WithContext(std::move(sandbox).error(), "programs are not run"));
    std::vector<sandbox::CodeTask> problems;
    for (const auto& [document, texts] : candidates) {
        auto problem = sandbox::CodeTask::FromDocument(task.document(document));
        if (!problem)
            return std::unexpected(
                WithContext(std::move(problem).error(),
                            fmt::format("task {}, document {}", task.config().name, document)));
        problems.push_back(*std::move(problem));
    }
    std::vector<sandbox::Candidate> all;
    for (size_t i = 0; i < candidates.size(); ++i)
        for (const std::string& text : candidates[i].second) all.push_back({&problems[i], text});
    int workers = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    LATHE_TRY(auto verdicts, sandbox::Judge(*sandbox, all, workers));
    std::vector<std::vector<sandbox::Verdict>> by_document;
    auto next = verdicts.begin();
    for (const auto& [document, texts] : candidates) {
        auto end = next + static_cast<ptrdiff_t>(texts.size());
        by_document.emplace_back(next, end);
        next = end;
    }
    return by_document;
}

Result<double> PassAtK(const std::vector<sandbox::Verdict>& verdicts, int64_t k) {
    auto samples = static_cast<uint64_t>(verdicts.size());
    if (static_cast<uint64_t>(k) > samples)
        return InvalidParam("k",
                            "pass@{} takes at least {} candidates and there are {}: set `repeats` "
                            "(with do_sample and a temperature), and no take_first",
                            k, k, samples);
    auto passed = std::ranges::count_if(verdicts, &sandbox::Verdict::passed);
    return metrics::PassAtK(samples, static_cast<uint64_t>(passed), static_cast<uint64_t>(k));
}

}  // namespace lathe::eval
