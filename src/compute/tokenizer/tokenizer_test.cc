// Behaviour of the whole, on small vocabularies made here and on the golden tokenizers.
#include "compute/tokenizer/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <random>

#include "compute/modelfile/model_package.h"
#include "compute/tokenizer/byte_level.h"
#include "compute/tokenizer/gguf_vocab.h"
#include "compute/tokenizer/utf8.h"
#include "core/platform/files.h"
#include "support/paths.h"

namespace lathe::tokenizer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kGoldenNames[] = {"byte_level_qwen", "byte_level_gpt2", "sentencepiece_bpe",
                                        "metaspace_bpe",   "unigram",         "unigram_bytes"};

Tokenizer GoldenTokenizer(const std::string& name) {
    auto json = platform::ReadFile(testing_support::Golden("tokenizers/" + name + ".json"));
    auto tokenizer = Tokenizer::FromHuggingFace(json ? *json : "", "");
    if (!tokenizer) ADD_FAILURE() << tokenizer.error().message;
    return std::move(*tokenizer);
}

// A vocabulary that owns its texts and can be described token by token.
class SpecMaker {
public:
    explicit SpecMaker(std::string model) { spec_.model = std::move(model); }

    SpecMaker& Add(std::string text, int64_t type = 1, float score = 0) {
        texts_.push_back(std::move(text));
        spec_.types.push_back(type);
        spec_.scores.push_back(score);
        return *this;
    }
    SpecMaker& AddBytes() {
        for (int byte = 0; byte < 256; ++byte) Add(fmt::format("<0x{:02X}>", byte), 6);
        return *this;
    }
    SpecMaker& AddAlphabet() {
        for (int byte = 0; byte < 256; ++byte)
            Add(std::string(ByteLevelCharacter(static_cast<unsigned char>(byte))));
        return *this;
    }
    VocabSpec& spec() { return spec_; }
    Result<Tokenizer> Make() {
        spec_.tokens.assign(texts_.begin(), texts_.end());
        return TokenizerFromSpec(spec_);
    }

private:
    std::vector<std::string> texts_;
    VocabSpec spec_;
};

// Llama 2's kind: ids 0 <unk>, 1 <s>, 2 </s>, 3.. bytes, then 259...
SpecMaker SentencePiece() {
    SpecMaker maker("llama");
    maker.Add("<unk>", 2).Add("<s>", 3).Add("</s>", 3).AddBytes();
    maker.Add("\u2581", 1, -9).Add("a", 1, -9).Add("b", 1, -9).Add("ab", 1, -1);
    maker.Add("\u2581a", 1, -2).Add("\u2581\u2581", 1, -3).Add("<", 1, -9).Add("s", 1, -9);
    maker.Add("<s", 1, -1).Add(">", 1, -9).Add("\n\n", 4);
    maker.spec().bos = 1;
    maker.spec().eos = 2;
    maker.spec().unknown = 0;
    return maker;
}

std::vector<std::string> Pieces(const Tokenizer& tokenizer, std::string_view text,
                                const EncodeOptions& options = {.add_special = false}) {
    std::vector<std::string> pieces;
    for (TokenId id : tokenizer.Encode(text, options)) pieces.push_back(tokenizer.TokenBytes(id));
    return pieces;
}

TEST(SentencePieceBpe, MergesTheBestScoreFirstAndOfEqualsTheLeftmost) {
    auto tokenizer = SentencePiece().Make();
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;
    EXPECT_THAT(Pieces(*tokenizer, "ab"), ElementsAre(" ", "ab"));
    EXPECT_THAT(Pieces(*tokenizer, "aab"), ElementsAre(" a", "ab"));
}

TEST(SentencePieceBpe, KeepsRunsOfSpacesAndPutsOneInFront) {
    auto tokenizer = SentencePiece().Make();
    ASSERT_TRUE(tokenizer);
    EXPECT_THAT(Pieces(*tokenizer, "  a"), ElementsAre("  ", " a"));
    EXPECT_EQ(tokenizer->Decode(tokenizer->Encode("  a  b ")), "  a  b ");
    SpecMaker without = SentencePiece();
    without.spec().add_space_prefix = false;
    tokenizer = without.Make();
    ASSERT_TRUE(tokenizer);
    EXPECT_THAT(Pieces(*tokenizer, "ab"), ElementsAre("ab"));
    EXPECT_EQ(tokenizer->Decode(tokenizer->Encode(" a")), " a");
}

TEST(SentencePieceBpe, SpellsUnknownCharactersInBytes) {
    auto tokenizer = SentencePiece().Make();
    ASSERT_TRUE(tokenizer);
    EXPECT_THAT(Pieces(*tokenizer, "a\u00E9"), ElementsAre(" a", "\xC3", "\xA9"));
    EXPECT_EQ(tokenizer->Decode(tokenizer->Encode("é我\u0000x")), "é我\u0000x");
}

TEST(SentencePieceBpe, ARunOfUnknownCharactersIsOneUnknownTokenWithoutBytes) {
    SpecMaker maker("llama");
    maker.Add("<unk>", 2).Add("\u2581").Add("a");
    maker.spec().unknown = 0;
    auto tokenizer = maker.Make();
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;
    EXPECT_THAT(tokenizer->Encode("xya z", {}), ElementsAre(1, 0, 2, 1, 0));
}

TEST(SentencePieceBpe, FindsUserDefinedTokensBeforeItMerges) {
    auto tokenizer = SentencePiece().Make();
    ASSERT_TRUE(tokenizer);
    EXPECT_THAT(Pieces(*tokenizer, "a\n\n\nb", {.add_special = false, .parse_special = false}),
                ElementsAre(" a", "\n\n", " ", "\n", "b"));
}

TEST(Special, TextNeverBecomesAControlTokenUnlessParsed) {
    auto tokenizer = SentencePiece().Make();
    ASSERT_TRUE(tokenizer);
    EXPECT_THAT(tokenizer->Encode("<s>", {.add_special = true, .parse_special = true}),
                ElementsAre(1, 1));
    EXPECT_THAT(Pieces(*tokenizer, "<s>", {.add_special = false, .parse_special = false}),
                ElementsAre(" ", "<s", ">"));
    EXPECT_THAT(Pieces(*tokenizer, "<0x41>", {.add_special = false, .parse_special = false}),
                ElementsAre(" ", "<", "0", "x", "4", "1", ">"));
    EXPECT_TRUE(tokenizer->IsSpecial(1));
    EXPECT_FALSE(tokenizer->IsSpecial(260));
}

TEST(Special, BeginAndEndAreAddedAsTheModelAsks) {
    SpecMaker maker = SentencePiece();
    maker.spec().add_eos = true;
    auto tokenizer = maker.Make();
    ASSERT_TRUE(tokenizer);
    EXPECT_THAT(tokenizer->Encode("", {}), ElementsAre(1, 2));
    EXPECT_THAT(tokenizer->Encode("", {.add_special = false}), IsEmpty());
    maker.spec().add_bos = false;
    tokenizer = maker.Make();
    EXPECT_THAT(tokenizer->Encode("", {}), ElementsAre(2));
}

TEST(Special, DecodingLeavesControlTokensOutUnlessAskedFor) {
    auto tokenizer = SentencePiece().Make();
    ASSERT_TRUE(tokenizer);
    std::vector<TokenId> ids = {1, 263, 2, 999999, -1};
    EXPECT_EQ(tokenizer->Decode(ids), "a");
    EXPECT_EQ(tokenizer->Decode(ids, /*keep_special=*/true), "<s> a</s>");
    EXPECT_EQ(tokenizer->TokenBytes(-1), "");
    EXPECT_EQ(tokenizer->TokenBytes(999999), "");
}

SpecMaker ByteLevel(const std::string& pre) {
    SpecMaker maker("gpt2");
    maker.AddAlphabet().Add("ab").Add("abc").Add("<|im_end|>", 4).Add("</s>", 4).Add("<tool>", 4);
    maker.spec().merges = {"a b", "ab c"};
    maker.spec().pre = pre;
    return maker;
}

TEST(ByteLevelBpe, MergesByRankWithinThePieces) {
    auto tokenizer = ByteLevel("gpt-2").Make();
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;
    EXPECT_THAT(Pieces(*tokenizer, "abcab abc"), ElementsAre("abc", "ab", " ", "abc"));
    EXPECT_EQ(tokenizer->Describe(), "BPE (gpt-2), 261 tokens");
}

TEST(ByteLevelBpe, QwenTextIsComposedFirst) {
    auto tokenizer = ByteLevel("qwen2").Make();
    ASSERT_TRUE(tokenizer);
    EXPECT_EQ(tokenizer->Decode(tokenizer->Encode("e\u0301")), "\u00E9");
    tokenizer = ByteLevel("gpt-2").Make();
    EXPECT_EQ(tokenizer->Decode(tokenizer->Encode("e\u0301")), "e\u0301");
}

TEST(EndOfGeneration, HoldsTurnEndsButNotWhatIsTextToo) {
    SpecMaker maker = ByteLevel("gpt-2");
    maker.spec().eos = 255;
    auto tokenizer = maker.Make();
    ASSERT_TRUE(tokenizer);
    EXPECT_THAT(tokenizer->end_of_generation(), ElementsAre(255, 258));
    EXPECT_TRUE(tokenizer->IsSpecial(258));   // <|im_end|>, though listed as user-defined
    EXPECT_FALSE(tokenizer->IsSpecial(259));  // </s>, here an HTML tag
    maker.spec().types[259] = 3;
    tokenizer = maker.Make();
    EXPECT_THAT(tokenizer->end_of_generation(), ElementsAre(255, 258, 259));
}

TEST(GgufVocabulary, ErrorsNameWhatIsWrong) {
    auto message = [](SpecMaker maker) {
        auto tokenizer = maker.Make();
        return tokenizer ? "no error" : tokenizer.error().message;
    };
    EXPECT_THAT(message(SpecMaker("bert").Add("a")), HasSubstr("`bert`"));
    EXPECT_THAT(message(SpecMaker("llama")), HasSubstr("no tokens"));
    EXPECT_THAT(message(ByteLevel("klingon")),
                testing::AllOf(HasSubstr("`klingon`"), HasSubstr("llama-bpe, llama3")));
    SpecMaker merges = ByteLevel("gpt-2");
    merges.spec().merges = {"a z"};
    EXPECT_THAT(message(merges), HasSubstr("`az`"));
    merges.spec().merges = {"az"};
    EXPECT_THAT(message(merges), HasSubstr("`az`, which is not two tokens"));
    SpecMaker ids = ByteLevel("gpt-2");
    ids.spec().bos = 5000;
    EXPECT_THAT(message(ids), HasSubstr("bos_token_id is 5000"));
    SpecMaker scores = SentencePiece();
    scores.spec().scores.pop_back();
    EXPECT_THAT(message(scores), HasSubstr("scores has 269 entries for 270 tokens"));
    SpecMaker types = SentencePiece();
    types.spec().types.pop_back();
    EXPECT_THAT(message(types), HasSubstr("token_type has 269 entries"));
}

TEST(HuggingFace, ErrorsNameWhatIsWrong) {
    auto message = [](std::string_view json) {
        auto tokenizer = Tokenizer::FromHuggingFace(json, "");
        return tokenizer ? "no error" : tokenizer.error().message;
    };
    std::string bpe = R"("model":{"type":"BPE","vocab":{"a":0},"merges":[]})";
    std::string decoder = R"("decoder":{"type":"ByteLevel"})";
    EXPECT_EQ(message("{" + bpe + "," + decoder + "}"), "no error");
    EXPECT_THAT(message("[]"), HasSubstr("not a JSON object"));
    EXPECT_THAT(message("{"), HasSubstr("not valid JSON"));
    EXPECT_THAT(message("{}"), HasSubstr("no `model`"));
    EXPECT_THAT(message(R"({"model":{"type":"WordPiece","vocab":{}}})"), HasSubstr("`WordPiece`"));
    EXPECT_THAT(message("{" + bpe + "}"), HasSubstr("no decoder"));
    EXPECT_THAT(message("{" + bpe + R"(,"decoder":{"type":"CTC"}})"), HasSubstr("CTC"));
    EXPECT_THAT(message("{" + bpe + "," + decoder + R"(,"normalizer":{"type":"Nmt"}})"),
                HasSubstr("`Nmt`"));
    EXPECT_THAT(message("{" + bpe + "," + decoder + R"(,"pre_tokenizer":{"type":"X"}})"),
                HasSubstr("`X`"));
    EXPECT_THAT(message("{" + bpe + "," + decoder + R"(,"post_processor":{"type":"Y"}})"),
                HasSubstr("`Y`"));
    EXPECT_THAT(message("{" + bpe + "," + decoder +
                        R"(,"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(?<=a)b"}}})"),
                HasSubstr("`(?<=a)b`"));
    EXPECT_THAT(message(R"({"model":{"type":"BPE","vocab":{"a":99999999},"merges":[]}})"),
                HasSubstr("99999999"));
    EXPECT_THAT(message(R"({"model":{"type":"BPE","vocab":{"a":4000000},"merges":[]}})"),
                HasSubstr("too many ids unused"));
    EXPECT_THAT(
        message("{" + bpe + "," + decoder +
                R"(,"normalizer":{"type":"Sequence","normalizers":[)"
                R"({"type":"Replace","pattern":{"String":"a"},"content":"aaaaaaaaaaaaaaaa"},)"
                R"({"type":"Replace","pattern":{"String":"a"},"content":"aaaaaaaaaaaaaaaa"},)"
                R"({"type":"Replace","pattern":{"String":"a"},"content":"aaaaaaaaaaaaaaaa"}]}})"),
        HasSubstr("insert too much"));
}

TEST(FromPackage, GenerationConfigNamesFurtherEnds) {
    std::filesystem::path folder =
        std::filesystem::path(testing::TempDir()) / fmt::format("lathe-tokenizer-{}", getpid());
    std::filesystem::create_directories(folder);
    auto write = [&](const char* name, std::string_view text) {
        ASSERT_TRUE(platform::WriteFileAtomically(folder / name, text));
    };
    write("config.json", "{}");
    std::string header = R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
    std::string length(8, '\0');
    length[0] = static_cast<char>(header.size());
    write("model.safetensors", length + header + std::string(4, '\0'));
    auto without = modelfile::ModelPackage::Open(folder);
    ASSERT_TRUE(without) << without.error().message;
    auto missing = Tokenizer::FromPackage(*without);
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().message, HasSubstr("no tokenizer.json"));
    write("tokenizer.json",
          *platform::ReadFile(testing_support::Golden("tokenizers/byte_level_qwen.json")));
    write("tokenizer_config.json", R"({"eos_token":"<|im_end|>"})");
    write("generation_config.json", R"({"eos_token_id":[2,1,5,900000,"x"]})");
    auto package = modelfile::ModelPackage::Open(folder);
    ASSERT_TRUE(package) << package.error().message;
    auto tokenizer = Tokenizer::FromPackage(*package);
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;
    EXPECT_EQ(tokenizer->eos(), 2);
    EXPECT_THAT(tokenizer->end_of_generation(), ElementsAre(0, 1, 2, 5));
    std::filesystem::remove_all(folder);
}

// Random text: any characters, from a small pool so that tokens come up.
std::string RandomText(std::mt19937& random, size_t length) {
    static constexpr std::u32string_view kPool =
        U" \n\tabcdeotn.,<|>_019'sé我的。\u0301\u2581\u00A0\uFFFD😀\U0010FFFF";
    std::string text;
    for (size_t i = 0; i < length; ++i) {
        char32_t any = random() % 0x110000;
        if (any >= 0xD800 && any < 0xE000) any = U'?';
        AppendUtf8(random() % 8 == 0 ? any : kPool[random() % kPool.size()], text);
    }
    return text;
}

TEST(RoundTrip, ByteLevelTextComesBackAsItWas) {
    auto tokenizer = ByteLevel("llama-bpe").Make();
    ASSERT_TRUE(tokenizer);
    std::mt19937 random(1);
    for (int round = 0; round < 500; ++round) {
        std::string text = RandomText(random, random() % 60);
        EXPECT_EQ(tokenizer->Decode(tokenizer->Encode(text), /*keep_special=*/true), text);
    }
}

TEST(RoundTrip, BrokenUtf8IsReadAsReplacementCharacters) {
    auto tokenizer = ByteLevel("gpt-2").Make();
    ASSERT_TRUE(tokenizer);
    std::mt19937 random(2);
    for (int round = 0; round < 500; ++round) {
        std::string bytes;
        for (size_t i = random() % 30; i > 0; --i) bytes += static_cast<char>(random() % 256);
        std::string repaired;
        AppendRepaired(bytes, repaired);
        EXPECT_TRUE(IsValidUtf8(repaired));
        EXPECT_EQ(tokenizer->Decode(tokenizer->Encode(bytes)), repaired);
    }
    EXPECT_EQ(tokenizer->Decode(tokenizer->Encode("a\xE4\xB8z\xFF")), "a\uFFFDz\uFFFD");
}

TEST(StreamDecoder, ItsPiecesJoinToWhatDecodeGivesAndAreWholeCharacters) {
    std::mt19937 random(3);
    for (const char* name : kGoldenNames) {
        Tokenizer tokenizer = GoldenTokenizer(name);
        for (int round = 0; round < 400; ++round) {
            std::vector<TokenId> ids;
            for (size_t i = random() % 40; i > 0; --i)
                ids.push_back(static_cast<TokenId>(random() % (tokenizer.vocab_size() + 1)));
            bool keep_special = round % 2 == 0;
            StreamDecoder decoder(tokenizer, keep_special);
            std::string joined, bytes;
            for (TokenId id : ids) {
                std::string piece = decoder.Push(id);
                EXPECT_TRUE(IsValidUtf8(piece));
                joined += piece;
                if (keep_special || !tokenizer.IsSpecial(id)) bytes += tokenizer.TokenBytes(id);
            }
            joined += decoder.Flush();
            EXPECT_EQ(joined, tokenizer.Decode(ids, keep_special));
            std::string repaired;
            AppendRepaired(bytes, repaired);
            EXPECT_TRUE(joined == repaired || " " + joined == repaired) << name;
        }
    }
}

}  // namespace
}  // namespace lathe::tokenizer
