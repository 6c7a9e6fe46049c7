// Texts that make careless algorithms take quadratic time: a megabyte each must finish.
#include <gtest/gtest.h>

#include "compute/modelfile/gguf.h"
#include "compute/tokenizer/tokenizer.h"
#include "core/platform/files.h"
#include "support/paths.h"

namespace lathe::tokenizer {
namespace {

std::vector<std::string> HostileTexts() {
    std::vector<std::string> texts;
    for (std::string_view unit : {"a", " ", "我", "\n", "ab", "a ", "\t ", "7", "'s", "<|im_end|",
                                  "\u0301", "\u0301\u0323", "\u0F73\u0301", "👩\u200D🚀"}) {
        std::string text;
        while (text.size() < 1u << 20) text += unit;
        texts.push_back(text + "!");
    }
    return texts;
}

// Decoding gives the text back, where encoding normalizes from the second time on; the
// first space may be the one that Metaspace would have put there.
void ExpectComesBack(const Tokenizer& tokenizer, const std::string& text) {
    auto there_and_back = [&](const std::string& one) {
        return tokenizer.Decode(tokenizer.Encode(one, {.add_special = false}));
    };
    auto same = [](const std::string& a, const std::string& b) { return a == b || a == " " + b; };
    std::string once = there_and_back(text);
    EXPECT_TRUE(same(text, once) || same(once, there_and_back(once)))
        << "a text of " << text.substr(0, 12);
}

TEST(HostileText, AMegabyteIsEncodedByTheRealModels) {
    for (const char* name : {"smollm2-135m", "qwen2.5-coder-0.5b", "gemma3-270m"}) {
        auto file = modelfile::Gguf::Open(testing_support::ModelFile(name));
        ASSERT_TRUE(file) << file.error().message;
        auto tokenizer = Tokenizer::FromGguf(*file);
        ASSERT_TRUE(tokenizer) << tokenizer.error().message;
        for (const std::string& text : HostileTexts()) ExpectComesBack(*tokenizer, text);
    }
}

TEST(HostileText, AMegabyteIsEncodedBySmallTokenizersOfEveryKind) {
    for (const char* name : {"byte_level_qwen", "sentencepiece_bpe", "unigram_bytes"}) {
        auto json = platform::ReadFile(
            testing_support::Golden(std::string("tokenizers/") + name + ".json"));
        ASSERT_TRUE(json) << json.error().message;
        auto tokenizer = Tokenizer::FromHuggingFace(*json, "");
        ASSERT_TRUE(tokenizer) << tokenizer.error().message;
        for (const std::string& text : HostileTexts()) ExpectComesBack(*tokenizer, text);
    }
}

}  // namespace
}  // namespace lathe::tokenizer
