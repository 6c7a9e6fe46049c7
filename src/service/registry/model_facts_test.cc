#include "service/registry/model_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/scratch.h"
#include "support/tiny_model.h"

namespace lathe::registry {
namespace {

using testing::HasSubstr;
using testing_support::ScratchDirectory;
using testing_support::TinyModel;

Json FactsOf(const TinyModel& model) {
    ScratchDirectory scratch;
    auto package = modelfile::ModelPackage::Open(scratch.Write("tiny.gguf", model.Build()),
                                                 modelfile::UnsupportedTypes::kKeep);
    if (!package) {
        ADD_FAILURE() << package.error().message;
        return Json::object();
    }
    return InspectFacts(*package);
}

TEST(ModelFacts, CountParametersBytesAndMemory) {
    Json facts = FactsOf(TinyModel("qwen3"));
    EXPECT_EQ(facts["format"], "gguf");
    EXPECT_EQ(facts["architecture"], "qwen3");
    EXPECT_EQ(facts["name"], "tiny");
    EXPECT_TRUE(facts["license"].is_null());
    uint64_t layer = 32 + 32 * 32 + 2 * 16 * 32 + 32 * 32 + 2 * 8 + 32 + 3 * 64 * 32;
    uint64_t parameters = 2 * 48 * 32 + 32 + 2 * layer;
    EXPECT_EQ(facts["parameters"], parameters);
    EXPECT_EQ(facts["tensor_count"], 25);
    ASSERT_EQ(facts["types"].size(), 1u);
    EXPECT_EQ(facts["types"][0]["type"], "F32");
    EXPECT_EQ(facts["types"][0]["bytes"], 4 * parameters);
    EXPECT_EQ(facts["types"][0]["share"], 1.0);
    EXPECT_EQ(facts["memory"]["weight_bytes"], 4 * parameters);
    EXPECT_EQ(facts["memory"]["kv_bytes_per_token_f16"], 2 * 2 * 2 * 8 * 2);
    EXPECT_EQ(facts["memory"]["kv_bytes_per_token_f32"], 2 * 2 * 2 * 8 * 4);
    EXPECT_EQ(facts["kv_heads"], 2);
    EXPECT_FALSE(facts["tied_head"].get<bool>());
    EXPECT_TRUE(facts["sliding_window"].is_null());
    EXPECT_FALSE(facts["chat_template"].get<bool>());
}

TEST(ModelFacts, AModelWithoutATokenizerIsShownWithTheProblem) {
    Json facts = FactsOf(TinyModel("gemma3"));
    EXPECT_TRUE(facts["tokenizer"].is_null());
    EXPECT_THAT(facts["problem"].get<std::string>(), HasSubstr("tokenizer.ggml"));
    EXPECT_EQ(facts["sliding_window"], 16);
    EXPECT_EQ(facts["sliding_layers"], 2);
    EXPECT_THAT(FormatFacts(facts), HasSubstr("window        16 tokens in 2 of 2 layers"));
}

TEST(ModelFacts, ATypeThatCannotBeComputedIsShownWithTheProblem) {
    TinyModel model("llama");
    model.Add("blk.0.ffn_gate.weight", {64, 32});
    model.tensors["blk.0.ffn_gate.weight"].type = 39;  // MXFP4
    Json facts = FactsOf(model);
    EXPECT_THAT(facts["problem"].get<std::string>(),
                HasSubstr("'blk.0.ffn_gate.weight' has type MXFP4, which is not supported"));
    EXPECT_EQ(facts["layers"], 2);
    EXPECT_EQ(facts["types"][1]["type"], "MXFP4");
    EXPECT_EQ(facts["types"][1]["bytes"], 64 * 17);
    EXPECT_THAT(FormatFacts(facts), HasSubstr("MXFP4"));
}

TEST(ModelFacts, AnUnknownArchitectureIsShownWithTheProblem) {
    Json facts = FactsOf(TinyModel("mamba"));
    EXPECT_EQ(facts["architecture"], "mamba");
    EXPECT_FALSE(facts.contains("layers"));
    std::string table = FormatFacts(facts);
    EXPECT_THAT(table, HasSubstr("architecture  mamba\n"));
    EXPECT_THAT(table, HasSubstr("problem"));
    EXPECT_THAT(table, HasSubstr("supported are llama"));
}

TEST(ModelFacts, SizesReadWell) {
    EXPECT_EQ(FormatBytes(0), "0 B");
    EXPECT_EQ(FormatBytes(1023), "1023 B");
    EXPECT_EQ(FormatBytes(1024), "1.0 KiB");
    EXPECT_EQ(FormatBytes(98362432), "93.8 MiB");
    EXPECT_EQ(FormatBytes(~uint64_t{0}), "16.0 EiB");
    EXPECT_EQ(FormatCount(999999), "999999");
    EXPECT_EQ(FormatCount(134515008), "134.5 M");
    EXPECT_EQ(FormatCount(8030261248), "8.03 B");
}

}  // namespace
}  // namespace lathe::registry
