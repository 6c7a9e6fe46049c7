// The three published models that the project is tested with.
#include <gtest/gtest.h>

#include "compute/modelfile/gguf.h"
#include "support/paths.h"

namespace lathe::modelfile {
namespace {

TEST(RealFiles, SmolLm2IsReadAsPublished) {
    auto file = Gguf::Open(testing_support::ModelFile("smollm2-135m"));
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->tensors().size(), 272u);
    EXPECT_EQ(*file->GetString("general.architecture"), "llama");
    EXPECT_EQ(*file->GetUnsigned("llama.block_count"), 30u);
    auto tokens = file->GetStrings("tokenizer.ggml.tokens");
    ASSERT_TRUE(tokens);
    ASSERT_EQ(tokens->size(), 49152u);
    EXPECT_EQ((*tokens)[0], "<|endoftext|>");
    const tensor::TensorView* embedding = file->FindTensor("token_embd.weight");
    ASSERT_NE(embedding, nullptr);
    EXPECT_EQ(embedding->type, tensor::DType::kQ8_0);
    EXPECT_EQ(embedding->shape, (std::vector<uint64_t>{49152, 576}));
    EXPECT_EQ(embedding->data.size(), tensor::RowBytes(tensor::DType::kQ8_0, 49152u * 576));
}

TEST(RealFiles, GemmaAndQwenOpen) {
    auto gemma = Gguf::Open(testing_support::ModelFile("gemma3-270m"));
    ASSERT_TRUE(gemma) << gemma.error().message;
    EXPECT_EQ(*gemma->GetString("general.architecture"), "gemma3");
    auto scores = gemma->GetFloats("tokenizer.ggml.scores");
    ASSERT_TRUE(scores) << scores.error().message;
    EXPECT_EQ(scores->size(), gemma->GetStrings("tokenizer.ggml.tokens")->size());
    auto qwen = Gguf::Open(testing_support::ModelFile("qwen2.5-coder-0.5b"));
    ASSERT_TRUE(qwen) << qwen.error().message;
    EXPECT_EQ(*qwen->GetString("general.architecture"), "qwen2");
}

}  // namespace
}  // namespace lathe::modelfile
