#include "learn/quant/mix.h"

#include <gtest/gtest.h>

#include "core/json/json.h"
#include "core/platform/files.h"
#include "support/paths.h"

namespace lathe::quant {
namespace {

using tensor::DType;

// tests/golden/quant-mixes.json: the types of files that llama.cpp's quantizer wrote.
TEST(Mix, GivesEveryTensorTheTypeThatTheFieldGivesIt) {
    auto text = platform::ReadFile(testing_support::Golden("quant-mixes.json"));
    ASSERT_TRUE(text);
    auto golden = ParseJson(*text);
    ASSERT_TRUE(golden);
    size_t compared = 0;
    for (const auto& [model_name, entry] : golden->items()) {
        MixModel model = {.layer_count = entry["layers"],
                          .queries_per_kv_head = entry["queries_per_kv_head"],
                          .tied_head = entry["tied_head"]};
        for (const auto& [mix_name, kinds] : entry["types"].items()) {
            const Mix* mix = FindMix(mix_name);
            ASSERT_NE(mix, nullptr) << mix_name;
            for (const auto& [kind, types] : kinds.items()) {
                bool in_layers = kind != "token_embd.weight" && kind != "output.weight";
                for (uint32_t layer = 0; layer < (in_layers ? model.layer_count : 1); ++layer) {
                    std::string name = in_layers ? fmt::format("blk.{}.{}", layer, kind) : kind;
                    std::string expected = types.size() == 1 ? types[0] : types[layer];
                    DType type = TypeInMix(*mix, model, name, entry["cols"][kind]);
                    EXPECT_EQ(tensor::Info(type).name, expected)
                        << model_name << " " << mix_name << " " << name;
                    ++compared;
                }
            }
        }
    }
    EXPECT_GT(compared, 4000u);
}

TEST(Mix, IsFoundInAnyCaseAndByItsShortName) {
    EXPECT_EQ(FindMix("q4_k_m")->name, "Q4_K_M");
    EXPECT_EQ(FindMix("Q4_K")->name, "Q4_K_M");
    EXPECT_EQ(FindMix("q3_k")->name, "Q3_K_M");
    EXPECT_EQ(FindMix("q6_k")->name, "Q6_K");
    EXPECT_EQ(FindMix("q9"), nullptr);
}

TEST(Mix, WithImportanceTheFirstDownMatricesOfQ4_0GetAMinimum) {
    MixModel model = {.layer_count = 32, .has_importance = true};
    EXPECT_EQ(TypeInMix(*FindMix("Q4_0"), model, "blk.3.ffn_down.weight", 4096), DType::kQ4_1);
    EXPECT_EQ(TypeInMix(*FindMix("Q4_0"), model, "blk.4.ffn_down.weight", 4096), DType::kQ4_0);
    EXPECT_EQ(TypeInMix(*FindMix("Q5_0"), model, "blk.0.ffn_down.weight", 4096), DType::kQ5_1);
}

TEST(Mix, ARowThatNoBlockFitsStaysInHalves) {
    EXPECT_EQ(FittingType(DType::kQ4_K, 576), DType::kQ5_0);
    EXPECT_EQ(FittingType(DType::kQ2_K, 896), DType::kQ4_0);
    EXPECT_EQ(FittingType(DType::kQ4_K, 100), DType::kF16);
    EXPECT_EQ(FittingType(DType::kQ8_0, 100), DType::kF16);
    EXPECT_EQ(FittingType(DType::kBF16, 100), DType::kBF16);
}

TEST(Mix, QuantizesMatricesOnly) {
    EXPECT_TRUE(IsQuantizable("blk.0.attn_q.weight", 2));
    EXPECT_TRUE(IsQuantizable("token_embd.weight", 2));
    EXPECT_FALSE(IsQuantizable("blk.0.attn_q.bias", 1));
    EXPECT_FALSE(IsQuantizable("blk.0.attn_norm.weight", 1));
    EXPECT_FALSE(IsQuantizable("rope_freqs.weight", 1));
    EXPECT_FALSE(IsQuantizable("blk.0.ffn_gate_inp.weight", 2));
}

TEST(Mix, FindsTheLayerInAName) {
    EXPECT_EQ(LayerOf("blk.17.attn_v.weight"), 17u);
    EXPECT_EQ(LayerOf("token_embd.weight"), std::nullopt);
    EXPECT_EQ(LayerOf("blk.x.attn_v.weight"), std::nullopt);
    EXPECT_EQ(LayerOf("blk.3"), std::nullopt);
}

}  // namespace
}  // namespace lathe::quant
