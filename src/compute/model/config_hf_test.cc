// The config.json files of published models.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "compute/model/config.h"

namespace lathe::model {
namespace {

using testing::HasSubstr;

ModelConfig Read(std::string_view text) {
    auto json = ParseJson(text);
    if (!json) {
        ADD_FAILURE() << json.error().message;
        return {};
    }
    auto config = ConfigFromHuggingFace(*json);
    if (!config) ADD_FAILURE() << config.error().message;
    return config.value_or(ModelConfig{});
}

std::string ErrorOf(std::string_view text) {
    auto json = ParseJson(text);
    if (!json) return json.error().message;
    auto config = ConfigFromHuggingFace(*json);
    return config ? "no error" : config.error().message;
}

TEST(HfConfig, Llama32) {
    ModelConfig c = Read(R"({"architectures":["LlamaForCausalLM"],"attention_bias":false,
        "bos_token_id":128000,"eos_token_id":[128001,128008,128009],"head_dim":64,
        "hidden_act":"silu","hidden_size":2048,"intermediate_size":8192,
        "max_position_embeddings":131072,"mlp_bias":false,"model_type":"llama",
        "num_attention_heads":32,"num_hidden_layers":16,"num_key_value_heads":8,
        "pretraining_tp":1,"rms_norm_eps":1e-05,
        "rope_scaling":{"factor":32.0,"high_freq_factor":4.0,"low_freq_factor":1.0,
                        "original_max_position_embeddings":8192,"rope_type":"llama3"},
        "rope_theta":500000.0,"tie_word_embeddings":true,"torch_dtype":"bfloat16",
        "use_cache":true,"vocab_size":128256})");
    EXPECT_EQ(c.architecture, "llama");
    EXPECT_EQ(c.rope_pairs, RopePairs::kHalves);
    EXPECT_EQ(c.rope.scaling, RopeScaling::kLlama3);
    EXPECT_EQ(c.rope.factor, 32);
    EXPECT_EQ(c.rope.original_context, 8192);
    EXPECT_EQ(c.rope.base, 500000);
    EXPECT_EQ(c.head_dim, 64u);
    EXPECT_TRUE(c.tied_head);
    EXPECT_FALSE(c.norm_weight_plus_one);
    EXPECT_EQ(c.layer_slides, std::vector<bool>(16, false));
}

TEST(HfConfig, Llama2LeavesOutWhatHasDefaults) {
    ModelConfig c = Read(R"({"hidden_act":"silu","hidden_size":4096,"intermediate_size":11008,
        "max_position_embeddings":4096,"model_type":"llama","num_attention_heads":32,
        "num_hidden_layers":32,"rms_norm_eps":1e-05,"rope_scaling":null,"vocab_size":32000})");
    EXPECT_EQ(c.kv_head_count, 32u);
    EXPECT_EQ(c.head_dim, 128u);
    EXPECT_EQ(c.rope.base, 10000);
    EXPECT_FALSE(c.tied_head);
}

constexpr std::string_view kMistral = R"("hidden_act":"silu","hidden_size":4096,
    "intermediate_size":14336,"max_position_embeddings":32768,"model_type":"mistral",
    "num_attention_heads":32,"num_hidden_layers":2,"num_key_value_heads":8,"rms_norm_eps":1e-05,
    "rope_theta":10000.0,"tie_word_embeddings":false,"vocab_size":32000)";

TEST(HfConfig, MistralSlidesByItsVersion) {
    ModelConfig first = Read(fmt::format("{{{},\"sliding_window\":4096}}", kMistral));
    EXPECT_EQ(first.sliding_window, 4096u);
    EXPECT_EQ(first.layer_slides, (std::vector<bool>{true, true}));
    ModelConfig later = Read(fmt::format("{{{},\"sliding_window\":null}}", kMistral));
    EXPECT_EQ(later.sliding_window, 0u);
    EXPECT_EQ(later.layer_slides, (std::vector<bool>{false, false}));
    EXPECT_EQ(Read(fmt::format("{{{}}}", kMistral)).sliding_window, 4096u);
}

TEST(HfConfig, Qwen25AndQwen3) {
    ModelConfig qwen2 = Read(R"({"hidden_act":"silu","hidden_size":896,"intermediate_size":4864,
        "max_position_embeddings":32768,"max_window_layers":21,"model_type":"qwen2",
        "num_attention_heads":14,"num_hidden_layers":24,"num_key_value_heads":2,
        "rms_norm_eps":1e-06,"rope_theta":1000000.0,"sliding_window":32768,
        "tie_word_embeddings":true,"use_sliding_window":false,"vocab_size":151936})");
    EXPECT_TRUE(qwen2.qkv_bias);
    EXPECT_FALSE(qwen2.output_bias);
    EXPECT_EQ(qwen2.sliding_window, 0u);
    EXPECT_EQ(qwen2.head_dim, 64u);
    ModelConfig qwen3 = Read(R"({"attention_bias":false,"head_dim":128,"hidden_act":"silu",
        "hidden_size":1024,"intermediate_size":3072,"max_position_embeddings":40960,
        "max_window_layers":28,"model_type":"qwen3","num_attention_heads":16,
        "num_hidden_layers":28,"num_key_value_heads":8,"rms_norm_eps":1e-06,"rope_scaling":null,
        "rope_theta":1000000,"sliding_window":null,"tie_word_embeddings":true,
        "use_sliding_window":false,"vocab_size":151936})");
    EXPECT_TRUE(qwen3.qk_norm);
    EXPECT_FALSE(qwen3.qkv_bias);
    EXPECT_EQ(qwen3.query_width(), 2048u);
    EXPECT_FLOAT_EQ(qwen3.attention_scale, 1 / std::sqrt(128.f));
}

TEST(HfConfig, QwenSlidesFromALayerOnAndWithYarn) {
    ModelConfig c = Read(R"({"hidden_size":64,"intermediate_size":64,
        "max_position_embeddings":32768,"max_window_layers":1,"model_type":"qwen2",
        "num_attention_heads":2,"num_hidden_layers":3,"num_key_value_heads":2,
        "sliding_window":100,"use_sliding_window":true,"vocab_size":10,
        "rope_scaling":{"type":"yarn","factor":4.0,"original_max_position_embeddings":8192}})");
    EXPECT_EQ(c.layer_slides, (std::vector<bool>{false, true, true}));
    EXPECT_EQ(c.sliding_window, 100u);
    EXPECT_EQ(c.rope.scaling, RopeScaling::kYarn);
    EXPECT_EQ(c.rope.original_context, 8192);
    EXPECT_FLOAT_EQ(c.rope.attention_factor, 0.1f * std::log(4.f) + 1);
}

TEST(HfConfig, Gemma2) {
    ModelConfig c = Read(R"({"attention_bias":false,"attn_logit_softcapping":50.0,
        "final_logit_softcapping":30.0,"head_dim":128,"hidden_act":"gelu_pytorch_tanh",
        "hidden_activation":"gelu_pytorch_tanh","hidden_size":4608,"intermediate_size":36864,
        "max_position_embeddings":8192,"model_type":"gemma2","num_attention_heads":32,
        "num_hidden_layers":46,"num_key_value_heads":16,"query_pre_attn_scalar":144,
        "rms_norm_eps":1e-06,"rope_theta":10000.0,"sliding_window":4096,"vocab_size":256000})");
    EXPECT_TRUE(c.norm_weight_plus_one && c.post_norms && c.tied_head);
    EXPECT_FALSE(c.qk_norm);
    EXPECT_FLOAT_EQ(c.attention_scale, 1 / 12.f);
    EXPECT_TRUE(c.layer_slides[0]);
    EXPECT_FALSE(c.layer_slides[1]);
    EXPECT_EQ(c.attention_softcap, 50);
    EXPECT_EQ(c.logit_softcap, 30);
}

TEST(HfConfig, Gemma3ThatAlsoSeesImagesIsReadFromItsTextConfig) {
    ModelConfig c = Read(R"({"architectures":["Gemma3ForConditionalGeneration"],
        "model_type":"gemma3","text_config":{"hidden_size":2560,"intermediate_size":10240,
        "model_type":"gemma3_text","num_hidden_layers":34,
        "rope_scaling":{"factor":8.0,"rope_type":"linear"},"sliding_window":1024},
        "vision_config":{"hidden_size":1152}})");
    EXPECT_EQ(c.architecture, "gemma3");
    EXPECT_EQ(c.head_count, 8u);
    EXPECT_EQ(c.kv_head_count, 4u);
    EXPECT_EQ(c.head_dim, 256u);
    EXPECT_EQ(c.vocab_size, 262208u);
    EXPECT_EQ(c.rope.scaling, RopeScaling::kLinear);
    EXPECT_EQ(c.rope.factor, 8);
    EXPECT_EQ(c.rope.base, 1e6f);
    EXPECT_EQ(c.rope_local.scaling, RopeScaling::kNone);
    EXPECT_EQ(c.rope_local.base, 1e4f);
    EXPECT_TRUE(c.layer_slides[4]);
    EXPECT_FALSE(c.layer_slides[5]);
    EXPECT_TRUE(c.qk_norm && c.tied_head);
}

TEST(HfConfig, Gemma3WithTheKeysOfTransformers5) {
    ModelConfig c = Read(R"({"_sliding_window_pattern":6,"attn_logit_softcapping":null,
        "final_logit_softcapping":null,"head_dim":16,"hidden_activation":"gelu_pytorch_tanh",
        "hidden_size":32,"intermediate_size":32,"layer_types":["full_attention",
        "sliding_attention"],"max_position_embeddings":512,"model_type":"gemma3_text",
        "num_attention_heads":2,"num_hidden_layers":2,"num_key_value_heads":2,
        "query_pre_attn_scalar":256,"rms_norm_eps":1e-06,"rope_parameters":{
        "full_attention":{"factor":8.0,"rope_theta":2000000.0,"rope_type":"linear"},
        "sliding_attention":{"rope_theta":20000.0,"rope_type":"default"}},
        "sliding_window":4096,"tie_word_embeddings":false,"use_bidirectional_attention":false,
        "vocab_size":262145})");
    EXPECT_EQ(c.layer_slides, (std::vector<bool>{false, true}));
    EXPECT_EQ(c.rope.base, 2e6f);
    EXPECT_EQ(c.rope.scaling, RopeScaling::kLinear);
    EXPECT_EQ(c.rope_local.base, 2e4f);
    EXPECT_EQ(c.rope_local.scaling, RopeScaling::kNone);
    EXPECT_EQ(c.attention_softcap, 0);
    EXPECT_FLOAT_EQ(c.attention_scale, 1 / 16.f);
    EXPECT_FALSE(c.tied_head);
}

std::string Small(std::string_view extra) {
    return fmt::format(R"({{"model_type":"llama","hidden_size":64,"intermediate_size":64,
        "num_attention_heads":2,"num_hidden_layers":2,"vocab_size":10{}{}}})",
                       extra.empty() ? "" : ",", extra);
}

TEST(HfConfig, RefusesWhatItCannotCompute) {
    EXPECT_EQ(ErrorOf(Small("")), "no error");
    EXPECT_THAT(ErrorOf(Small(R"("mlp_bias":true)")), HasSubstr("\"mlp_bias\""));
    EXPECT_THAT(ErrorOf(Small(R"("hidden_act":"relu")")), HasSubstr("activation \"relu\""));
    EXPECT_THAT(ErrorOf(Small(R"("rope_scaling":{"type":"dynamic","factor":2})")),
                HasSubstr("rope scaling \"dynamic\" is not supported"));
    EXPECT_THAT(ErrorOf(Small(R"("quantization_config":{"quant_method":"awq"})")),
                HasSubstr("quantization_config"));
    EXPECT_THAT(ErrorOf(R"({"model_type":"gpt2"})"),
                HasSubstr("supported architectures are llama, qwen2"));
    EXPECT_THAT(ErrorOf("{}"), HasSubstr("\"model_type\" is missing"));
    EXPECT_THAT(ErrorOf("[]"), HasSubstr("not a JSON object"));
}

TEST(HfConfig, ErrorsNameTheKeyItsValueAndTheRange) {
    EXPECT_THAT(ErrorOf(R"({"model_type":"llama"})"),
                HasSubstr("\"num_hidden_layers\" is missing"));
    for (std::string_view bad : {"0", "-1", "1.5", "1e300", "\"2\"", "[2]", "true"})
        EXPECT_THAT(ErrorOf(Small(fmt::format(R"("num_key_value_heads":{})", bad))),
                    HasSubstr(fmt::format("\"num_key_value_heads\" is ")));
    EXPECT_THAT(ErrorOf(Small(R"("rope_theta":1e300)")), HasSubstr("rotary base is inf"));
    EXPECT_THAT(ErrorOf(Small(R"("rms_norm_eps":"x")")), HasSubstr("not a number"));
    EXPECT_THAT(ErrorOf(Small(R"("tie_word_embeddings":1)")), HasSubstr("not true or false"));
    EXPECT_THAT(ErrorOf(Small(R"("rope_scaling":3)")), HasSubstr("\"rope_scaling\" is 3"));
    EXPECT_THAT(ErrorOf(Small(R"("head_dim":33)")), HasSubstr("only even sizes"));
    EXPECT_THAT(ErrorOf(Small(R"("num_key_value_heads":2.0)")), "no error");
}

}  // namespace
}  // namespace lathe::model
