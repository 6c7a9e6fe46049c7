// The configurations of the three published models.
#include <gtest/gtest.h>

#include <cmath>

#include "compute/model/config.h"
#include "compute/modelfile/model_package.h"
#include "support/paths.h"

namespace lathe::model {
namespace {

ModelConfig ConfigOf(std::string_view model) {
    auto package = modelfile::ModelPackage::Open(testing_support::ModelFile(model));
    if (!package) {
        ADD_FAILURE() << package.error().message;
        return {};
    }
    auto config = ConfigFromPackage(*package);
    if (!config) ADD_FAILURE() << config.error().message;
    return config.value_or(ModelConfig{});
}

TEST(RealConfigs, SmolLm2) {
    ModelConfig c = ConfigOf("smollm2-135m");
    EXPECT_EQ(c.architecture, "llama");
    EXPECT_EQ(c.width, 576u);
    EXPECT_EQ(c.layer_count, 30u);
    EXPECT_EQ(c.head_count, 9u);
    EXPECT_EQ(c.kv_head_count, 3u);
    EXPECT_EQ(c.head_dim, 64u);
    EXPECT_EQ(c.feed_forward_width, 1536u);
    EXPECT_EQ(c.vocab_size, 49152u);
    EXPECT_EQ(c.context_length, 8192u);
    EXPECT_EQ(c.rope.base, 100000.f);
    EXPECT_EQ(c.rope_pairs, RopePairs::kInterleaved);
    EXPECT_FLOAT_EQ(c.norm_epsilon, 1e-5f);
    EXPECT_FLOAT_EQ(c.attention_scale, 0.125f);
    EXPECT_TRUE(c.tied_head);
    EXPECT_FALSE(c.qkv_bias);
    EXPECT_EQ(c.sliding_window, 0u);
    EXPECT_EQ(c.KvBytesPerToken(2), 23040u);
}

TEST(RealConfigs, Gemma3) {
    ModelConfig c = ConfigOf("gemma3-270m");
    EXPECT_EQ(c.architecture, "gemma3");
    EXPECT_EQ(c.head_count, 4u);
    EXPECT_EQ(c.kv_head_count, 1u);
    EXPECT_EQ(c.head_dim, 256u);
    EXPECT_EQ(c.vocab_size, 262144u);
    EXPECT_EQ(c.sliding_window, 512u);
    ASSERT_EQ(c.layer_slides.size(), 18u);
    for (size_t i = 0; i < 18; ++i) EXPECT_EQ(c.layer_slides[i], i != 5 && i != 11 && i != 17);
    EXPECT_EQ(c.rope.base, 1e6f);
    EXPECT_EQ(c.rope_local.base, 1e4f);
    EXPECT_EQ(c.rope_local.dims, 256u);
    EXPECT_FLOAT_EQ(c.attention_scale, 1 / 16.f);
    EXPECT_FLOAT_EQ(c.embedding_scale, std::sqrt(640.f));
    EXPECT_EQ(c.activation, Activation::kGeluTanh);
    EXPECT_TRUE(c.qk_norm && c.post_norms && c.tied_head);
    EXPECT_FALSE(c.norm_weight_plus_one);
    EXPECT_EQ(c.logit_softcap, 0.f);
}

TEST(RealConfigs, Qwen2) {
    ModelConfig c = ConfigOf("qwen2.5-coder-0.5b");
    EXPECT_EQ(c.architecture, "qwen2");
    EXPECT_EQ(c.width, 896u);
    EXPECT_EQ(c.head_count, 14u);
    EXPECT_EQ(c.kv_head_count, 2u);
    EXPECT_EQ(c.vocab_size, 151936u);
    EXPECT_EQ(c.rope.base, 1e6f);
    EXPECT_EQ(c.rope_pairs, RopePairs::kHalves);
    EXPECT_TRUE(c.qkv_bias);
    EXPECT_FALSE(c.tied_head);
}

}  // namespace
}  // namespace lathe::model
