#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "learn/choose/brief.h"
#include "learn/choose/quality.h"
#include "learn/eval/evaluation.h"

namespace lathe::choose {

// A task of a brief, read and checked before any model is loaded, and asked of subjects.
// A group counts as one task: its documents together, the same number of each member.
//
// Const-safe.
class MeasuredTask {
public:
    // Errors name the task and what of it cannot serve: a file, a metric that is no mean over
    // documents of values between 0 and 1, a filter or metric that the task does not have.
    static Result<MeasuredTask> Load(const BriefTask& task, int64_t documents_max);

    const std::string& name() const { return brief_.name; }
    double weight() const { return brief_.weight; }
    double chance() const { return chance_; }
    const std::string& metric() const { return metric_; }
    // At most `limit`, which may be less than Load's documents_max.
    size_t document_count(int64_t limit) const;
    // Shares of the letters in the documents.
    double chinese_share() const { return chinese_share_; }
    double latin_share() const { return latin_share_; }

    // Asks the first `limit` documents, going on with what `run` holds: a longer run takes
    // over a shorter one's answers. `done` gets the documents answered.
    Result<TaskScores> Measure(eval::Subject& subject, int64_t limit,
                               const std::filesystem::path& run,
                               const std::function<void(size_t done)>& progress,
                               std::stop_token stop) const;

private:
    explicit MeasuredTask(BriefTask brief) : brief_(std::move(brief)) {}
    Status ReadSet();
    Status Look(const eval::Task& task);
    Status ChooseMetric();
    eval::TaskOptions OptionsFor(int64_t limit) const;
    int64_t LimitEach(int64_t limit) const;
    Result<std::vector<double>> ReadScores(const std::filesystem::path& run) const;

    BriefTask brief_;
    eval::TaskSet set_;
    std::string metric_;
    std::vector<size_t> counts_;  // of each task in the set, at most as many as wanted
    double chance_ = 0;
    double chinese_share_ = 0;
    double latin_share_ = 0;
};

}  // namespace lathe::choose
