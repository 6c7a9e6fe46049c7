#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "learn/advise/speed.h"

namespace lathe::advise {
namespace {

using testing::HasSubstr;

model::ModelConfig Llama3Of8B() {
    model::ModelConfig config;
    config.vocab_size = 128256;
    config.width = 4096;
    config.layer_count = 32;
    config.head_count = 32;
    config.kv_head_count = 8;
    config.head_dim = 128;
    config.feed_forward_width = 14336;
    return config;
}

model::ModelConfig Llama2Of7B() {
    model::ModelConfig config = Llama3Of8B();
    config.vocab_size = 32000;
    config.kv_head_count = 32;
    config.feed_forward_width = 11008;
    return config;
}

TEST(ModelWork, CountsWhatIsKnownOfAPublishedModel) {
    ModelWork work = WorkAt(Llama3Of8B(), *FindPrecision("Q4_0"));
    // 8.03e9 parameters, embedding included, less the norms.
    EXPECT_NEAR(work.layer_elements + 2 * work.head_elements, 8.03e9, 0.01e9);
    // Its Q4_0 file has 4.66 GB.
    EXPECT_NEAR(work.weight_bytes, 4.66e9, 0.15e9);
    EXPECT_LT(work.step_bytes, work.weight_bytes);
    // 32 layers * 8 heads * 128 * 2 * 2 bytes.
    EXPECT_EQ(work.kv_token_bytes, 131072);
}

TEST(ModelWork, ATiedHeadIsKeptOnce) {
    model::ModelConfig config = Llama3Of8B();
    config.tied_head = true;
    ModelWork work = WorkAt(config, *FindPrecision("BF16"));
    EXPECT_EQ(work.weight_bytes, work.step_bytes);
    EXPECT_EQ(work.weight_bytes, 2 * (work.layer_elements + work.head_elements));
}

TEST(ModelWork, MemoryGrowsWithContextTimesSequences) {
    ModelWork work = WorkAt(Llama3Of8B(), *FindPrecision("Q8_0"));
    MemoryNeed one = MemoryFor(work, {.context = 1000, .sequences = 1});
    MemoryNeed many = MemoryFor(work, {.context = 2000, .sequences = 4});
    EXPECT_EQ(one.weights, many.weights);
    EXPECT_EQ(one.kv, 131072 * 1000.0);
    EXPECT_EQ(many.kv, 8 * one.kv);
    EXPECT_EQ(many.total(), many.weights + many.kv + many.activations);
    EXPECT_FALSE(FindPrecision("Q9"));
}

TEST(Machine, NamesAreDistinctAndFiguresComplete) {
    std::set<std::string_view> names;
    for (const Machine& machine : NamedMachines()) {
        EXPECT_TRUE(names.insert(machine.name).second) << machine.name;
        EXPECT_GT(machine.memory_gbps, 0) << machine.name;
        EXPECT_GT(machine.product_tops, 0) << machine.name;
        EXPECT_EQ(machine.float_tflops > 0, machine.kind != MachineKind::kNpu) << machine.name;
        EXPECT_FALSE(machine.source.empty()) << machine.name;
        EXPECT_TRUE(FindMachine(machine.name));
    }
    auto unknown = FindMachine("abacus");
    ASSERT_FALSE(unknown);
    EXPECT_THAT(unknown.error().message, HasSubstr("rtx-4090"));
}

TEST(Speed, ACalibrationGivesBackWhatItWasMadeFrom) {
    Machine here{.memory_gbps = 26, .product_tops = 1.6, .float_tflops = 0.45};
    ModelWork work = WorkAt(Llama3Of8B(), *FindPrecision("Q4_K_M"));
    SpeedMeasurement measured{.one_row_seconds = 0.25,
                              .more_rows_seconds = 0.4,
                              .depth = 128,
                              .prompt_seconds = 8,
                              .prompt_tokens = 256};
    EngineShares shares = Calibrate(work, here, measured);
    Speed one = PredictSpeed(work, here, shares, {.sequences = 1, .depth = 128, .prompt = 256});
    EXPECT_NEAR(one.decode, 1 / 0.25, 0.01);
    EXPECT_NEAR(one.prefill, 256 / 8.0, 0.01);
    Speed eight = PredictSpeed(work, here, shares, {.sequences = 8, .depth = 128, .prompt = 256});
    EXPECT_NEAR(eight.decode, 8 / 0.4, 0.1);
}

TEST(Speed, ADisturbedCalibrationStaysFinite) {
    Machine here{.memory_gbps = 26, .product_tops = 1.6, .float_tflops = 0.45};
    ModelWork work = WorkAt(Llama3Of8B(), *FindPrecision("Q4_K_M"));
    for (double more : {0.1, 0.25, 100.0}) {
        EngineShares shares = Calibrate(work, here,
                                        {.one_row_seconds = 0.25,
                                         .more_rows_seconds = more,
                                         .depth = 128,
                                         .prompt_seconds = 1e-6,
                                         .prompt_tokens = 256});
        Speed speed = PredictSpeed(work, here, shares, {});
        EXPECT_GT(speed.decode, 0);
        EXPECT_LT(speed.decode, 1e6);
        EXPECT_GT(speed.prefill, 0);
        EXPECT_LT(speed.prefill, 1e12);
    }
}

TEST(Speed, FewerBitsDecodeFasterAndLongerTextsSlower) {
    Machine gpu = *FindMachine("rtx-4090");
    EngineShares shares = TypicalShares(gpu.kind);
    double before = 0;
    for (const Precision& precision : Precisions()) {
        Speed speed = PredictSpeed(WorkAt(Llama3Of8B(), precision), gpu, shares, {});
        EXPECT_GT(speed.decode, before) << precision.name;
        before = speed.decode;
    }
    ModelWork work = WorkAt(Llama3Of8B(), *FindPrecision("Q4_0"));
    EXPECT_GT(PredictSpeed(work, gpu, shares, {.depth = 100}).decode,
              PredictSpeed(work, gpu, shares, {.depth = 8000}).decode);
    EXPECT_GT(PredictSpeed(work, gpu, shares, {.sequences = 8}).decode,
              PredictSpeed(work, gpu, shares, {.sequences = 1}).decode);
}

// What others have measured; docs/hardware.md has the sources.
struct Published {
    const char* machine;
    model::ModelConfig config;
    const char* precision;
    double decode = 0;   // tokens a second, 0: not given
    double prefill = 0;  // of 512
};

TEST(Speed, PublishedMeasurementsLieWithinTheStatedError) {
    const Published kPublished[] = {
        {"rtx-4090", Llama2Of7B(), "Q4_0", 191.0, 0},
        {"rtx-4090", Llama3Of8B(), "Q4_0", 0, 10358.75},
        {"rtx-3090", Llama3Of8B(), "Q6_K", 0, 3491.20},
    };
    for (const Published& published : kPublished) {
        Machine machine = *FindMachine(published.machine);
        Speed speed = PredictSpeed(WorkAt(published.config, *FindPrecision(published.precision)),
                                   machine, TypicalShares(machine.kind), {});
        ErrorFactor error = PredictionError(machine.kind);
        if (published.decode > 0) {
            EXPECT_GT(speed.decode * error.decode, published.decode) << published.machine;
            EXPECT_LT(speed.decode / error.decode, published.decode) << published.machine;
        }
        if (published.prefill > 0) {
            EXPECT_GT(speed.prefill * error.prefill, published.prefill) << published.machine;
            EXPECT_LT(speed.prefill / error.prefill, published.prefill) << published.machine;
        }
    }
}

}  // namespace
}  // namespace lathe::advise
