// Against the Hugging Face tokenizers' and llama.cpp's results on the real models.
#include <gtest/gtest.h>

#include <fstream>

#include "compute/modelfile/gguf.h"
#include "compute/tokenizer/tokenizer.h"
#include "core/json/json.h"
#include "support/paths.h"

namespace lathe::tokenizer {
namespace {

class Golden : public testing::TestWithParam<const char*> {};

TEST_P(Golden, EveryLineEncodesToItsIdsAndDecodesBack) {
    auto file = modelfile::Gguf::Open(testing_support::ModelFile(GetParam()));
    ASSERT_TRUE(file) << file.error().message;
    auto tokenizer = Tokenizer::FromGguf(*file);
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;
    std::ifstream lines(testing_support::Golden(fmt::format("tokenize-{}.jsonl", GetParam())));
    size_t count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
        auto golden = ParseJson(line);
        ASSERT_TRUE(golden) << golden.error().message;
        std::string text = (*golden)["text"];
        std::vector<TokenId> ids = (*golden)["ids"];
        EXPECT_EQ(tokenizer->Encode(text, {.add_special = false}), ids) << text;
        EXPECT_EQ(tokenizer->Decode(ids, /*keep_special=*/true), text);
    }
    EXPECT_GT(count, 200u);
}

INSTANTIATE_TEST_SUITE_P(Models, Golden,
                         testing::Values("smollm2-135m", "qwen2.5-coder-0.5b", "gemma3-270m"));

}  // namespace
}  // namespace lathe::tokenizer
