// What a step costs at least, for the share of this machine's limits that it reaches.
#pragma once

#include <cstdint>
#include <optional>

#include "compute/kernels/peak.h"
#include "compute/model/model.h"

namespace lathe::app {

// Work of a run: rows through the layers, rows through the head, and what a step must
// read. Attention is not counted, so long contexts show a lower share.
struct Work {
    double rows = 0;
    double head_rows = 0;
    double steps = 0;      // each reads all weights once
    double kv_tokens = 0;  // read over all steps
    double seconds = 0;
};

// Shares of the measured limits, 0 to 1; above 1 where weights stay in the cache.
struct Shares {
    std::optional<double> int8;  // of int8 dots; none on a float path
    double f32 = 0;              // of float multiply-adds
    double bandwidth = 0;        // of reading memory
};

class Roofline {
public:
    Roofline(const model::Model& model, bool int8, uint64_t kv_bytes_per_token,
             const kernels::MachinePeaks& peaks);

    Shares Of(const Work& work) const;

private:
    double row_operations_ = 0;  // weight products of the layers, two a multiply-add
    double head_operations_ = 0;
    double step_bytes_ = 0;  // of weights that every step reads
    double kv_token_bytes_ = 0;
    bool int8_ = false;
    kernels::MachinePeaks peaks_;
};

}  // namespace lathe::app
