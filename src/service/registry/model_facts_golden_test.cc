#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/registry/model_facts.h"
#include "support/hf_export.h"
#include "support/paths.h"
#include "support/scratch.h"

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

TEST(RealFacts, OfAFolderAreThoseOfItsGgufFile) {
    auto gguf = modelfile::Gguf::Open(testing_support::ModelFile("smollm2-135m"));
    ASSERT_TRUE(gguf) << gguf.error().message;
    testing_support::ScratchDirectory folder;
    testing_support::ExportHfFolder(*gguf, tensor::DType::kBF16, folder.path());
    auto package = modelfile::ModelPackage::Open(folder.path());
    ASSERT_TRUE(package) << package.error().message;
    Json hf = InspectFacts(*package);
    Json file = FactsOf("smollm2-135m");
    EXPECT_FALSE(hf.contains("problem")) << hf["problem"];
    EXPECT_EQ(hf["format"], "huggingface");
    for (const char* same :
         {"architecture", "parameters", "tensor_count", "chat_template", "context_length", "layers",
          "heads", "kv_heads", "vocab_size", "tied_head", "rope"})
        EXPECT_EQ(hf[same], file[same]) << same;
    EXPECT_EQ(hf["tokenizer"]["vocab_size"], 49152);
    EXPECT_EQ(hf["tokenizer"]["eos"], file["tokenizer"]["eos"]);
    EXPECT_EQ(hf["types"][0]["type"], "BF16");
    EXPECT_EQ(hf["memory"]["weight_bytes"], 2 * 134515008);

    // The two ways to the tokenizer must cut text alike.
    auto from_file =
        LoadTokenizer(*modelfile::ModelPackage::Open(testing_support::ModelFile("smollm2-135m")));
    auto from_folder = LoadTokenizer(*package);
    ASSERT_TRUE(from_file && from_folder);
    for (std::string_view text : {"Hello, world! 2024 is the year.", "<|im_start|>user\nÄ 你好\t\n",
                                  "def f(x):\n    return x ** 2  # 12345"})
        EXPECT_EQ(from_folder->Encode(text), from_file->Encode(text)) << text;
}

}  // namespace
}  // namespace lathe::registry
