#include "service/registry/model_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/scratch.h"

namespace lathe::registry {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::ScratchDirectory;

TEST(ModelStore, FindsAGgufFileByTheNameOfItsModel) {
    ScratchDirectory home;
    auto file = home.Write("models/tiny/Tiny.Q4_0.gguf", "GGUF");
    ModelStore store(home.path());
    EXPECT_EQ(store.Resolve("tiny").value(), file);
    EXPECT_EQ(store.Resolve(file.string()).value(), file);
    EXPECT_EQ(store.Resolve(file.parent_path().string()).value(), file);
}

TEST(ModelStore, FindsTheFirstPartOfASplitFileOnceAllAreThere) {
    ScratchDirectory home;
    ModelStore store(home.path());
    home.Write("models/big/x-00002-of-00002.gguf", "GGUF");
    EXPECT_EQ(store.Resolve("big").error().code, Code::kFailedPrecondition);
    auto first = home.Write("models/big/x-00001-of-00002.gguf", "GGUF");
    EXPECT_EQ(store.Resolve("big").value(), first);
}

TEST(ModelStore, FindsAFolderAndNotOneThatIsBeingPulled) {
    ScratchDirectory home;
    ModelStore store(home.path());
    home.Write("models/hf/config.json", "{}");
    EXPECT_EQ(store.Resolve("hf").error().code, Code::kFailedPrecondition);
    home.Write("models/hf/model.safetensors", "x");
    EXPECT_EQ(store.Resolve("hf").value(), store.Folder("hf"));
    ASSERT_TRUE(WriteProvenance(store.Folder("hf"),
                                {.source = "s", .license = "MIT", .files = {}, .complete = false}));
    auto unfinished = store.Resolve("hf");
    ASSERT_FALSE(unfinished);
    EXPECT_THAT(unfinished.error().message, HasSubstr("lathe pull hf"));
    ASSERT_TRUE(WriteProvenance(store.Folder("hf"),
                                {.source = "s", .license = "MIT", .files = {}, .complete = true}));
    EXPECT_TRUE(store.Resolve("hf"));
    EXPECT_EQ(store.Look("hf").license, "MIT");
}

TEST(ModelStore, SuggestsNearNamesHereAndInTheCatalog) {
    ScratchDirectory home;
    home.Write("models/my-tuned/a.gguf", "GGUF");
    ModelStore store(home.path());
    EXPECT_THAT(store.Resolve("my-tunde").error().message, HasSubstr("did you mean my-tuned?"));
    EXPECT_THAT(store.Resolve("smolm2-135m").error().message, HasSubstr("lathe pull smollm2-135m"));
    EXPECT_THAT(store.Resolve("Gemma3").error().message, HasSubstr("lathe pull gemma3-270m"));
    EXPECT_THAT(store.Resolve("smollm2-135m").error().message,
                AllOf(HasSubstr("is not here"), HasSubstr("lathe pull smollm2-135m")));
    EXPECT_THAT(store.Resolve("entirely-different").error().message, HasSubstr("lathe list"));
    EXPECT_THAT(store.Resolve("/no/such/file.gguf").error().message,
                HasSubstr("no file /no/such/file.gguf"));
    EXPECT_EQ(store.Resolve("").error().code, Code::kInvalidArgument);
    EXPECT_FALSE(store.Resolve(std::string(100'000, 'x')));
}

TEST(ModelStore, ListsModelsByNameWithPartsOfDownloads) {
    ScratchDirectory home;
    home.Write("models/b/b.gguf", "GGUF");
    home.Write("models/a/a.gguf.part", "GG");
    home.Write("models/empty/.lock", "");
    home.Write("models/.hidden/x.gguf", "GGUF");
    home.Write("models/stray.txt", "x");
    auto models = ModelStore(home.path()).List();
    ASSERT_EQ(models.size(), 2u);
    EXPECT_EQ(models[0].name, "a");
    EXPECT_FALSE(models[0].complete);
    EXPECT_EQ(models[0].bytes, 2u);
    EXPECT_EQ(models[1].name, "b");
    EXPECT_TRUE(models[1].complete);
    EXPECT_TRUE(ModelStore(home.path() / "nowhere").List().empty());
}

TEST(ModelStore, RemovesAModelUnlessItIsBeingPulled) {
    ScratchDirectory home;
    home.Write("models/a/a.gguf", "GGUF");
    ModelStore store(home.path());
    {
        ModelLock lock;
        ASSERT_TRUE(ModelLock::TryLock(store.Folder("a"), lock).value());
        EXPECT_EQ(store.Remove("a").error().code, Code::kFailedPrecondition);
    }
    EXPECT_TRUE(store.Remove("a"));
    EXPECT_FALSE(std::filesystem::exists(store.Folder("a")));
    EXPECT_EQ(store.Remove("a").error().code, Code::kNotFound);
    EXPECT_EQ(store.Remove("../a").error().code, Code::kInvalidArgument);
}

TEST(ModelLock, IsHeldByOneAtATime) {
    ScratchDirectory home;
    ModelLock first, second;
    ASSERT_TRUE(ModelLock::TryLock(home.path() / "m", first).value());
    EXPECT_FALSE(ModelLock::TryLock(home.path() / "m", second).value());
    first.Unlock();
    EXPECT_TRUE(ModelLock::TryLock(home.path() / "m", second).value());
}

TEST(SplitNames, NamesAllPartsOfASplitFile) {
    EXPECT_THAT(
        SplitNames("a-00002-of-00003.gguf"),
        ElementsAre("a-00001-of-00003.gguf", "a-00002-of-00003.gguf", "a-00003-of-00003.gguf"));
    EXPECT_THAT(SplitNames("a.gguf"), ElementsAre("a.gguf"));
    EXPECT_THAT(SplitNames("a-00004-of-00003.gguf"), ElementsAre("a-00004-of-00003.gguf"));
    EXPECT_THAT(SplitNames("a-00001-of-99999.gguf"), ElementsAre("a-00001-of-99999.gguf"));
}

}  // namespace
}  // namespace lathe::registry
