#include "service/registry/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/registry/sha256.h"
#include "support/scratch.h"

namespace lathe::registry {
namespace {

using testing::HasSubstr;
using testing_support::ScratchDirectory;

constexpr char kUsersCatalog[] = R"({
  "endpoints": {"huggingface": "https://mirror.example/"},
  "models": [
    {"name": "mine", "license": "MIT",
     "files": [{"name": "a.gguf", "bytes": 7}, {"name": "b.gguf"}],
     "sources": [{"kind": "hf", "repo": "me/mine", "folder": "sub"},
                 {"kind": "file", "path": "/srv/models/{file}"}]},
    {"name": "gemma3-270m", "files": [{"name": "own.gguf"}],
     "sources": [{"kind": "url", "url": "https://x.example/{file}"}]}
  ]})";

TEST(Catalog, HoldsTheBuiltInModelsWithSizesLicencesAndChecksums) {
    const Catalog& catalog = Catalog::BuiltIn();
    for (const char* name : {"smollm2-135m", "gemma3-270m", "qwen2.5-coder-0.5b"}) {
        const CatalogModel* model = catalog.Find(name);
        ASSERT_NE(model, nullptr) << name;
        EXPECT_GT(model->bytes(), 90'000'000u);
        EXPECT_FALSE(model->license.empty());
        EXPECT_TRUE(IsSha256(model->files[0].sha256));
        EXPECT_GE(model->sources.size(), 2u);
    }
    EXPECT_EQ(catalog.Find("no-such-model"), nullptr);
    EXPECT_FALSE(catalog.endpoints().huggingface.empty());
}

TEST(Catalog, AddsAndReplacesWithTheUsersOwn) {
    ScratchDirectory home;
    home.Write("catalog.json", kUsersCatalog);
    auto catalog = Catalog::Load(home.path());
    ASSERT_TRUE(catalog) << catalog.error().message;
    ASSERT_NE(catalog->Find("mine"), nullptr);
    EXPECT_EQ(catalog->Find("mine")->bytes(), 7u);
    EXPECT_EQ(catalog->Find("mine")->sources[0].kind, SourceKind::kHuggingFace);
    EXPECT_EQ(catalog->Find("mine")->sources[0].folder, "sub/");
    EXPECT_EQ(catalog->Find("gemma3-270m")->files[0].name, "own.gguf");
    EXPECT_NE(catalog->Find("smollm2-135m"), nullptr);
    EXPECT_EQ(catalog->endpoints().huggingface, "https://mirror.example/");
    EXPECT_EQ(catalog->endpoints().modelscope, Catalog::BuiltIn().endpoints().modelscope);
}

TEST(Catalog, SaysWhichFileAndEntryIsWrong) {
    ScratchDirectory home;
    auto error_for = [&](std::string_view text) {
        home.Write("catalog.json", text);
        auto catalog = Catalog::Load(home.path());
        return catalog ? std::string("accepted") : catalog.error().message;
    };
    EXPECT_THAT(error_for("{"), HasSubstr("catalog.json"));
    EXPECT_THAT(error_for("[]"), HasSubstr("is no object"));
    EXPECT_THAT(error_for(R"({"models": 3})"), HasSubstr("'models' that is no list"));
    EXPECT_THAT(error_for(R"({"models": [{"name": "a"}]})"), HasSubstr("models[0] has no 'files'"));
    auto model = [](std::string_view name, std::string_view file, std::string_view source) {
        return fmt::format(R"({{"models": [{{"name": "{}", "files": [{}], "sources": [{}]}}]}})",
                           name, file, source);
    };
    constexpr char kFile[] = R"({"name": "a.gguf"})";
    EXPECT_EQ(error_for(model("a", kFile, "")), "accepted");
    EXPECT_THAT(error_for(model("../a", kFile, "")), HasSubstr("cannot name a model"));
    EXPECT_THAT(error_for(model("a", R"({"name": "../b"})", "")), HasSubstr("file name"));
    EXPECT_THAT(error_for(model("a", R"({"name": "b", "sha256": "12"})", "")),
                HasSubstr("64 hexadecimal"));
    EXPECT_THAT(error_for(model("a", R"({"name": "b", "bytes": -1})", "")),
                HasSubstr("whole number"));
    EXPECT_THAT(error_for(model("a", "", "")), HasSubstr("no files"));
    EXPECT_THAT(error_for(model("a", kFile, R"({"kind": "ftp"})")),
                HasSubstr("sources[0] has the source kind 'ftp'"));
    EXPECT_THAT(error_for(model("a", kFile, R"({"kind": "pypi", "pieces": []})")),
                HasSubstr("pypi"));
}

TEST(Sha256, MatchesThePublishedVectors) {
    Sha256 hash;
    EXPECT_EQ(hash.Finish(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    hash.Update(std::string_view("ab"));
    hash.Update(std::string_view("c"));
    EXPECT_EQ(hash.Finish(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, HashesTheBeginningOfAFile) {
    ScratchDirectory folder;
    auto path = folder.Write("x", "abcdef");
    auto hash = HashFile(path, 3);
    ASSERT_TRUE(hash);
    EXPECT_EQ(hash->Finish(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(HashFile(folder.path() / "none").error().code, Code::kNotFound);
}

}  // namespace
}  // namespace lathe::registry
