// How fast a machine runs a model, from what it can do at most: a roofline with shares.
//
//   step of B rows  =  bytes of weights / (share of bandwidth)              read once a step
//                    + layers * (time between kernels or at barriers)
//                    + B * (products / (share of product rate)
//                           + keys and values / (share of bandwidth)
//                           + attention / (share of float rate))
//
// On this machine the shares come from three short measurements of one model; they then hold
// for other models, precisions and loads. For machines that are not here they are those of
// common engines. docs/hardware.md says how far predictions were off.
//
// Thread-safe: free functions only.
#pragma once

#include "learn/advise/machine.h"
#include "learn/advise/model_work.h"

namespace lathe::advise {

// What an engine reaches of a machine's limits; above 1 where weights stay in a cache.
struct EngineShares {
    double bandwidth = 0.6;
    double decode_products = 0.6;   // steps of few rows
    double prefill_products = 0.6;  // steps of many
    double attention = 0.5;
    double float_products = 0.7;  // of float32, for weights that are not quantized, on CPUs
    double layer_seconds = 0;     // lost a layer and step
};

// What is known of engines on a kind of machine without measuring: Lathe's own for CPUs.
EngineShares TypicalShares(MachineKind kind);

// The rows that a calibration measures: decoding 1 and kCalibrationRows sequences, and a
// prompt.
inline constexpr int kCalibrationRows = 8;

struct SpeedMeasurement {
    double one_row_seconds = 0;    // of a step of 1 sequence
    double more_rows_seconds = 0;  // of a step of kCalibrationRows sequences
    double depth = 0;              // tokens before the decoded ones
    double prompt_seconds = 0;
    double prompt_tokens = 0;
};

// The shares with which the formula gives the measurement.
EngineShares Calibrate(const ModelWork& work, const Machine& machine,
                       const SpeedMeasurement& measured);

struct SpeedLoad {
    double sequences = 1;  // that decode together
    double depth = 128;    // tokens before the decoded ones
    double prompt = 512;
};

struct Speed {
    double decode = 0;   // tokens a second, all sequences together
    double prefill = 0;  // tokens a second
};

Speed PredictSpeed(const ModelWork& work, const Machine& machine, const EngineShares& shares,
                   const SpeedLoad& load);

// The truth lies between the prediction divided by and multiplied with this.
struct ErrorFactor {
    double decode = 1;
    double prefill = 1;
};
// Of this machine, calibrated, for other models and precisions.
inline constexpr ErrorFactor kCalibratedError{.decode = 1.8, .prefill = 1.5};
ErrorFactor PredictionError(MachineKind kind);

}  // namespace lathe::advise
