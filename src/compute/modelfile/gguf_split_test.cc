#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compute/modelfile/gguf.h"
#include "support/gguf_builder.h"
#include "support/scratch.h"

namespace lathe::modelfile {
namespace {

using testing::HasSubstr;
using testing_support::GgufBuilder;
using testing_support::ScratchDirectory;

GgufBuilder Part(uint16_t no, uint16_t count, std::string_view tensor) {
    GgufBuilder builder;
    if (no == 0) builder.String("general.architecture", "llama").I32("split.tensors.count", count);
    builder.U16("split.no", no).U16("split.count", count);
    builder.Tensor(tensor, {1}, 0, "abc" + std::to_string(no));
    return builder;
}

std::string PartName(int no, int count) {
    return fmt::format("m-{:05}-of-{:05}.gguf", no, count);
}

class SplitGguf : public testing::Test {
protected:
    SplitGguf() {
        for (uint16_t no = 0; no < 3; ++no)
            scratch_.Write(PartName(no + 1, 3), Part(no, 3, "t" + std::to_string(no)).Build());
    }
    std::string OpenError(const std::string& name) {
        auto file = Gguf::Open(scratch_.path() / name);
        return file ? "no error" : file.error().message;
    }
    ScratchDirectory scratch_;
};

TEST_F(SplitGguf, AnyPartOpensAll) {
    for (int no = 1; no <= 3; ++no) {
        auto file = Gguf::Open(scratch_.path() / PartName(no, 3));
        ASSERT_TRUE(file) << file.error().message;
        EXPECT_EQ(file->part_count(), 3u);
        EXPECT_EQ(*file->GetString("general.architecture"), "llama");
        ASSERT_EQ(file->tensors().size(), 3u);
        for (int i = 0; i < 3; ++i) {
            const tensor::TensorView* view = file->FindTensor("t" + std::to_string(i));
            ASSERT_NE(view, nullptr);
            EXPECT_EQ(view->data[3], static_cast<std::byte>('0' + i));
            file->DropPages(*view);
        }
        uint64_t bytes = 0;
        for (int i = 1; i <= 3; ++i)
            bytes += std::filesystem::file_size(scratch_.path() / PartName(i, 3));
        EXPECT_EQ(file->file_bytes(), bytes);
    }
}

TEST_F(SplitGguf, AMissingPartIsNamed) {
    std::filesystem::remove(scratch_.path() / PartName(2, 3));
    EXPECT_THAT(OpenError(PartName(1, 3)), HasSubstr("part 2 of 3"));
    EXPECT_THAT(OpenError(PartName(1, 3)), HasSubstr(PartName(2, 3)));
}

TEST_F(SplitGguf, PartsMustKeepTheirNamesAndPlaces) {
    std::filesystem::copy(scratch_.path() / PartName(1, 3), scratch_.path() / "other.gguf");
    EXPECT_THAT(OpenError("other.gguf"), HasSubstr("one of 3 parts"));
    scratch_.Write(PartName(2, 3), Part(2, 3, "t9").Build());
    EXPECT_THAT(OpenError(PartName(1, 3)), HasSubstr("do not say that it is part 2 of 3"));
    scratch_.Write(PartName(2, 3), Part(1, 3, "t0").Build());
    EXPECT_THAT(OpenError(PartName(1, 3)), HasSubstr("'t0' is in two parts"));
    GgufBuilder more = Part(1, 3, "t1");
    more.Tensor("extra", {1}, 0, "abcd");
    scratch_.Write(PartName(2, 3), more.Build());
    EXPECT_THAT(OpenError(PartName(1, 3)), HasSubstr("hold 4 tensors together"));
}

TEST_F(SplitGguf, ADamagedPartIsNamed) {
    scratch_.Write(PartName(3, 3), "GGUF");
    EXPECT_THAT(OpenError(PartName(1, 3)), HasSubstr(PartName(3, 3) + ": the file ends inside"));
}

TEST_F(SplitGguf, AFileThatOnlyLooksLikeAPartOpensAlone) {
    GgufBuilder whole;
    whole.Tensor("a", {1}, 0, "abcd");
    auto file = Gguf::Open(scratch_.Write("x-00002-of-00005.gguf", whole.Build()));
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->part_count(), 1u);
}

TEST_F(SplitGguf, AbsurdCountsAreRefused) {
    GgufBuilder builder;
    builder.U64("split.count", uint64_t{1} << 60);
    scratch_.Write("m-00001-of-99999.gguf", builder.Build());
    EXPECT_THAT(OpenError("m-00001-of-99999.gguf"),
                HasSubstr("split.count is 1152921504606846976"));
}

}  // namespace
}  // namespace lathe::modelfile
