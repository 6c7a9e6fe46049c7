// What `lathe bench` measured, as lines for people and as JSON.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bench/roofline.h"
#include "bench/serve_bench.h"
#include "compute/kernels/peak.h"
#include "core/json/json.h"

namespace lathe::app {

struct StepLine {
    std::string work;
    double tokens_per_second = 0;
    double step_ms = 0;
    Shares shares;
};

struct ServeLine {
    ServeJob job;
    ServeResult result;
    Shares shares;  // of the whole run
};

struct BenchReport {
    std::string model;
    std::string cpu;
    std::string kernels;
    std::string activations;
    int threads = 0;
    double load_seconds = 0;
    size_t file_bytes = 0;
    size_t weight_bytes = 0;
    size_t loaded_peak_resident_bytes = 0;  // after load, before anything ran
    size_t peak_resident_bytes = 0;         // at the end, measuring the limits included
    kernels::MachinePeaks peak;
    std::vector<StepLine> steps;
    std::vector<ServeLine> serves;
};

std::string AsText(const BenchReport& report);
Json AsJson(const BenchReport& report);

}  // namespace lathe::app
