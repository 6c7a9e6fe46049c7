// A published model as GGUF and as a Hugging Face folder must mean the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "compute/model/config.h"
#include "compute/model/reference.h"
#include "compute/modelfile/model_package.h"
#include "core/json/json.h"
#include "core/platform/cpu.h"
#include "core/platform/files.h"
#include "support/hf_export.h"
#include "support/paths.h"
#include "support/scratch.h"

namespace lathe::model {
namespace {

using modelfile::ModelPackage;
using tensor::DType;
using tensor::TensorView;

ModelPackage OpenOrDie(const std::filesystem::path& path) {
    auto package = ModelPackage::Open(path);
    if (!package) {
        ADD_FAILURE() << package.error().message;
        std::abort();
    }
    return std::move(*package);
}

void ExpectSameModel(const ModelConfig& a, const ModelConfig& b) {
    EXPECT_EQ(a.architecture, b.architecture);
    EXPECT_EQ(a.vocab_size, b.vocab_size);
    EXPECT_EQ(a.context_length, b.context_length);
    EXPECT_EQ(a.width, b.width);
    EXPECT_EQ(a.layer_count, b.layer_count);
    EXPECT_EQ(a.head_count, b.head_count);
    EXPECT_EQ(a.kv_head_count, b.kv_head_count);
    EXPECT_EQ(a.head_dim, b.head_dim);
    EXPECT_EQ(a.feed_forward_width, b.feed_forward_width);
    EXPECT_EQ(a.norm_epsilon, b.norm_epsilon);
    EXPECT_EQ(a.activation, b.activation);
    EXPECT_EQ(a.rope.dims, b.rope.dims);
    EXPECT_EQ(a.rope.base, b.rope.base);
    EXPECT_EQ(a.rope.scaling, b.rope.scaling);
    EXPECT_EQ(a.rope_local.dims, b.rope_local.dims);
    EXPECT_EQ(a.rope_local.base, b.rope_local.base);
    EXPECT_EQ(a.sliding_window, b.sliding_window);
    EXPECT_EQ(a.layer_slides, b.layer_slides);
    EXPECT_EQ(a.embedding_scale, b.embedding_scale);
    EXPECT_EQ(a.attention_scale, b.attention_scale);
    EXPECT_EQ(a.attention_softcap, b.attention_softcap);
    EXPECT_EQ(a.logit_softcap, b.logit_softcap);
    EXPECT_EQ(a.qkv_bias, b.qkv_bias);
    EXPECT_EQ(a.output_bias, b.output_bias);
    EXPECT_EQ(a.qk_norm, b.qk_norm);
    EXPECT_EQ(a.post_norms, b.post_norms);
    EXPECT_EQ(a.tied_head, b.tied_head);
}

std::vector<float> RowOf(const TensorView& view, size_t row) {
    std::vector<float> values(view.cols());
    tensor::Dequantize(view.type, view.data.data() + row * tensor::RowBytes(view.type, view.cols()),
                       values);
    return values;
}

class EveryModel : public testing::TestWithParam<const char*> {};

TEST_P(EveryModel, MeansTheSameAsAHuggingFaceFolder) {
    ModelPackage gguf = OpenOrDie(testing_support::ModelFile(GetParam()));
    testing_support::ScratchDirectory folder;
    testing_support::ExportHfFolder(*gguf.gguf(), DType::kBF16, folder.path());
    ModelPackage hf = OpenOrDie(folder.path());
    auto gguf_config = ConfigFromPackage(gguf);
    auto hf_config = ConfigFromPackage(hf);
    ASSERT_TRUE(gguf_config) << gguf_config.error().message;
    ASSERT_TRUE(hf_config) << hf_config.error().message;
    ExpectSameModel(*gguf_config, *hf_config);
    EXPECT_EQ(hf_config->rope_pairs, RopePairs::kHalves);
    EXPECT_EQ(hf_config->norm_weight_plus_one, gguf_config->architecture == "gemma3");
    EXPECT_EQ(hf.tensors().size(), gguf.tensors().size());
    EXPECT_EQ(hf.ChatTemplateSource(), gguf.ChatTemplateSource());
    for (const TensorView& view : gguf.tensors()) {
        const TensorView* same = hf.FindTensor(view.name);
        ASSERT_NE(same, nullptr) << view.name;
        ASSERT_EQ(same->shape, view.shape) << view.name;
    }
    const TensorView& down = *gguf.FindTensor("blk.3.ffn_down.weight");
    std::vector<float> expected = RowOf(down, 17);
    for (float& value : expected) value = tensor::BF16ToF32(tensor::F32ToBF16(value));
    EXPECT_EQ(RowOf(*hf.FindTensor("blk.3.ffn_down.weight"), 17), expected);
}

INSTANTIATE_TEST_SUITE_P(HfExport, EveryModel,
                         testing::Values("smollm2-135m", "qwen2.5-coder-0.5b", "gemma3-270m"));

// Log-probabilities that transformers computed, recorded in tests/golden.
void ExpectGoldenTop8(const Json& top, std::span<const float> logits) {
    double highest = *std::ranges::max_element(logits);
    double sum = 0;
    for (float logit : logits) sum += std::exp(logit - highest);
    double normalizer = highest + std::log(sum);
    for (const Json& pair : top)
        EXPECT_NEAR(logits[pair[0].get<size_t>()] - normalizer, pair[1].get<double>(), 1e-3);
}

class RunnableFolder : public testing::TestWithParam<const char*> {};

// Shows that names, row order, norms and configuration of a folder are read as
// transformers reads them.
TEST_P(RunnableFolder, GivesTheRecordedLogProbabilities) {
    testing_support::ScratchDirectory folder;
    testing_support::ExportHfFolder(*OpenOrDie(testing_support::ModelFile(GetParam())).gguf(),
                                    DType::kF32, folder.path());
    ModelPackage package = OpenOrDie(folder.path());
    auto reference = ReferenceModel::Create(package);
    ASSERT_TRUE(reference) << reference.error().message;
    auto text =
        platform::ReadFile(testing_support::Golden(fmt::format("logits-{}.json", GetParam())));
    ASSERT_TRUE(text) << text.error().message;
    Json golden = *ParseJson(*text);
    auto shorter = [](const Json& a, const Json& b) { return a["ids"].size() < b["ids"].size(); };
    const Json& entry = *std::ranges::min_element(golden, shorter);
    platform::Team team(platform::UsableCores());
    size_t positions = 0;
    ASSERT_TRUE(reference->Run(
        entry["ids"].get<std::vector<TokenId>>(), 0, team,
        [&](size_t position, std::span<const float> logits) {
            ExpectGoldenTop8(entry["top8_logprobs_per_position"][position]["top"], logits);
            ++positions;
        }));
    EXPECT_EQ(positions, entry["ids"].size());
}

INSTANTIATE_TEST_SUITE_P(HfExport, RunnableFolder, testing::Values("smollm2-135m", "gemma3-270m"));

}  // namespace
}  // namespace lathe::model
