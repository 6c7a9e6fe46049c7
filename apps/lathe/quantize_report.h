// `lathe quantize --report`: every candidate precision, made, measured and shown.
#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/telemetry/progress.h"
#include "learn/quant/report.h"

namespace lathe::app {

struct ReportOptions {
    std::filesystem::path source;
    std::string model;                    // its name
    std::filesystem::path folder;         // report.json and report.html go there
    std::filesystem::path text;           // divergence and perplexity are measured on it
    std::vector<std::string> candidates;  // mixes
    std::string tasks{};  // to evaluate, as `lathe eval` takes them; "": none
    int64_t limit = 0;    // documents of each; 0: all
    int threads = 0;
    // Makes a candidate's file.
    std::function<Status(const std::string& mix, const std::filesystem::path& file)> quantize;
};

// Each measurement runs in a process of its own. Candidates' files are removed again; runs of
// tasks stay in `folder`/runs. Errors:
// those of the measurements; kCancelled.
Result<quant::Report> MakeReport(const ReportOptions& options, telemetry::ProgressDisplay& display,
                                 std::stop_token stop);

}  // namespace lathe::app
