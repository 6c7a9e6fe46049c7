// Against what the Hugging Face `tokenizers` library does with the same tokenizer.json.
#include <gtest/gtest.h>

#include <fstream>

#include "compute/tokenizer/tokenizer.h"
#include "core/json/json.h"
#include "core/platform/files.h"
#include "support/paths.h"

namespace lathe::tokenizer {
namespace {

std::string ReadGolden(const std::string& name) {
    auto text = platform::ReadFile(testing_support::Golden("tokenizers/" + name));
    return text ? *text : std::string();
}

class HuggingFaceGolden : public testing::TestWithParam<const char*> {};

TEST_P(HuggingFaceGolden, EveryCaseEncodesAndDecodesAsInTheLibrary) {
    std::string name = GetParam();
    auto tokenizer =
        Tokenizer::FromHuggingFace(ReadGolden(name + ".json"), ReadGolden(name + ".config.json"));
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;
    std::ifstream lines(testing_support::Golden("tokenizers/" + name + ".cases.jsonl"));
    size_t count = 0, decoded = 0;
    for (std::string line; std::getline(lines, line); ++count) {
        auto golden = ParseJson(line);
        ASSERT_TRUE(golden) << golden.error().message;
        std::string text = (*golden)["text"];
        std::vector<TokenId> ids = (*golden)["ids"];
        EXPECT_EQ(tokenizer->Encode(text, {.add_special = false}), ids) << text;
        if (golden->contains("decoded")) {
            EXPECT_EQ(tokenizer->Decode(ids), (*golden)["decoded"].get<std::string>()) << line;
            EXPECT_EQ(tokenizer->Decode(ids, /*keep_special=*/true),
                      (*golden)["raw"].get<std::string>())
                << line;
            ++decoded;
        }
        std::vector<TokenId> all = (*golden)["before"];
        std::vector<TokenId> after = (*golden)["after"];
        all.insert(all.end(), ids.begin(), ids.end());
        all.insert(all.end(), after.begin(), after.end());
        EXPECT_EQ(tokenizer->Encode(text), all) << text;
    }
    EXPECT_GE(count, 90u);
    EXPECT_GE(decoded, 70u);
}

INSTANTIATE_TEST_SUITE_P(Files, HuggingFaceGolden,
                         testing::Values("byte_level_qwen", "byte_level_gpt2", "sentencepiece_bpe",
                                         "metaspace_bpe", "unigram", "unigram_bytes"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace lathe::tokenizer
