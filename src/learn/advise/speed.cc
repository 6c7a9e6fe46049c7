#include "learn/advise/speed.h"

#include <algorithm>

namespace lathe::advise {
namespace {

// Memory's published figure counts transfers of the bus; reading reaches about this much.
constexpr double kReadable = 0.8;

double FloatRate(const Machine& machine) {
    return 1e12 * (machine.kind == MachineKind::kCpu ? machine.float_tflops : machine.product_tops);
}

// Operations a second of products with the weights.
double ProductRate(const ModelWork& work, const Machine& machine, const EngineShares& shares,
                   double quantized_share) {
    bool in_float = machine.kind == MachineKind::kCpu && !work.quantized;
    return 1e12 * (in_float ? shares.float_products * machine.float_tflops
                            : quantized_share * machine.product_tops);
}

// Of a prompt's row: on average half of the prompt lies before it.
double PromptAttention(const ModelWork& work, double tokens) {
    return work.attention_operations(tokens / 2);
}

}  // namespace

EngineShares TypicalShares(MachineKind kind) {
    switch (kind) {
        case MachineKind::kCpu:
            return {.bandwidth = kReadable * 0.85,
                    .decode_products = 0.3,
                    .prefill_products = 0.35,
                    .attention = 0.5,
                    .layer_seconds = 10e-6};
        case MachineKind::kGpu:
            return {.bandwidth = 0.7,
                    .decode_products = 0.4,
                    .prefill_products = 0.6,
                    .attention = 0.3,
                    .layer_seconds = 20e-6};
        case MachineKind::kNpu:
            return {.bandwidth = 0.5,
                    .decode_products = 0.2,
                    .prefill_products = 0.2,
                    .attention = 0.1,
                    .layer_seconds = 100e-6};
    }
    return {};
}

EngineShares Calibrate(const ModelWork& work, const Machine& machine,
                       const SpeedMeasurement& measured) {
    EngineShares shares = TypicalShares(machine.kind);
    shares.layer_seconds = 0;  // it is in what is measured
    double byte_rate = machine.memory_gbps * 1e9;
    // What a step costs whatever its rows, and what each row adds. A disturbed measurement
    // may make more rows quicker than one; then a row's cost is next to nothing.
    double row = (measured.more_rows_seconds - measured.one_row_seconds) / (kCalibrationRows - 1);
    row = std::clamp(row, measured.one_row_seconds * 1e-3, measured.one_row_seconds * 0.9);
    shares.bandwidth = work.step_bytes / byte_rate / (measured.one_row_seconds - row);
    double besides =
        work.attention_operations(measured.depth) / (shares.attention * FloatRate(machine)) +
        work.kv_token_bytes * measured.depth / (shares.bandwidth * byte_rate);
    // The share with which the products take the time that is left.
    auto share = [&](double operations, double seconds) {
        double rate = ProductRate(work, machine, {.float_products = 1}, 1);
        return operations / rate / seconds;
    };
    double decode =
        share(work.row_operations() + work.head_operations(), std::max(row - besides, 0.1 * row));
    double prompt_row = measured.prompt_seconds / measured.prompt_tokens;
    double attention =
        PromptAttention(work, measured.prompt_tokens) / (shares.attention * FloatRate(machine));
    double prefill =
        share(work.row_operations(), std::max(prompt_row - attention, 0.1 * prompt_row));
    if (work.quantized) {
        shares.decode_products = decode;
        shares.prefill_products = prefill;
    } else {
        shares.float_products = prefill;
    }
    return shares;
}

Speed PredictSpeed(const ModelWork& work, const Machine& machine, const EngineShares& shares,
                   const SpeedLoad& load) {
    double byte_rate = shares.bandwidth * machine.memory_gbps * 1e9;
    double decode_rate = ProductRate(work, machine, shares, shares.decode_products);
    double prefill_rate = ProductRate(work, machine, shares, shares.prefill_products);
    double attention_rate = shares.attention * FloatRate(machine);
    double idle = work.layer_count * shares.layer_seconds;
    double row = (work.row_operations() + work.head_operations()) / decode_rate +
                 work.attention_operations(load.depth) / attention_rate +
                 work.kv_token_bytes * load.depth / byte_rate;
    double step = idle + work.step_bytes / byte_rate + load.sequences * row;
    double prompt_row =
        work.row_operations() / prefill_rate + PromptAttention(work, load.prompt) / attention_rate;
    // A prompt reads the weights at least once, however fast the products are.
    double prompt = idle + std::max(load.prompt * prompt_row, work.step_bytes / byte_rate);
    return {.decode = load.sequences / step, .prefill = load.prompt / prompt};
}

ErrorFactor PredictionError(MachineKind kind) {
    switch (kind) {
        case MachineKind::kCpu:
            return {.decode = 2, .prefill = 2};
        case MachineKind::kGpu:
            return {.decode = 1.4, .prefill = 1.7};
        case MachineKind::kNpu:
            return {.decode = 2, .prefill = 3};
    }
    return {};
}

}  // namespace lathe::advise
