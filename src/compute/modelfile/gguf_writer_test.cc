#include "compute/modelfile/gguf_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compute/modelfile/gguf.h"
#include "support/scratch.h"

namespace lathe::modelfile {
namespace {

using testing::ElementsAre;
using testing_support::ScratchDirectory;

std::vector<std::byte> Filled(size_t count, int value) {
    return std::vector<std::byte>(count, static_cast<std::byte>(value));
}

GgufMetadata EveryKind() {
    GgufMetadata metadata;
    metadata.SetString("general.architecture", "llama");
    metadata.SetU32("a.number", 7);
    metadata.SetF32("a.real", 0.5f);
    metadata.SetBool("a.flag", true);
    metadata.SetStrings("a.texts", std::vector<std::string>{"one", "", "three"});
    metadata.SetI32s("a.integers", std::vector<int32_t>{-1, 2});
    metadata.SetF32s("a.reals", std::vector<float>{1.5f, -2});
    metadata.SetBools("a.flags", {true, false});
    metadata.SetU32("general.alignment", 4096);
    return metadata;
}

TEST(GgufWriter, WritesWhatTheReaderReads) {
    ScratchDirectory scratch;
    std::vector<GgufTensor> tensors = {
        {"norm", 0, {3}}, {"matrix", 8, {4, 64}}, {"brain", 30, {2, 5}}};
    auto path = scratch.path() / "out.gguf";
    auto writer = GgufWriter::Create(path, EveryKind(), tensors);
    ASSERT_TRUE(writer) << writer.error().message;
    ASSERT_TRUE(writer->Write(1, 136, Filled(136, 2)));  // in any order, in parts
    ASSERT_TRUE(writer->Write(2, 0, Filled(20, 3)));
    ASSERT_TRUE(writer->Write(1, 0, Filled(136, 1)));
    ASSERT_TRUE(writer->Write(0, 0, Filled(12, 0)));
    ASSERT_TRUE(writer->Finish());
    auto file = Gguf::Open(path);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->file_bytes(), writer->file_bytes());
    EXPECT_EQ(file->GetUnsigned("a.number"), 7u);
    EXPECT_EQ(file->GetReal("a.real"), 0.5);
    EXPECT_EQ(file->GetBool("a.flag"), true);
    EXPECT_THAT(file->GetStrings("a.texts").value(), ElementsAre("one", "", "three"));
    EXPECT_THAT(file->GetIntegers("a.integers").value(), ElementsAre(-1, 2));
    EXPECT_THAT(file->GetFloats("a.reals").value(), ElementsAre(1.5f, -2.f));
    EXPECT_THAT(file->GetIntegers("a.flags").value(), ElementsAre(1, 0));
    ASSERT_EQ(file->tensors().size(), 3u);
    const tensor::TensorView* matrix = file->FindTensor("matrix");
    ASSERT_NE(matrix, nullptr);
    EXPECT_EQ(matrix->shape, (std::vector<uint64_t>{4, 64}));
    EXPECT_EQ(matrix->type, tensor::DType::kQ8_0);
    EXPECT_EQ(matrix->data[135], std::byte{1});
    EXPECT_EQ(matrix->data[136], std::byte{2});
    EXPECT_EQ(file->FindTensor("brain")->data[19], std::byte{3});
}

TEST(GgufWriter, KeepsMetadataOfAnotherFileToTheByte) {
    ScratchDirectory scratch;
    auto first = GgufWriter::Create(scratch.path() / "a.gguf", EveryKind(), {});
    ASSERT_TRUE(first && first->Finish());
    auto read = Gguf::Open(scratch.path() / "a.gguf");
    ASSERT_TRUE(read);
    GgufMetadata copied;
    for (const GgufEntry& entry : read->metadata()) copied.Set(entry.key, entry.value);
    copied.Remove("a.number");
    copied.SetU32("a.number", 7);
    GgufMetadata expected = EveryKind();
    expected.Remove("general.alignment");
    expected.Remove("a.number");
    expected.SetU32("a.number", 7);
    std::string copied_bytes, expected_bytes;
    copied.AppendTo(copied_bytes);
    expected.AppendTo(expected_bytes);
    EXPECT_EQ(copied_bytes, expected_bytes);
    EXPECT_TRUE(copied.Has("a.flag"));
    EXPECT_FALSE(copied.Has("general.alignment"));
}

TEST(GgufWriter, LeavesNothingUntilItIsFinished) {
    ScratchDirectory scratch;
    {
        auto writer = GgufWriter::Create(scratch.path() / "out.gguf", EveryKind(),
                                         std::vector<GgufTensor>{{"norm", 0, {3}}});
        ASSERT_TRUE(writer);
        EXPECT_FALSE(std::filesystem::exists(scratch.path() / "out.gguf"));
    }
    EXPECT_TRUE(std::filesystem::is_empty(scratch.path()));
}

TEST(GgufWriter, KnowsTheSizeBeforehand) {
    ScratchDirectory scratch;
    std::vector<GgufTensor> tensors = {{"norm", 0, {3}}, {"matrix", 12, {4, 256}}};
    GgufMetadata metadata;
    metadata.SetString("general.architecture", "llama");
    auto writer = GgufWriter::Create(scratch.path() / "out.gguf", metadata, tensors);
    ASSERT_TRUE(writer);
    EXPECT_EQ(GgufWriter::FileBytes(metadata, tensors), writer->file_bytes());
}

}  // namespace
}  // namespace lathe::modelfile
