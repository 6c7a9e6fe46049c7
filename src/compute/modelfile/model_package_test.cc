#include "compute/modelfile/model_package.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compute/modelfile/hf_names.h"
#include "support/gguf_builder.h"
#include "support/safetensors_builder.h"
#include "support/scratch.h"

namespace lathe::modelfile {
namespace {

using testing::HasSubstr;
using testing_support::GgufBuilder;
using testing_support::SafetensorsBuilder;
using testing_support::ScratchDirectory;

std::string OpenError(const std::filesystem::path& path) {
    auto package = ModelPackage::Open(path);
    return package ? "no error" : package.error().message;
}

void WriteTexts(const ScratchDirectory& folder) {
    folder.Write("config.json", R"({"model_type":"llama"})");
    folder.Write("tokenizer.json", "{}");
    folder.Write("tokenizer_config.json", R"({"chat_template":"from the config"})");
    folder.Write("generation_config.json", R"({"temperature":0.6})");
    folder.Write("README.md", "---\nlanguage: en\nlicense: apache-2.0\n---\nA model.\n");
}

TEST(ModelPackage, NamesTheTensorsOfAFolderAsGgufDoes) {
    ScratchDirectory folder;
    WriteTexts(folder);
    SafetensorsBuilder weights;
    weights.Tensor("model.embed_tokens.weight", "F32", {2, 1}, "abcdefgh");
    weights.Tensor("model.layers.11.self_attn.q_proj.weight", "BF16", {1, 1}, "qq");
    weights.Tensor("vision_tower.position_ids", "I64", {1}, "12345678");
    folder.Write("model.safetensors", weights.Build());
    auto package = ModelPackage::Open(folder.path());
    ASSERT_TRUE(package) << package.error().message;
    ASSERT_NE(package->hf(), nullptr);
    EXPECT_EQ(package->gguf(), nullptr);
    ASSERT_NE(package->FindTensor("blk.11.attn_q.weight"), nullptr);
    EXPECT_EQ(package->FindTensor("blk.11.attn_q.weight")->type, tensor::DType::kBF16);
    EXPECT_EQ(package->FindTensor("token_embd.weight")->shape, (std::vector<uint64_t>{2, 1}));
    ASSERT_EQ(package->unsupported_tensors().size(), 1u);
    EXPECT_EQ(package->unsupported_tensors()[0].type_name, "I64");
    EXPECT_EQ(package->ChatTemplateSource(), "from the config");
    EXPECT_EQ(package->license(), "apache-2.0");
    EXPECT_EQ(package->GenerationConfig(), (Json{{"temperature", 0.6}}));
    EXPECT_EQ(package->name(), folder.path().filename().string());
    EXPECT_EQ(ModelPackage::Open(folder.path() / "")->name(), package->name());
    EXPECT_EQ(package->hf()->tokenizer_json(), "{}");
    package->DropPages(*package->FindTensor("token_embd.weight"));
    EXPECT_EQ(package->FindTensor("token_embd.weight")->data[0], std::byte{'a'});
}

TEST(ModelPackage, PrefersTheTemplateFileAndFindsTheDefaultOfSeveral) {
    ScratchDirectory folder;
    WriteTexts(folder);
    folder.Write("model.safetensors", SafetensorsBuilder().Build());
    folder.Write("tokenizer_config.json", R"({"chat_template":[{"name":"tool_use","template":"t"},)"
                                          R"({"name":"default","template":"d"}]})");
    EXPECT_EQ(ModelPackage::Open(folder.path())->ChatTemplateSource(), "d");
    folder.Write("chat_template.jinja", "file");
    EXPECT_EQ(ModelPackage::Open(folder.path())->ChatTemplateSource(), "file");
}

TEST(ModelPackage, RefusesTypesOfTheLanguageModelThatItCannotCompute) {
    ScratchDirectory folder;
    WriteTexts(folder);
    SafetensorsBuilder weights;
    weights.Tensor("model.norm.weight", "F8_E4M3", {2}, "ab");
    folder.Write("model.safetensors", weights.Build());
    EXPECT_THAT(OpenError(folder.path()),
                HasSubstr("'model.norm.weight' has type F8_E4M3, which is not supported"));
    EXPECT_TRUE(ModelPackage::Open(folder.path(), UnsupportedTypes::kKeep));
}

TEST(ModelPackage, ReadsShardsByTheirIndex) {
    ScratchDirectory folder;
    WriteTexts(folder);
    SafetensorsBuilder first, second;
    first.Tensor("model.norm.weight", "F32", {1}, "abcd");
    second.Tensor("lm_head.weight", "F32", {1, 1}, "efgh");
    folder.Write("model-00001-of-00002.safetensors", first.Build());
    folder.Write("model-00002-of-00002.safetensors", second.Build());
    auto index = [&](std::string_view head_file) {
        folder.Write("model.safetensors.index.json",
                     R"({"weight_map":{"model.norm.weight":"model-00001-of-00002.safetensors",)"
                     R"("lm_head.weight":")" +
                         std::string(head_file) + "\"}}");
    };
    index("model-00002-of-00002.safetensors");
    auto package = ModelPackage::Open(folder.path());
    ASSERT_TRUE(package) << package.error().message;
    EXPECT_EQ(package->tensors().size(), 2u);
    EXPECT_EQ(package->FindTensor("output.weight")->data[0], std::byte{'e'});
    index("model-00001-of-00002.safetensors");
    EXPECT_THAT(OpenError(folder.path()),
                HasSubstr("'lm_head.weight' is not in model-00001-of-00002.safetensors"));
    for (std::string_view outside : {"../x.safetensors", "/etc/passwd", "..", "", "a/b"}) {
        index(outside);
        EXPECT_THAT(OpenError(folder.path()), HasSubstr("not in a file of this folder")) << outside;
    }
    index("model-00003-of-00002.safetensors");
    EXPECT_THAT(OpenError(folder.path()),
                HasSubstr("a file that model.safetensors.index.json names"));
}

TEST(ModelPackage, SaysWhatAFolderLacks) {
    ScratchDirectory folder;
    EXPECT_THAT(OpenError(folder.path()),
                HasSubstr("no config.json in this folder; give the folder"));
    folder.Write("model.gguf", "");
    EXPECT_THAT(OpenError(folder.path()), HasSubstr("it holds model.gguf: open that file"));
    std::filesystem::remove(folder.path() / "model.gguf");
    WriteTexts(folder);
    folder.Write("pytorch_model.bin", "");
    EXPECT_THAT(OpenError(folder.path()), HasSubstr("no model.safetensors"));
    EXPECT_THAT(OpenError(folder.path()), HasSubstr("PyTorch"));
    folder.Write("config.json", "[1,");
    EXPECT_THAT(OpenError(folder.path()), HasSubstr("config.json"));
    folder.Write("config.json", "[]");
    EXPECT_THAT(OpenError(folder.path()), HasSubstr("not a JSON object"));
    EXPECT_THAT(OpenError(folder.path() / "none"), HasSubstr("none"));
}

TEST(ModelPackage, ReadsGgufMetadataUnderTheSameQuestions) {
    ScratchDirectory folder;
    GgufBuilder builder;
    builder.String("general.name", "Tiny").String("general.license", "mit");
    builder.String("tokenizer.chat_template", "the template");
    builder.F32("general.sampling.temp", 0.5f).I32("general.sampling.top_k", 20);
    auto package = ModelPackage::Open(folder.Write("m.gguf", builder.Build()));
    ASSERT_TRUE(package) << package.error().message;
    EXPECT_EQ(package->name(), "Tiny");
    EXPECT_EQ(package->license(), "mit");
    EXPECT_EQ(package->ChatTemplateSource(), "the template");
    EXPECT_EQ(DumpJson(package->GenerationConfig()), R"({"temperature":0.5,"top_k":20})");
}

TEST(HfNames, MapNormsByFamily) {
    auto name = [](std::string_view hf, HfNorms norms) {
        return CanonicalTensorName(hf, norms).value_or("none");
    };
    std::string_view post = "model.layers.3.post_attention_layernorm.weight";
    EXPECT_EQ(name(post, HfNorms::kTwo), "blk.3.ffn_norm.weight");
    EXPECT_EQ(name(post, HfNorms::kFour), "blk.3.post_attention_norm.weight");
    EXPECT_EQ(name("model.layers.3.pre_feedforward_layernorm.weight", HfNorms::kFour),
              "blk.3.ffn_norm.weight");
    EXPECT_EQ(
        name("language_model.model.layers.3.post_feedforward_layernorm.weight", HfNorms::kFour),
        "blk.3.post_ffw_norm.weight");
    EXPECT_EQ(name("model.language_model.layers.0.self_attn.k_proj.bias", HfNorms::kTwo),
              "blk.0.attn_k.bias");
    EXPECT_EQ(name("lm_head.weight", HfNorms::kTwo), "output.weight");
    EXPECT_EQ(name("model.layers.0.mlp.experts.1.w1.weight", HfNorms::kTwo),
              "blk.0.mlp.experts.1.w1.weight");
    EXPECT_EQ(name("vision_tower.layers.0.weight", HfNorms::kTwo), "none");
    EXPECT_EQ(name("model.layers.x.weight", HfNorms::kTwo), "none");
    EXPECT_EQ(name("model.layers.1", HfNorms::kTwo), "none");
    EXPECT_EQ(name("model.layers.1.", HfNorms::kTwo), "none");
}

}  // namespace
}  // namespace lathe::modelfile
