// What a run's files may hold, through everything that reads them: the first line of the
// input is results.json, progress.json and the chooser's or quantizer's report in one, the
// others are samples. What pages rely on holds whatever it was.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/base/check.h"
#include "service/runs/run_folders.h"

namespace {

using namespace lathe;
using namespace lathe::runs;

// One folder for all inputs; goes with the process.
class Scratch {
public:
    Scratch() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "lathe-run-fuzz-XXXXXX").string();
        LATHE_CHECK(::mkdtemp(pattern.data()) != nullptr);
        path_ = pattern;
        for (const char* run : {"r", "q", "c"}) std::filesystem::create_directory(path_ / run);
    }
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    void Write(const char* name, std::string_view content) const {
        std::ofstream(path_ / name, std::ios::binary) << content;
    }
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

void CheckSummary(const Json& run) {
    for (const char* key : {"id", "kind", "state", "model"}) LATHE_CHECK(run[key].is_string());
    LATHE_CHECK(run["tasks"].is_array() && run["headline"].is_array());
    for (const Json& score : run["headline"]) LATHE_CHECK(score["value"].is_number());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const Scratch scratch;
    std::string_view input(reinterpret_cast<const char*>(data), size);
    std::string_view head = input.substr(0, input.find('\n'));
    std::string_view rest = input.substr(std::min(head.size() + 1, input.size()));
    for (const char* file :
         {"r/results.json", "r/progress.json", "r/journal.jsonl", "q/report.json", "c/choice.json"})
        scratch.Write(file, head);
    scratch.Write("r/samples_t.jsonl", rest);

    RunFolders runs(scratch.path());
    auto list = runs.List();
    LATHE_CHECK(list && list->size() == 3);
    for (const Json& run : *list) CheckSummary(run);
    auto run = runs.Get("r");
    LATHE_CHECK(run.has_value());
    for (const Json& score : (*run)["scores"]) LATHE_CHECK(score["value"].is_number());
    auto samples = runs.Samples("r", {.task = "t", .filter = "", .search = "a", .count = 3});
    if (samples) LATHE_CHECK((*samples)["samples"].size() <= 3);
    LATHE_CHECK(IsPlainName(head) || !runs.Get(head));
    return 0;
}
