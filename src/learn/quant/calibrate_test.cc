// Calibration on a real model, against sums made from the reference's own activations.
#include "learn/quant/calibrate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "support/paths.h"

namespace lathe::quant {
namespace {

using modelfile::ModelPackage;

constexpr std::string_view kText =
    "The quick brown fox jumps over the lazy dog. Numbers like 3.14 and 2.72 are constants. "
    "In the beginning there was a word, and then another one.";

TEST(Calibrate, MeasuresEveryMatrixOfTheLayersTheSameWithAnyTeam) {
    auto package = ModelPackage::Open(testing_support::ModelFile("smollm2-135m"));
    ASSERT_TRUE(package) << package.error().message;
    auto tokenizer = tokenizer::Tokenizer::FromPackage(*package);
    ASSERT_TRUE(tokenizer);
    std::vector<ImportanceMatrix> matrices;
    for (int threads : {1, 2}) {
        auto matrix = Calibrate(*package, *tokenizer, kText,
                                {.text_name = "t", .threads = threads, .window = 16});
        ASSERT_TRUE(matrix) << matrix.error().message;
        matrices.push_back(std::move(*matrix));
    }
    ASSERT_EQ(matrices[0].entries.size(), 30u * 7);
    EXPECT_GT(matrices[0].chunks, 1u);
    for (const auto& [name, entry] : matrices[0].entries) {
        EXPECT_EQ(entry.mean_square, matrices[1].entries[name].mean_square) << name;
        double sum = 0;
        for (float value : entry.mean_square) sum += static_cast<double>(value);
        EXPECT_TRUE(std::isfinite(sum) && sum > 0) << name;
    }
    // An RMS norm's output has a mean square that its weights decide: the inputs of queries
    // of the first layer follow from the embeddings alone.
    const auto& queries = matrices[0].entries["blk.0.attn_q.weight"];
    EXPECT_EQ(queries.mean_square, matrices[0].entries["blk.0.attn_v.weight"].mean_square);
    EXPECT_EQ(queries.mean_square.size(), 576u);
    EXPECT_EQ(matrices[0].entries["blk.0.ffn_down.weight"].mean_square.size(), 1536u);
    auto ids = CutText(*tokenizer, kText, 16, 0);
    std::vector<double> expected(576);
    const tensor::TensorView* table = package->FindTensor("token_embd.weight");
    const tensor::TensorView* norm = package->FindTensor("blk.0.attn_norm.weight");
    std::vector<float> row(576), weights(576);
    tensor::Dequantize(norm->type, norm->data.data(), weights);
    size_t tokens = 0;
    for (const auto& window : ids)
        for (tokenizer::TokenId id : window) {
            tensor::Dequantize(
                table->type,
                table->data.data() + static_cast<size_t>(id) * tensor::RowBytes(table->type, 576),
                row);
            double squares = 0;
            for (float value : row)
                squares += static_cast<double>(value) * static_cast<double>(value);
            double scale = 1 / (squares / 576 + 1e-5);
            for (size_t i = 0; i < 576; ++i) {
                double x = static_cast<double>(row[i]) * static_cast<double>(weights[i]);
                expected[i] += x * x * scale;
            }
            ++tokens;
        }
    EXPECT_EQ(queries.rows, tokens);
    for (size_t i = 0; i < 576; ++i) {
        double mean = expected[i] / static_cast<double>(tokens);
        EXPECT_NEAR(static_cast<double>(queries.mean_square[i]), mean, 1e-3 * mean + 1e-6) << i;
    }
}

TEST(Calibrate, RefusesAnEmptyText) {
    auto package = ModelPackage::Open(testing_support::ModelFile("smollm2-135m"));
    ASSERT_TRUE(package);
    auto tokenizer = tokenizer::Tokenizer::FromPackage(*package);
    ASSERT_TRUE(tokenizer);
    auto matrix = Calibrate(*package, *tokenizer, "", {});
    ASSERT_FALSE(matrix);
    EXPECT_EQ(matrix.error().code, Code::kInvalidArgument);
    EXPECT_THAT(matrix.error().message, testing::HasSubstr("calibration text is empty"));
}

}  // namespace
}  // namespace lathe::quant
