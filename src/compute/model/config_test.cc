#include "compute/model/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "compute/model/tensor_plan.h"
#include "compute/modelfile/model_package.h"
#include "support/scratch.h"
#include "support/tiny_model.h"

namespace lathe::model {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing_support::ScratchDirectory;
using testing_support::TinyModel;

Result<ModelConfig> ConfigOf(const TinyModel& model) {
    ScratchDirectory scratch;
    auto package = modelfile::ModelPackage::Open(scratch.Write("tiny.gguf", model.Build()));
    if (!package) return std::unexpected(package.error());
    return ConfigFromPackage(*package);
}

std::string ErrorOf(const TinyModel& model) {
    auto config = ConfigOf(model);
    if (config) return "no error";
    EXPECT_THAT(config.error().message, HasSubstr("tiny.gguf"));
    return config.error().message;
}

class EveryArchitecture : public testing::TestWithParam<const char*> {};

TEST_P(EveryArchitecture, IsReadWithItsTensors) {
    auto config = ConfigOf(TinyModel(GetParam()));
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->architecture, GetParam());
    EXPECT_EQ(config->name, "tiny");
    EXPECT_EQ(config->vocab_size, TinyModel::kVocabulary);
    EXPECT_EQ(config->layer_slides.size(), 2u);
    bool gemma = config->architecture.starts_with("gemma");
    EXPECT_EQ(config->tied_head, gemma);
    EXPECT_EQ(config->post_norms, gemma);
    EXPECT_EQ(config->activation, gemma ? Activation::kGeluTanh : Activation::kSilu);
    EXPECT_EQ(config->rope_pairs,
              config->architecture == "llama" ? RopePairs::kInterleaved : RopePairs::kHalves);
}

TEST_P(EveryArchitecture, NamesEachTensorThatIsMissingOrMisshapen) {
    TinyModel whole(GetParam());
    for (const auto& [name, tensor] : whole.tensors) {
        if (name == "output.weight") continue;  // then the head is tied
        TinyModel without = whole;
        without.tensors.erase(name);
        EXPECT_THAT(ErrorOf(without),
                    HasSubstr(name == "token_embd.weight" ? "the vocabulary has 0 tokens"
                                                          : "tensor '" + name + "' is missing"));
        TinyModel wrong = whole;
        std::vector<uint64_t> shape = tensor.shape;
        shape.back() += 1;
        wrong.Add(name, shape);
        EXPECT_THAT(ErrorOf(wrong), HasSubstr("tensor '" + name + "' is ["));
    }
}

INSTANTIATE_TEST_SUITE_P(Config, EveryArchitecture,
                         testing::Values("llama", "qwen2", "qwen3", "gemma2", "gemma3"));

TEST(Config, AnUnknownArchitectureListsTheSupportedOnes) {
    EXPECT_THAT(ErrorOf(TinyModel("mamba")),
                AllOf(HasSubstr("architecture 'mamba' is not supported"),
                      HasSubstr("llama, qwen2, qwen3, gemma2, gemma3")));
}

TEST(Config, ALayersUnknownTensorIsRefusedAndADerivedTableIsNot) {
    TinyModel model("llama");
    model.Add("blk.1.attn_rot_embd.weight", {4});
    model.Add("rope_freqs.weight", {4});
    EXPECT_TRUE(ConfigOf(model));
    model.Add("blk.1.ffn_gate_inp.weight", {8, 32});
    EXPECT_THAT(ErrorOf(model), HasSubstr("'blk.1.ffn_gate_inp.weight' is no part"));
}

TEST(Config, EveryCountIsCheckedForItsRange) {
    for (const char* key :
         {"block_count", "context_length", "embedding_length", "feed_forward_length",
          "attention.head_count", "attention.head_count_kv", "attention.key_length"}) {
        for (uint32_t value : {0u, 0x7FFFFFFFu, 0xFFFFFFFFu}) {
            TinyModel model("llama");
            model.counts[key] = value;
            EXPECT_THAT(ErrorOf(model),
                        AllOf(HasSubstr(std::string("llama.") + key), HasSubstr("not 1 to")));
        }
        if (std::string_view(key).starts_with("attention.head_count_") ||
            std::string_view(key).ends_with("key_length"))
            continue;  // these have defaults
        TinyModel model("llama");
        model.counts.erase(key);
        EXPECT_THAT(ErrorOf(model), HasSubstr(std::string("'llama.") + key + "' is missing"));
    }
}

TEST(Config, SizesMustFitEachOther) {
    TinyModel model("llama");
    model.counts["attention.head_count_kv"] = 3;
    EXPECT_THAT(ErrorOf(model), HasSubstr("4 query heads cannot share 3"));
    model = TinyModel("llama");
    model.counts["attention.key_length"] = model.counts["attention.value_length"] = 7;
    EXPECT_THAT(ErrorOf(model), HasSubstr("only even sizes"));
    model = TinyModel("llama");
    model.counts["attention.value_length"] = 16;
    EXPECT_THAT(ErrorOf(model), HasSubstr("values 16"));
    model = TinyModel("llama");
    model.counts["rope.dimension_count"] = 10;
    EXPECT_THAT(ErrorOf(model), HasSubstr("10 of a head's 8 dimensions"));
    model = TinyModel("llama");
    model.counts["attention.head_count"] = model.counts["attention.head_count_kv"] = 4096;
    model.counts["attention.key_length"] = model.counts["attention.value_length"] = 1024;
    EXPECT_THAT(ErrorOf(model), HasSubstr("limit of 131072 together"));
}

TEST(Config, NumbersThatAreNoneAreRefused) {
    float infinity = std::numeric_limits<float>::infinity();
    for (const char* key : {"attention.layer_norm_rms_epsilon", "rope.freq_base"})
        for (float value : {-1.f, infinity, std::nanf("")}) {
            TinyModel model("qwen2");
            model.reals[key] = value;
            EXPECT_NE(ErrorOf(model), "no error") << key << value;
        }
    TinyModel model("gemma2");
    model.reals["attn_logit_softcapping"] = std::nanf("");
    EXPECT_THAT(ErrorOf(model), HasSubstr("soft caps"));
}

TEST(Config, RopeScalingOfGguf) {
    TinyModel model("llama");
    model.strings["rope.scaling.type"] = "linear";
    model.reals["rope.scaling.factor"] = 4;
    auto config = ConfigOf(model);
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->rope.scaling, RopeScaling::kLinear);
    EXPECT_EQ(config->rope.factor, 4);
    model.strings["rope.scaling.type"] = "yarn";
    model.counts["rope.scaling.original_context_length"] = 32;
    config = ConfigOf(model);
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->rope.scaling, RopeScaling::kYarn);
    EXPECT_EQ(config->rope.original_context, 32);
    EXPECT_FLOAT_EQ(config->rope.attention_factor, 0.1f * std::log(4.f) + 1);
    TinyModel old("llama");
    old.reals["rope.scale_linear"] = 2;
    config = ConfigOf(old);
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->rope.scaling, RopeScaling::kLinear);
    EXPECT_EQ(config->rope.factor, 2);
    model.strings["rope.scaling.type"] = "longrope";
    EXPECT_THAT(ErrorOf(model), HasSubstr("rope scaling 'longrope' is not supported"));
    model.strings["rope.scaling.type"] = "linear";
    model.reals["rope.scaling.factor"] = 0;
    EXPECT_THAT(ErrorOf(model), HasSubstr("scaling factor is 0"));
}

TEST(Config, SlidingWindowsOfGguf) {
    TinyModel mistral("llama");
    mistral.counts["attention.sliding_window"] = 16;
    auto config = ConfigOf(mistral);
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->sliding_window, 16u);
    EXPECT_EQ(config->layer_slides, (std::vector<bool>{true, true}));
    mistral.counts["attention.sliding_window"] = 0;  // none
    EXPECT_EQ(ConfigOf(mistral)->layer_slides, (std::vector<bool>{false, false}));

    config = ConfigOf(TinyModel("gemma2"));
    EXPECT_EQ(config->layer_slides, (std::vector<bool>{true, false}));
    EXPECT_EQ(config->attention_softcap, 50);
    EXPECT_EQ(config->logit_softcap, 30);
    EXPECT_FLOAT_EQ(config->attention_scale, 1 / std::sqrt(8.f));
    EXPECT_FLOAT_EQ(config->embedding_scale, std::sqrt(32.f));

    TinyModel gemma3("gemma3");
    EXPECT_EQ(ConfigOf(gemma3)->layer_slides, (std::vector<bool>{true, true}));
    gemma3.counts["attention.sliding_window_pattern"] = 2;
    gemma3.strings["rope.scaling.type"] = "linear";
    gemma3.reals["rope.scaling.factor"] = 8;
    config = ConfigOf(gemma3);
    EXPECT_EQ(config->layer_slides, (std::vector<bool>{true, false}));
    EXPECT_EQ(config->rope.scaling, RopeScaling::kLinear);
    EXPECT_EQ(config->rope_local.scaling, RopeScaling::kNone);
    EXPECT_EQ(config->rope_local.base, 10000);
    gemma3.counts.erase("attention.sliding_window");
    EXPECT_THAT(ErrorOf(gemma3), HasSubstr("gemma3.attention.sliding_window' is missing"));
}

TEST(Config, TensorPlanIsCompleteAndInOrder) {
    auto config = ConfigOf(TinyModel("qwen3"));
    ASSERT_TRUE(config);
    std::vector<PlannedTensor> plan = TensorPlan(*config);
    EXPECT_EQ(plan.front().name, "token_embd.weight");
    EXPECT_EQ(plan.back().name, "output.weight");
    size_t required = 0;
    for (const PlannedTensor& tensor : plan) required += tensor.required;
    EXPECT_EQ(required, TinyModel("qwen3").tensors.size());
}

}  // namespace
}  // namespace lathe::model
