#include "compute/kernels/peak.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lathe::kernels {
namespace {

TEST(Peak, MeasuresEveryTableOnEveryWorker) {
    platform::Team team(2);
    PeakOptions options;
    options.seconds = 0.001;
    options.read_bytes = 1 << 20;
    for (const Table* table : AvailableTables()) {
        MachinePeaks peaks = MeasurePeaks(*table, team, options);
        EXPECT_EQ(peaks.threads, 2);
        for (double value :
             {peaks.int8_gops, peaks.f32_gflops, peaks.read_gbps, peaks.cached_gbps}) {
            EXPECT_GT(value, 0) << table->name;
            EXPECT_TRUE(std::isfinite(value)) << table->name;
        }
    }
}

}  // namespace
}  // namespace lathe::kernels
