#include "compute/modelfile/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/safetensors_builder.h"
#include "support/scratch.h"

namespace lathe::modelfile {
namespace {

using testing::HasSubstr;
using testing_support::SafetensorsBuilder;
using testing_support::ScratchDirectory;

std::span<const std::byte> AsBytes(const std::string& text) {
    return std::as_bytes(std::span(text));
}

std::string ErrorOf(const std::string& bytes) {
    auto file = Safetensors::Parse(AsBytes(bytes), "dir/model.safetensors");
    if (file) return "no error";
    EXPECT_THAT(file.error().message, testing::StartsWith("dir/model.safetensors: "));
    return file.error().message;
}

std::string ErrorOfHeader(const std::string& header, size_t data_bytes = 4) {
    return ErrorOf(SafetensorsBuilder::File(header, std::string(data_bytes, '\0')));
}

TEST(Safetensors, ReadsTensorsAndMetadata) {
    std::string bytes =
        SafetensorsBuilder::File(R"({"__metadata__":{"format":"pt"},)"
                                 R"("b":{"dtype":"BF16","shape":[3],"data_offsets":[24,30]},)"
                                 R"("a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
                                 R"("i":{"dtype":"I64","shape":[],"data_offsets":[30,38]}})",
                                 std::string(24, '\1') + std::string(14, '\2'));
    auto file = Safetensors::Parse(AsBytes(bytes), "model.safetensors");
    ASSERT_TRUE(file) << file.error().message;
    ASSERT_EQ(file->entries().size(), 3u);
    EXPECT_EQ(file->entries()[0].name, "b");
    const SafetensorsEntry* a = file->Find("a");
    ASSERT_NE(a, nullptr);
    EXPECT_EQ(a->type, tensor::DType::kF32);
    EXPECT_EQ(a->shape, (std::vector<uint64_t>{2, 3}));
    EXPECT_EQ(a->data.size(), 24u);
    EXPECT_EQ(a->data[0], std::byte{1});
    EXPECT_EQ(file->Find("b")->type, tensor::DType::kBF16);
    EXPECT_EQ(file->Find("i")->type, std::nullopt);
    EXPECT_EQ(file->Find("i")->type_name, "I64");
    EXPECT_EQ(file->Find("c"), nullptr);
    EXPECT_EQ(file->metadata().at("format"), "pt");
    EXPECT_EQ(file->file_bytes(), bytes.size());
}

TEST(Safetensors, OpensAFileAndKeepsItsViewsWhenMoved) {
    ScratchDirectory scratch;
    SafetensorsBuilder builder;
    builder.Tensor("a", "F16", {2}, "abcd").Tensor("b", "F32", {1}, "efgh");
    auto file = Safetensors::Open(scratch.Write("m.safetensors", builder.Build()));
    ASSERT_TRUE(file) << file.error().message;
    Safetensors moved = std::move(*file);
    EXPECT_EQ(moved.Find("b")->data[0], std::byte{'e'});
    EXPECT_TRUE(moved.DropPages(moved.Find("b")->data));
    EXPECT_EQ(moved.Find("b")->data[0], std::byte{'e'});
    std::string elsewhere = "x";
    EXPECT_FALSE(moved.DropPages(AsBytes(elsewhere)));
}

TEST(Safetensors, RefusesOverlapsAndGaps) {
    SafetensorsBuilder overlap;
    overlap.Tensor("a", "F32", {2}, std::string(8, '\0')).Entry("b", "F32", {1}, 4, 8);
    EXPECT_THAT(ErrorOf(overlap.Build()), HasSubstr("'b' begins at byte 4 instead of 8"));
    std::string gap = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})";
    EXPECT_THAT(ErrorOfHeader(gap, 8), HasSubstr("overlap or leave a gap"));
    std::string tail = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
    EXPECT_THAT(ErrorOfHeader(tail, 8), HasSubstr("4 bytes of tensors, but 8 in the file"));
    SafetensorsBuilder same;
    same.Tensor("a", "F32", {1}, std::string(4, '\0')).Entry("b", "F32", {1}, 0, 4);
    EXPECT_THAT(ErrorOf(same.Build()), HasSubstr("overlap"));
}

TEST(Safetensors, RefusesOffsetsThatDoNotFitShapeOrFile) {
    auto entry = [](const std::string& rest) { return R"({"a":{"dtype":"F32",)" + rest + "}}"; };
    EXPECT_THAT(ErrorOfHeader(entry(R"("shape":[2],"data_offsets":[0,4])")),
                HasSubstr("does not have the size of its shape"));
    EXPECT_THAT(ErrorOfHeader(entry(R"("shape":[1],"data_offsets":[4,0])")), HasSubstr("claims"));
    EXPECT_THAT(ErrorOfHeader(entry(R"("shape":[2],"data_offsets":[0,8])")),
                HasSubstr("claims bytes 0 to 8 of 4"));
    EXPECT_THAT(ErrorOfHeader(entry(R"("shape":[4611686018427387904,4],"data_offsets":[0,0])"), 0),
                HasSubstr("does not have the size of its shape"));
    EXPECT_THAT(ErrorOfHeader(R"({"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}})"),
                HasSubstr("(F99)"));
}

TEST(Safetensors, RefusesHeadersOfAnotherForm) {
    EXPECT_THAT(ErrorOfHeader(R"({"a":1})"), HasSubstr("'a' in its header has a number"));
    EXPECT_THAT(ErrorOfHeader(R"({"a":{"dtype":"F32","shape":[1]}})"),
                HasSubstr("lacks dtype, shape or data_offsets"));
    EXPECT_THAT(ErrorOfHeader(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})"),
                HasSubstr("has 1 data_offsets"));
    EXPECT_THAT(ErrorOfHeader(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}})"),
                HasSubstr("more than two"));
    EXPECT_THAT(ErrorOfHeader(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})"),
                HasSubstr("a negative number"));
    EXPECT_THAT(ErrorOfHeader(R"({"a":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}})"),
                HasSubstr("a fraction"));
    EXPECT_THAT(ErrorOfHeader(
                    R"({"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}})"),
                HasSubstr("too large"));
    EXPECT_THAT(ErrorOfHeader(R"({"a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}})"),
                HasSubstr("an array"));
    EXPECT_THAT(
        ErrorOfHeader(R"({"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})"),
        HasSubstr("two fields 'dtype'"));
    EXPECT_THAT(ErrorOfHeader(R"({"a":{"dtype":"F32","x":1,"shape":[1],"data_offsets":[0,4]}})"),
                HasSubstr("does not know"));
    EXPECT_THAT(ErrorOfHeader(R"({"__metadata__":{"k":1}})", 0), HasSubstr("a number"));
    EXPECT_THAT(ErrorOfHeader(R"({"__metadata__":{"k":"1","k":"2"}})", 0), HasSubstr("twice"));
    EXPECT_THAT(ErrorOfHeader(R"({"a":{)"), HasSubstr("not valid JSON"));
    SafetensorsBuilder twice;
    twice.Tensor("a", "F32", {1}, "abcd").Tensor("a", "F32", {1}, "abcd");
    EXPECT_THAT(ErrorOf(twice.Build()), HasSubstr("'a' in its header appears twice"));
}

TEST(Safetensors, RefusesLengthsThatCannotBeTrue) {
    std::string huge = "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F{}";
    EXPECT_THAT(ErrorOf(huge), HasSubstr("more than the limit of 100000000"));
    std::string longer = std::string("\x40\0\0\0\0\0\0\0{}", 10);
    EXPECT_THAT(ErrorOf(longer), HasSubstr("claims 64 bytes, but the file has only 10"));
}

TEST(Safetensors, RefusesOtherKindsOfFiles) {
    EXPECT_THAT(ErrorOf(""), HasSubstr("it is empty"));
    EXPECT_THAT(ErrorOf("GGUF\3\0\0\0abcd"), HasSubstr("it is a GGUF file"));
    EXPECT_THAT(ErrorOf("PK\3\4abcdefgh"), HasSubstr("PyTorch"));
    EXPECT_THAT(ErrorOf("version https://git-lfs.github.com/spec/v1\noid"),
                HasSubstr("git lfs pull"));
}

TEST(Safetensors, EveryTruncationIsAnError) {
    SafetensorsBuilder builder;
    builder.Tensor("a", "F32", {2}, std::string(8, '\1')).Tensor("b", "F16", {4}, "abcdefgh");
    std::string whole = builder.Build();
    ASSERT_EQ(ErrorOf(whole), "no error");
    for (size_t size = 0; size < whole.size(); ++size)
        EXPECT_NE(ErrorOf(whole.substr(0, size)), "no error") << size;
    EXPECT_NE(ErrorOf(whole + "x"), "no error");
}

}  // namespace
}  // namespace lathe::modelfile
