#include "compute/engine/text_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/byte_tokenizer.h"

namespace lathe::engine {
namespace {

using testing_support::Bytes;
using testing_support::MakeByteTokenizer;
using testing_support::MakeWordTokenizer;

GenerationRequest After(std::vector<TokenId> prompt) {
    GenerationRequest request;
    request.prompt = std::move(prompt);
    return request;
}

TEST(TextStream, NeverGivesHalfACharacter) {
    tokenizer::Tokenizer tokenizer = MakeByteTokenizer();
    TextStream stream(tokenizer, After(Bytes("x")));
    std::string out;
    for (TokenId token : Bytes("\xE4\xB8")) stream.Push(token, true, out);
    EXPECT_EQ(out, "");
    stream.Push(0x96, true, out);
    EXPECT_EQ(out, "\u4e16");
}

TEST(TextStream, ReplacesACharacterThatIsNeverCompleted) {
    tokenizer::Tokenizer tokenizer = MakeByteTokenizer();
    TextStream stream(tokenizer, After(Bytes("x")));
    std::string out;
    for (TokenId token : Bytes("a\xE4\xB8")) stream.Push(token, true, out);
    stream.Flush(true, out);
    EXPECT_EQ(out, "a\uFFFD");
}

TEST(TextStream, CompletesACharacterThatThePromptHasBegun) {
    tokenizer::Tokenizer tokenizer = MakeByteTokenizer();
    TextStream stream(tokenizer, After(Bytes("abc\xE4\xB8")));
    std::string out;
    stream.Push(0x96, true, out);
    EXPECT_EQ(out, "\u4e16");
}

TEST(TextStream, KeepsTheSpaceBetweenPromptAndText) {
    tokenizer::Tokenizer tokenizer = MakeWordTokenizer({" hello", " world"});
    TextStream stream(tokenizer, After({1, 3}));
    std::string out;
    stream.Push(4, true, out);
    EXPECT_EQ(out, " world");
}

TEST(TextStream, LeavesOutSpecialTokensUnlessAskedToKeepThem) {
    tokenizer::Tokenizer tokenizer = MakeByteTokenizer();
    GenerationRequest request = After(Bytes("x"));
    for (bool keep : {false, true}) {
        request.keep_special = keep;
        TextStream stream(tokenizer, request);
        std::string out;
        stream.Push('a', true, out);
        stream.Push(testing_support::kEndToken, true, out);
        EXPECT_EQ(out, keep ? "a<|end|>" : "a");
    }
}

TEST(TextStream, FindsStopStringsAcrossTokensAndInWhatTheEndBrings) {
    tokenizer::Tokenizer tokenizer = MakeByteTokenizer();
    GenerationRequest request = After(Bytes("x"));
    request.stop = {"\uFFFD", "END"};
    std::string out;
    TextStream stream(tokenizer, request);
    const std::string* stop = nullptr;
    for (TokenId token : Bytes("aEND")) stop = stream.Push(token, true, out);
    ASSERT_NE(stop, nullptr);
    EXPECT_EQ(*stop, "END");
    EXPECT_EQ(out, "a");

    out.clear();
    TextStream broken(tokenizer, request);
    for (TokenId token : Bytes("aEN\xE4")) EXPECT_EQ(broken.Push(token, true, out), nullptr);
    stop = broken.Flush(true, out);
    ASSERT_NE(stop, nullptr);
    EXPECT_EQ(out, "aEN");
}

TEST(TextStream, IgnoresStopStringsWhileTheTextMayNotStop) {
    tokenizer::Tokenizer tokenizer = MakeByteTokenizer();
    GenerationRequest request = After(Bytes("x"));
    request.stop = {"ab"};
    TextStream stream(tokenizer, request);
    std::string out;
    EXPECT_EQ(stream.Push('a', false, out), nullptr);
    EXPECT_EQ(stream.Push('b', true, out), nullptr) << "it had begun too early";
    EXPECT_EQ(stream.Push('a', true, out), nullptr);
    EXPECT_NE(stream.Push('b', true, out), nullptr);
    EXPECT_EQ(out, "ab");
}

}  // namespace
}  // namespace lathe::engine
