// What this machine can do at most, measured: the yardstick that a speed is printed
// with, so that a noisy or slow host shows.
#pragma once

#include <cstddef>

#include "compute/kernels/table.h"
#include "core/platform/team.h"

namespace lathe::kernels {

struct MachinePeaks {
    int threads = 0;
    double int8_gops = 0;    // integer dots of the table, two operations a multiply-add
    double f32_gflops = 0;   // float multiply-adds, likewise
    double bf16_gflops = 0;  // of bf16 tiles, 0 where the table has none
    double read_gbps = 0;    // reading memory of `read_bytes`, all threads together
    double cached_gbps = 0;  // reading 256 KiB a thread again and again
    size_t read_bytes = 0;
};

struct PeakOptions {
    double seconds = 0.05;                  // of each measurement, best of three
    size_t read_bytes = size_t{256} << 20;  // more than the last-level cache
};

// Runs on all workers of `team` at once and counts their processor time, so that a busy
// machine still shows its own limits (but not its share of caches and memory). Takes
// about 30 * options.seconds and allocates options.read_bytes.
MachinePeaks MeasurePeaks(const Table& table, platform::Team& team, const PeakOptions& options);

}  // namespace lathe::kernels
