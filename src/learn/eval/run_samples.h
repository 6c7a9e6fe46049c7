// The samples of a finished run: who was asked what, said what and scored how.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include "core/base/result.h"
#include "core/json/json.h"

namespace lathe::eval {

struct RunSample {
    std::string asked;                     // hashes of document, prompt and target
    std::map<std::string, double> scores;  // by metric; those that one document has
    Json line;                             // as in the file, for samples::ReadSample
};
// By filter and document.
using RunSamples = std::map<std::pair<std::string, int64_t>, RunSample>;

// results.json of a run's folder. Errors: kNotFound if the run is not finished or none.
Result<Json> ReadRunResults(const std::filesystem::path& folder);
// "samples_TASK.jsonl" of the folder. Errors name the line.
std::filesystem::path RunSamplesFile(const std::filesystem::path& folder, const std::string& task);
Result<RunSamples> ReadRunSamples(const std::filesystem::path& file);

// The model's name as the run has it, else the folder's.
std::string RunModel(const Json& results, const std::filesystem::path& folder);

}  // namespace lathe::eval
