#include "edge/console/console_assets.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

namespace lathe::console {
namespace {

std::string IndexPage() {
    const Asset* index = FindAsset("/");
    return index == nullptr ? std::string() : std::string(index->bytes);
}

TEST(ConsoleAssets, HoldAPageForTheRoot) {
    const Asset* index = FindAsset("/");
    ASSERT_NE(index, nullptr);
    EXPECT_EQ(index, FindAsset("/index.html"));
    EXPECT_EQ(index->content_type, "text/html; charset=utf-8");
    EXPECT_TRUE(index->bytes.starts_with("<!doctype html>"));
    EXPECT_EQ(CacheControl(*index), "no-cache");
}

TEST(ConsoleAssets, HoldEveryFileThatThePageNames) {
    const std::string page = IndexPage();
    const std::regex reference(R"re((?:src|href)="([^"]*)")re");
    int found = 0;
    for (std::sregex_iterator match(page.begin(), page.end(), reference), end; match != end;
         ++match, ++found) {
        const std::string path = (*match)[1];
        EXPECT_NE(FindAsset(path), nullptr) << path;
    }
    EXPECT_GE(found, 2) << "a script and a style sheet at least";
}

TEST(ConsoleAssets, NeedNoInlineScriptsOrStyles) {
    const std::string page = IndexPage();
    EXPECT_FALSE(std::regex_search(page, std::regex("<style|\\sstyle=|\\son[a-z]+=")));
    EXPECT_FALSE(std::regex_search(page, std::regex("<script(?![^>]*\\ssrc=)")));
    EXPECT_EQ(page.find("http:"), std::string::npos);
    EXPECT_EQ(page.find("https:"), std::string::npos);
}

TEST(ConsoleAssets, CarryTypesAndEtagsOfTheirOwn) {
    std::set<std::string_view> etags;
    std::string_view last_path;
    for (const Asset& asset : ConsoleAssets()) {
        EXPECT_LT(last_path, asset.path);
        last_path = asset.path;
        EXPECT_FALSE(asset.bytes.empty()) << asset.path;
        EXPECT_FALSE(asset.content_type.empty()) << asset.path;
        EXPECT_TRUE(std::regex_match(std::string(asset.etag), std::regex("\"[0-9a-f]{32}\"")));
        EXPECT_TRUE(etags.insert(asset.etag).second) << asset.path;
        EXPECT_EQ(asset.cache_forever, asset.path.starts_with("/assets/")) << asset.path;
    }
}

TEST(ConsoleAssets, AnswerAnUnknownPathWithNull) {
    EXPECT_EQ(FindAsset(""), nullptr);
    EXPECT_EQ(FindAsset("/assets/"), nullptr);
    EXPECT_EQ(FindAsset("/../index.html"), nullptr);
}

}  // namespace
}  // namespace lathe::console
