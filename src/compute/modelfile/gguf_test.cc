#include "compute/modelfile/gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/gguf_builder.h"

namespace lathe::modelfile {
namespace {

using testing::HasSubstr;
using testing_support::GgufBuilder;

std::span<const std::byte> AsBytes(const std::string& text) {
    return std::as_bytes(std::span(text));
}

GgufBuilder SmallModel() {
    GgufBuilder builder;
    builder.String("general.architecture", "llama").U32("llama.block_count", 2);
    builder.F32("llama.rope.freq_base", 10000.f).Bool("flag", true).I32("negative", -5);
    builder.Strings("tokenizer.ggml.tokens", {"a", "", "ccc"});
    builder.F32s("scores", {0.5f, -1.f}).I32s("types", {1, -2, 3});
    builder.Tensor("a.weight", {3, 32}, 8, std::string(3 * 34, '\1'));
    builder.Tensor("b.weight", {5}, 0, std::string(20, '\0'));
    return builder;
}

TEST(Gguf, ReadsMetadataAndTensors) {
    for (uint32_t version : {2u, 3u}) {
        GgufBuilder builder = SmallModel();
        builder.version = version;
        std::string bytes = builder.Build();
        auto file = Gguf::Parse(AsBytes(bytes), "model.gguf");
        ASSERT_TRUE(file) << file.error().message;
        EXPECT_EQ(file->version(), version);
        EXPECT_EQ(file->file_bytes(), bytes.size());
        EXPECT_EQ(*file->GetString("general.architecture"), "llama");
        EXPECT_EQ(*file->GetUnsigned("llama.block_count"), 2u);
        EXPECT_EQ(*file->GetReal("llama.rope.freq_base"), 10000.);
        EXPECT_TRUE(*file->GetBool("flag"));
        EXPECT_EQ(file->Find("negative")->ToSigned(), -5);
        EXPECT_EQ(*file->GetStrings("tokenizer.ggml.tokens"),
                  (std::vector<std::string_view>{"a", "", "ccc"}));
        EXPECT_EQ(*file->GetFloats("scores"), (std::vector<float>{0.5f, -1.f}));
        EXPECT_EQ(*file->GetIntegers("types"), (std::vector<int64_t>{1, -2, 3}));
        ASSERT_EQ(file->tensors().size(), 2u);
        const tensor::TensorView* a = file->FindTensor("a.weight");
        ASSERT_NE(a, nullptr);
        EXPECT_EQ(a->type, tensor::DType::kQ8_0);
        EXPECT_EQ(a->shape, (std::vector<uint64_t>{3, 32}));
        EXPECT_EQ(a->rows(), 3u);
        EXPECT_EQ(a->data.size(), 3u * 34);
        EXPECT_EQ(a->data[0], std::byte{1});
        EXPECT_EQ(file->FindTensor("c"), nullptr);
    }
}

TEST(Gguf, ViewsSurviveAMove) {
    std::string bytes = SmallModel().Build();
    auto file = Gguf::Parse(AsBytes(bytes), "model.gguf");
    ASSERT_TRUE(file);
    Gguf moved = std::move(*file);
    ASSERT_NE(moved.FindTensor("b.weight"), nullptr);
    EXPECT_EQ(moved.FindTensor("b.weight")->name, "b.weight");
    EXPECT_EQ(*moved.GetUnsigned("llama.block_count"), 2u);
}

TEST(Gguf, ErrorsOfGettersNameKeyAndType) {
    std::string bytes = SmallModel().Build();
    auto file = Gguf::Parse(AsBytes(bytes), "model.gguf");
    ASSERT_TRUE(file);
    auto missing = file->GetString("general.name");
    EXPECT_EQ(missing.error().code, Code::kNotFound);
    EXPECT_THAT(missing.error().message, HasSubstr("'general.name' is missing"));
    auto wrong = file->GetUnsigned("general.architecture");
    EXPECT_EQ(wrong.error().code, Code::kInvalidArgument);
    EXPECT_THAT(wrong.error().message,
                HasSubstr("'general.architecture' is \"llama\", not a non-negative integer"));
    EXPECT_THAT(file->GetUnsigned("negative").error().message, HasSubstr("is -5, not"));
    EXPECT_FALSE(file->GetStrings("scores"));
    EXPECT_FALSE(file->GetReal("flag"));
    EXPECT_FALSE(file->GetIntegers("scores"));
}

}  // namespace
}  // namespace lathe::modelfile
