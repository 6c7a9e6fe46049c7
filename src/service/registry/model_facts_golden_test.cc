#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/registry/model_facts.h"
#include "support/paths.h"

namespace lathe::registry {
namespace {

using testing::HasSubstr;

Json FactsOf(std::string_view model) {
    auto package = modelfile::ModelPackage::Open(testing_support::ModelFile(model));
    if (!package) {
        ADD_FAILURE() << package.error().message;
        return Json::object();
    }
    return InspectFacts(*package);
}

TEST(RealFacts, OfSmolLm2) {
    Json facts = FactsOf("smollm2-135m");
    EXPECT_FALSE(facts.contains("problem")) << facts["problem"];
    EXPECT_EQ(facts["license"], "apache-2.0");
    EXPECT_EQ(facts["parameters"], 134515008);
    EXPECT_EQ(facts["file_bytes"], 98362432);
    EXPECT_EQ(facts["types"][0]["type"], "Q4_1");
    EXPECT_EQ(facts["types"][0]["tensors"], 210);
    EXPECT_EQ(facts["context_length"], 8192);
    EXPECT_EQ(facts["memory"]["kv_bytes_per_token_f16"], 23040);
    EXPECT_EQ(facts["tokenizer"]["vocab_size"], 49152);
    EXPECT_EQ(facts["tokenizer"]["eos"]["text"], "<|im_end|>");
    EXPECT_TRUE(facts["chat_template"].get<bool>());
    std::string table = FormatFacts(facts);
    EXPECT_THAT(table, HasSubstr("30 layers, width 576, MLP 1536, 9 heads of 64, 3 for keys"));
    EXPECT_THAT(table, HasSubstr("22.5 KiB of keys and values per token in f16"));
}

TEST(RealFacts, OfGemmaAndQwen) {
    Json gemma = FactsOf("gemma3-270m");
    EXPECT_FALSE(gemma.contains("problem")) << gemma["problem"];
    EXPECT_EQ(gemma["sliding_window"], 512);
    EXPECT_EQ(gemma["sliding_layers"], 15);
    EXPECT_TRUE(gemma["tied_head"].get<bool>());
    Json qwen = FactsOf("qwen2.5-coder-0.5b");
    EXPECT_FALSE(qwen.contains("problem")) << qwen["problem"];
    EXPECT_FALSE(qwen["tied_head"].get<bool>());
    EXPECT_EQ(qwen["types"].size(), 5u);
}

}  // namespace
}  // namespace lathe::registry
