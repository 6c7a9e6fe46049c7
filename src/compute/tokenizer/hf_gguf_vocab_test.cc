#include "compute/tokenizer/hf_gguf_vocab.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "compute/tokenizer/gguf_vocab.h"
#include "compute/tokenizer/vocabulary.h"
#include "core/json/json.h"
#include "core/platform/files.h"
#include "support/paths.h"

namespace lathe::tokenizer {
namespace {

using testing::HasSubstr;

std::string ReadGolden(const std::string& name) {
    auto text = platform::ReadFile(testing_support::Golden("tokenizers/" + name));
    return text ? *text : std::string();
}

Result<GgufVocab> Converted(const std::string& name, size_t token_count) {
    return GgufVocabFromHuggingFace(ReadGolden(name + ".json"), ReadGolden(name + ".config.json"),
                                    token_count);
}

Result<Tokenizer> Rebuilt(const GgufVocab& vocab) {
    VocabSpec spec;
    spec.model = vocab.model;
    spec.pre = vocab.pre;
    spec.tokens.assign(vocab.tokens.begin(), vocab.tokens.end());
    spec.types.assign(vocab.types.begin(), vocab.types.end());
    spec.scores = vocab.scores;
    spec.merges.assign(vocab.merges.begin(), vocab.merges.end());
    spec.bos = vocab.bos;
    spec.eos = vocab.eos;
    spec.unknown = vocab.unknown;
    spec.add_bos = vocab.add_bos;
    spec.add_eos = vocab.add_eos;
    spec.add_space_prefix = vocab.add_space_prefix;
    return TokenizerFromSpec(spec);
}

class HfGgufVocab : public testing::TestWithParam<const char*> {};

TEST_P(HfGgufVocab, EncodesEveryCaseAsTheLibraryDoes) {
    std::string name = GetParam();
    auto vocab = Converted(name, 4096);
    ASSERT_TRUE(vocab) << vocab.error().message;
    EXPECT_EQ(vocab->tokens.size(), 4096u);
    EXPECT_EQ(vocab->types.size(), 4096u);
    auto tokenizer = Rebuilt(*vocab);
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;
    std::ifstream lines(testing_support::Golden("tokenizers/" + name + ".cases.jsonl"));
    size_t count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
        auto golden = ParseJson(line);
        ASSERT_TRUE(golden);
        std::string text = (*golden)["text"];
        std::vector<TokenId> all = (*golden)["before"];
        std::vector<TokenId> ids = (*golden)["ids"];
        std::vector<TokenId> after = (*golden)["after"];
        all.insert(all.end(), ids.begin(), ids.end());
        all.insert(all.end(), after.begin(), after.end());
        EXPECT_EQ(tokenizer->Encode(text), all) << text;
    }
    EXPECT_GE(count, 90u);
}

INSTANTIATE_TEST_SUITE_P(Files, HfGgufVocab,
                         testing::Values("byte_level_qwen", "sentencepiece_bpe"),
                         [](const auto& info) { return std::string(info.param); });

TEST(HfGgufVocabKinds, NamesThePreTokenizer) {
    auto qwen = Converted("byte_level_qwen", 4096);
    ASSERT_TRUE(qwen) << qwen.error().message;
    EXPECT_EQ(qwen->pre, "qwen2");
    auto sentencepiece = Converted("sentencepiece_bpe", 4096);
    ASSERT_TRUE(sentencepiece);
    EXPECT_EQ(sentencepiece->model, "llama");
    EXPECT_TRUE(sentencepiece->merges.empty());
}

TEST(HfGgufVocabKinds, MarksBytesControlAndUnusedTokens) {
    auto vocab = Converted("sentencepiece_bpe", 4096);
    ASSERT_TRUE(vocab);
    auto kind_of = [&](std::string_view text) {
        auto at = std::ranges::find(vocab->tokens, text);
        EXPECT_NE(at, vocab->tokens.end()) << text;
        return static_cast<TokenKind>(
            vocab->types[static_cast<size_t>(at - vocab->tokens.begin())]);
    };
    EXPECT_EQ(kind_of("<0x0A>"), TokenKind::kByte);
    EXPECT_EQ(kind_of("<unk>"), TokenKind::kUnknown);
    EXPECT_EQ(kind_of("<s>"), TokenKind::kControl);
    EXPECT_EQ(kind_of("[PAD4095]"), TokenKind::kUnused);
}

TEST(HfGgufVocabKinds, RefusesWhatAFileCannotSay) {
    for (const char* name : {"unigram", "metaspace_bpe", "byte_level_gpt2"}) {
        auto vocab = Converted(name, 4096);
        ASSERT_FALSE(vocab) << name;
        EXPECT_EQ(vocab.error().code, Code::kUnimplemented);
        EXPECT_THAT(vocab.error().message, HasSubstr("GGUF file")) << name;
    }
}

TEST(HfGgufVocabKinds, RefusesAVocabularyLargerThanTheModels) {
    auto vocab = Converted("byte_level_qwen", 100);
    ASSERT_FALSE(vocab);
    EXPECT_THAT(vocab.error().message, HasSubstr("vocab_size is 100"));
}

}  // namespace
}  // namespace lathe::tokenizer
