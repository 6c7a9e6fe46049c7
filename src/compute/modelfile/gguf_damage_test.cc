// GGUF files that are cut, changed, mislabelled or lie about themselves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "compute/modelfile/gguf.h"
#include "support/gguf_builder.h"
#include "support/tiny_model.h"

namespace lathe::modelfile {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing_support::GgufBuilder;
using testing_support::TinyModel;

std::span<const std::byte> AsBytes(const std::string& text) {
    return std::as_bytes(std::span(text));
}

// The message of the error that reading `bytes` gives; it names the file and says
// what to do.
std::string ErrorOf(const std::string& bytes,
                    UnsupportedTypes unsupported = UnsupportedTypes::kRefuse) {
    auto file = Gguf::Parse(AsBytes(bytes), "dir/model.gguf", unsupported);
    if (file) return "no error";
    EXPECT_THAT(file.error().message, testing::StartsWith("dir/model.gguf: "));
    EXPECT_THAT(file.error().message,
                testing::AnyOf(HasSubstr("download"), HasSubstr("convert"), HasSubstr("use a"),
                               HasSubstr("use the"), HasSubstr("it looks like"),
                               HasSubstr("newer than this program"), HasSubstr("it begins with")));
    return file.error().message;
}

GgufBuilder TwoTensors() {
    GgufBuilder builder;
    builder.String("general.architecture", "llama").U32("llama.block_count", 2);
    builder.Strings("tokens", {"a", "bb", ""}).F32s("scores", {1, 2, 3}).Bool("flag", true);
    builder.Tensor("a.weight", {3, 32}, 8, std::string(3 * 34, '\1'));
    builder.Tensor("b.weight", {5}, 0, std::string(20, '\0'));
    return builder;
}

TEST(DamagedGguf, EveryTruncationIsAnError) {
    std::string whole = TwoTensors().Build();
    ASSERT_EQ(ErrorOf(whole), "no error");
    for (size_t size = 0; size < whole.size(); ++size)
        ASSERT_NE(ErrorOf(whole.substr(0, size)), "no error") << size << " of " << whole.size();
    EXPECT_THAT(ErrorOf(whole.substr(0, whole.size() - 1)),
                AllOf(HasSubstr("tensor 'b.weight' needs bytes"), HasSubstr("truncated")));
}

TEST(DamagedGguf, BitFlipsAreErrorsOrLeaveAFileThatCanBeReadWhole) {
    std::string whole = TinyModel("gemma3").Build();
    constexpr size_t kHeaderBytes = 4096;  // flips in weights change nothing here
    std::mt19937 random(20240229);
    size_t errors = 0;
    for (int round = 0; round < 3000; ++round) {
        std::string bytes = whole;
        int flips = 1 + static_cast<int>(random() % 3);
        for (int i = 0; i < flips; ++i)
            bytes[random() % kHeaderBytes] ^= static_cast<char>(1u << random() % 8);
        auto file = Gguf::Parse(AsBytes(bytes), "flipped.gguf", UnsupportedTypes::kKeep);
        if (!file) {
            EXPECT_THAT(file.error().message, testing::StartsWith("flipped.gguf: "));
            ++errors;
            continue;
        }
        for (const GgufEntry& entry : file->metadata())
            EXPECT_FALSE(entry.value.Describe(99).empty());
        for (const tensor::TensorView& view : file->tensors()) {
            std::vector<float> row(view.cols());
            tensor::Dequantize(view.type, view.data.data(), row);
        }
    }
    EXPECT_GT(errors, 1000u);
}

TEST(DamagedGguf, ForeignFilesAreRecognised) {
    std::string png = "\x89PNG\r\n\x1a\n";
    EXPECT_THAT(ErrorOf(png), HasSubstr("not a GGUF file: it looks like a PNG picture"));
    std::string safetensors = std::string("\x40\0\0\0\0\0\0\0{\"a\":", 13) + std::string(64, ' ');
    EXPECT_THAT(ErrorOf(safetensors), HasSubstr("it looks like a safetensors file"));
    EXPECT_THAT(ErrorOf("PK\3\4"), HasSubstr("PyTorch checkpoint"));
    EXPECT_THAT(ErrorOf("<!DOCTYPE html><html>"), HasSubstr("web page"));
    EXPECT_THAT(ErrorOf("version https://git-lfs.github.com/spec/v1\n"), HasSubstr("git lfs pull"));
    EXPECT_THAT(ErrorOf("tjgg\1\0\0\0"), HasSubstr("older than GGUF"));
    EXPECT_THAT(ErrorOf(""), HasSubstr("it is empty"));
    EXPECT_THAT(ErrorOf(std::string(5000, '\0')), HasSubstr("begins with zeros"));
    EXPECT_THAT(ErrorOf("GGU"), HasSubstr("it begins with the bytes 47 47 55"));
}

TEST(DamagedGguf, BigEndianFilesAndOtherVersionsAreNamed) {
    GgufBuilder builder = TwoTensors();
    builder.version = 0x03000000;
    EXPECT_THAT(ErrorOf(builder.Build()), HasSubstr("big-endian"));
    builder.magic = "FUGG";
    EXPECT_THAT(ErrorOf(builder.Build()), HasSubstr("big-endian"));
    builder.magic = "GGUF";
    builder.version = 1;
    EXPECT_THAT(ErrorOf(builder.Build()),
                HasSubstr("GGUF version 1 is not supported, only 2 and 3"));
    builder.version = 9;
    EXPECT_THAT(ErrorOf(builder.Build()), HasSubstr("GGUF version 9"));
}

TEST(DamagedGguf, ClaimedCountsAndLengthsAreComparedWithTheFile) {
    for (int64_t claimed : {int64_t{1} << 60, INT64_MAX, int64_t{2'000'000}, int64_t{500}}) {
        GgufBuilder builder = TwoTensors();
        builder.claimed_tensors = claimed;
        EXPECT_THAT(ErrorOf(builder.Build()), HasSubstr("tensors, more than its"));
        builder = TwoTensors();
        builder.claimed_metadata = claimed;
        EXPECT_THAT(ErrorOf(builder.Build()), HasSubstr("metadata entries, more than its"));
    }
    GgufBuilder builder;
    builder.Array("numbers", 5, uint64_t{1} << 62, std::string(64, '\0'));
    EXPECT_THAT(ErrorOf(builder.Build()),
                HasSubstr("the 4611686018427387904 values of metadata key 'numbers'"));
    builder = {};
    builder.Array("texts", 8, uint64_t{1} << 60, std::string(64, '\0'));
    EXPECT_THAT(ErrorOf(builder.Build()), HasSubstr("string 9 of 1152921504606846976"));
    builder = {};
    builder.Raw("text", 8, GgufBuilder::Bytes(~uint64_t{0}) + "abc");
    EXPECT_THAT(ErrorOf(builder.Build()), HasSubstr("of metadata key 'text'"));
}

TEST(DamagedGguf, NamesMustBePresentShortAndUnique) {
    GgufBuilder builder;
    builder.U32("k", 1).U32("k", 2);
    EXPECT_THAT(ErrorOf(builder.Build()), HasSubstr("metadata key 'k' appears twice"));
    builder = {};
    builder.U32("", 1);
    EXPECT_THAT(ErrorOf(builder.Build()), HasSubstr("a metadata key has 0 bytes"));
    builder = {};
    builder.U32(std::string(70000, 'k'), 1);
    EXPECT_THAT(ErrorOf(builder.Build()), HasSubstr("a metadata key has 70000 bytes"));
    builder = {};
    builder.Tensor("t", {1}, 0, "abcd").Tensor("t", {1}, 0, "abcd");
    EXPECT_THAT(ErrorOf(builder.Build()), HasSubstr("tensor 't' appears twice"));
    builder = {};
    builder.Tensor(std::string(2000, 't'), {1}, 0, "abcd");
    EXPECT_THAT(ErrorOf(builder.Build()), HasSubstr("a tensor's name has 2000 bytes"));
    builder = {};
    builder.Tensor("bad\x1b[31m\xff", {0}, 0, "");
    EXPECT_THAT(ErrorOf(builder.Build()), HasSubstr("'bad\\x1B[31m\\xFF'"));
}

TEST(DamagedGguf, MetadataTypesMustBeKnown) {
    GgufBuilder builder;
    builder.Raw("k", 77, "abcdefgh");
    EXPECT_THAT(ErrorOf(builder.Build()), HasSubstr("'k' holds values of type 77"));
    builder = {};
    builder.Array("k", 9, 1, std::string(12, '\0'));
    EXPECT_THAT(ErrorOf(builder.Build()), HasSubstr("array of array"));
    builder = {};
    builder.Raw("k", 7, "\2");
    EXPECT_THAT(ErrorOf(builder.Build()), HasSubstr("neither 0 nor 1"));
}

TEST(DamagedGguf, DimensionsMustBePossible) {
    auto error_of = [](const std::vector<uint64_t>& shape, uint32_t type) {
        GgufBuilder builder;
        builder.TensorAt("t", shape, type, 0);
        return ErrorOf(builder.Build());
    };
    EXPECT_THAT(error_of({}, 0), HasSubstr("'t' has 0 dimensions"));
    EXPECT_THAT(error_of({1, 1, 1, 1, 1}, 0), HasSubstr("'t' has 5 dimensions"));
    EXPECT_THAT(error_of({4, 0}, 0), HasSubstr("impossible dimension of 0"));
    EXPECT_THAT(error_of({uint64_t{1} << 32, uint64_t{1} << 32}, 0),
                HasSubstr("impossible dimension"));
    EXPECT_THAT(error_of({~uint64_t{0}}, 0), HasSubstr("impossible dimension"));
    EXPECT_THAT(error_of({uint64_t{1} << 61}, 28), HasSubstr("larger than 2^64 bytes"));
    EXPECT_THAT(error_of({2, 33}, 8),
                HasSubstr("rows of 33 elements, not a multiple of Q8_0's block"));
    EXPECT_THAT(error_of({uint64_t{1} << 40}, 0), HasSubstr("needs bytes 0 to 4398046511104"));
}

TEST(DamagedGguf, OffsetsMustBeAlignedInsideAndApart) {
    GgufBuilder builder;
    builder.Tensor("a", {16}, 0, std::string(64, 'a')).TensorAt("b", {8}, 0, 32);
    EXPECT_THAT(ErrorOf(builder.Build()), HasSubstr("tensors 'a' and 'b' overlap"));
    builder = {};
    builder.Tensor("a", {16}, 0, std::string(64, 'a')).TensorAt("b", {1}, 0, 4);
    EXPECT_THAT(ErrorOf(builder.Build()),
                HasSubstr("'b' begins at offset 4, not a multiple of 32"));
    builder = {};
    builder.Tensor("a", {16}, 0, std::string(64, 'a')).TensorAt("b", {1}, 0, uint64_t{1} << 40);
    EXPECT_THAT(ErrorOf(builder.Build()), HasSubstr("'b' needs bytes 1099511627776"));
    builder = {};
    builder.TensorAt("a", {64}, 0, ~uint64_t{31});
    EXPECT_THAT(ErrorOf(builder.Build()), HasSubstr("'a' ends past 2^64"));
}

TEST(DamagedGguf, AlignmentMustBeAPowerOfTwo) {
    for (uint32_t alignment : {0u, 3u, 48u, 1u << 30}) {
        GgufBuilder builder;
        builder.U32("general.alignment", alignment).Tensor("a", {1}, 0, "abcd");
        EXPECT_THAT(ErrorOf(builder.Build()), HasSubstr("general.alignment is")) << alignment;
    }
    GgufBuilder builder;
    builder.alignment = 64;
    builder.U32("general.alignment", 64).Tensor("a", {1}, 0, "abcd").Tensor("b", {1}, 0, "efgh");
    std::string bytes = builder.Build();
    auto file = Gguf::Parse(AsBytes(bytes), "aligned.gguf");
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->FindTensor("b")->data[0], std::byte{'e'});
}

TEST(DamagedGguf, TypesThatCannotBeComputedAreNamedAndCanBeKept) {
    GgufBuilder builder;
    builder.Tensor("a", {1, 256}, 17, std::string(74, 'a')).Tensor("b", {1}, 0, "abcd");
    std::string bytes = builder.Build();
    EXPECT_THAT(ErrorOf(bytes),
                AllOf(HasSubstr("tensor 'a' has type IQ2_XS, which is not supported"),
                      HasSubstr("F32, F16, Q4_0"), HasSubstr("BF16")));
    auto kept = Gguf::Parse(AsBytes(bytes), "kept.gguf", UnsupportedTypes::kKeep);
    ASSERT_TRUE(kept) << kept.error().message;
    EXPECT_EQ(kept->tensors().size(), 1u);
    ASSERT_EQ(kept->unsupported_tensors().size(), 1u);
    EXPECT_EQ(kept->unsupported_tensors()[0].bytes, 74u);
    builder = {};
    builder.Tensor("a", {1}, 999, "");
    EXPECT_THAT(ErrorOf(builder.Build()), HasSubstr("has type #999"));
    EXPECT_EQ(ErrorOf(builder.Build(), UnsupportedTypes::kKeep), "no error");
}

}  // namespace
}  // namespace lathe::modelfile
