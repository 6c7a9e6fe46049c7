#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/json/json.h"
#include "learn/eval/question.h"

namespace lathe::eval {

// The answers of a run as they come, so that a run that ended early is gone on with and
// nothing is asked twice. A file of lines, appended and synced (after Sync() or
// kUnsyncedMax lines), never rewritten:
//
//   {"check": CHECK, "line": {"lathe_eval_journal": 1, "subject": {...}}}
//   {"check": CHECK, "line": {"task": NAME, "document": 3, "asked": HASH, "answers": [...]}}
//
// CHECK is the beginning of the SHA-256 of the line's text. What a kill or a full disk
// left half-written at the end is cut off; a broken line elsewhere is an error, since then
// something else has written. HASH is of everything that was asked, so an answer counts
// only for the very question: a task that was edited is asked again.
//
// One thread, one process at a time (the file is locked).
class RunJournal {
public:
    static constexpr int kUnsyncedMax = 256;

    // Opens or begins the journal in a folder, which is made if it is not there. Errors:
    // kFailedPrecondition if it is of another subject (which key differs) or in use,
    // kDataLoss if it is broken.
    static Result<std::unique_ptr<RunJournal>> Open(const std::filesystem::path& folder,
                                                    const Json& subject);
    ~RunJournal();
    RunJournal(const RunJournal&) = delete;
    RunJournal& operator=(const RunJournal&) = delete;

    // The answers to a question that were found at Open or appended since.
    const std::vector<ModelAnswer>* Find(const std::string& task, const Question& question) const;

    Status Append(const std::string& task, const Question& question,
                  std::vector<ModelAnswer> answers);
    Status Sync();

    size_t found() const { return found_; }  // answers at Open

private:
    struct Entry {
        std::string asked;
        std::vector<ModelAnswer> answers;
    };

    RunJournal(std::filesystem::path path, int descriptor);
    Status Read(const Json& subject);
    Status ReadLine(const Json& line);
    Status Write(const Json& line);

    std::filesystem::path path_;
    int descriptor_;
    int unsynced_ = 0;
    size_t found_ = 0;
    std::map<std::pair<std::string, size_t>, Entry> entries_;
};

}  // namespace lathe::eval
