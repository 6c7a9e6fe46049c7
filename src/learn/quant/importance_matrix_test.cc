#include "learn/quant/importance_matrix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "core/platform/files.h"
#include "support/scratch.h"
#include "support/tiny_model.h"

namespace lathe::quant {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::GgufBuilder;
using testing_support::ScratchDirectory;
using testing_support::TinyModel;

ImportanceMatrix Small() {
    ImportanceMatrix matrix;
    matrix.entries["blk.0.attn_q.weight"] = {{1, 2, 3.5f}, 40};
    matrix.entries["blk.0.ffn_down.weight"] = {{0, 0.25f}, 40};
    matrix.texts = {"wiki.txt"};
    matrix.chunks = 4;
    matrix.chunk_tokens = 10;
    return matrix;
}

std::string Text(std::string_view text) {
    return GgufBuilder::Bytes(static_cast<int32_t>(text.size())) + std::string(text);
}

std::string Values(int32_t calls, const std::vector<float>& values) {
    return GgufBuilder::Bytes(calls) + GgufBuilder::Bytes(static_cast<int32_t>(values.size())) +
           GgufBuilder::BytesOf(values);
}

std::string ErrorOf(const std::string& bytes) {
    auto matrix = ImportanceMatrix::ParseDat(std::as_bytes(std::span(bytes)), "m.dat");
    if (matrix) return "no error";
    EXPECT_THAT(matrix.error().message, testing::StartsWith("m.dat: "));
    return matrix.error().message;
}

TEST(ImportanceMatrix, ComesBackFromBothFormsOfFiles) {
    ScratchDirectory scratch;
    for (const char* name : {"m.dat", "m.gguf"}) {
        ASSERT_TRUE(Small().Write(scratch.path() / name));
        auto read = ImportanceMatrix::Read(scratch.path() / name);
        ASSERT_TRUE(read) << read.error().message;
        ASSERT_EQ(read->entries.size(), 2u) << name;
        EXPECT_THAT(read->entries["blk.0.attn_q.weight"].mean_square, ElementsAre(1, 2, 3.5f));
        EXPECT_THAT(read->entries["blk.0.ffn_down.weight"].mean_square, ElementsAre(0, 0.25f));
        EXPECT_THAT(read->texts, ElementsAre("wiki.txt"));
        EXPECT_EQ(read->chunks, 4u);
    }
    EXPECT_EQ(ImportanceMatrix::Read(scratch.path() / "m.gguf")->chunk_tokens, 10u);
    EXPECT_EQ(
        ImportanceMatrix::Read(scratch.path() / "m.gguf")->entries["blk.0.attn_q.weight"].rows,
        40u);
}

TEST(ImportanceMatrix, ReadsFilesOfTheFirstVersion) {
    std::string bytes = GgufBuilder::Bytes(int32_t{1}) + Text("output.weight") + Values(4, {8, 2});
    auto matrix = ImportanceMatrix::ParseDat(std::as_bytes(std::span(bytes)), "m.dat");
    ASSERT_TRUE(matrix) << matrix.error().message;
    EXPECT_THAT(matrix->entries["output.weight"].mean_square, ElementsAre(2, 0.5f));
    EXPECT_TRUE(matrix->texts.empty());
}

TEST(ImportanceMatrix, SaysWhatIsWrongInAFile) {
    EXPECT_THAT(ErrorOf(""), HasSubstr("number of entries"));
    EXPECT_THAT(ErrorOf("hello, this is a text"), HasSubstr("longer than the file"));
    std::string one = GgufBuilder::Bytes(int32_t{1}) + Text("a");
    EXPECT_THAT(ErrorOf(one), HasSubstr("'a' has no values"));
    EXPECT_THAT(ErrorOf(one + Values(1, {1, 2}).substr(0, 12)), HasSubstr("'a' is cut off"));
    EXPECT_THAT(ErrorOf(one + Values(1, {-1})), HasSubstr("negative"));
    EXPECT_THAT(ErrorOf(one + Values(-1, {1})), HasSubstr("no values"));
    std::string two =
        GgufBuilder::Bytes(int32_t{2}) + Text("a") + Values(1, {1}) + Text("a") + Values(1, {1});
    EXPECT_THAT(ErrorOf(two), HasSubstr("there twice"));
}

TEST(ImportanceMatrix, EveryTruncationIsAnErrorOrAnOlderFile) {
    ScratchDirectory scratch;
    ASSERT_TRUE(Small().Write(scratch.path() / "m.dat"));
    std::string whole = platform::ReadFile(scratch.path() / "m.dat").value();
    size_t good = 0;
    for (size_t size = 0; size < whole.size(); ++size)
        good += ErrorOf(whole.substr(0, size)) == "no error";
    EXPECT_EQ(good, 1u);
}

TEST(ImportanceMatrix, FitsTheModelItIsOf) {
    ScratchDirectory scratch;
    auto package =
        modelfile::ModelPackage::Open(scratch.Write("in.gguf", TinyModel("llama").Build()));
    ASSERT_TRUE(package);
    auto source = Source::Create(*package);
    ASSERT_TRUE(source);
    ImportanceMatrix matrix;
    EXPECT_THAT(matrix.ForSource(*source).error().message, HasSubstr("knows none"));
    std::vector<float> squares(32, 1);
    squares[3] = 0;
    matrix.entries["blk.0.attn_q.weight"] = {squares, 10};
    matrix.entries["blk.1.attn_q.weight"] = {std::vector<float>(32, 0), 10};
    auto importance = matrix.ForSource(*source);
    ASSERT_TRUE(importance) << importance.error().message;
    ASSERT_EQ(importance->size(), 1u);
    EXPECT_GT((*importance)["blk.0.attn_q.weight"][3], 0);
    EXPECT_EQ((*importance)["blk.0.attn_q.weight"][4], 1);
    matrix.entries["blk.0.attn_k.weight"] = {std::vector<float>(31, 1), 10};
    EXPECT_THAT(matrix.ForSource(*source).error().message,
                HasSubstr("31 columns for 'blk.0.attn_k.weight', which has 32"));
}

}  // namespace
}  // namespace lathe::quant
