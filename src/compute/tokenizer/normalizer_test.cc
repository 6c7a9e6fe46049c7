#include "compute/tokenizer/normalizer.h"

#include <gtest/gtest.h>
#include <unicode/normalizer2.h>

#include <random>

namespace lathe::tokenizer {
namespace {

using Form = UnicodeFormStep::Form;

std::string Normalize(Form form, std::string text) {
    return Normalizer({UnicodeFormStep{form}}).Run(std::move(text));
}

// The slow and simple way: ICU on UTF-16.
std::string Reference(Form form, const std::string& text) {
    UErrorCode status = U_ZERO_ERROR;
    const icu::Normalizer2* normalizer =
        form == Form::kNfc    ? icu::Normalizer2::getNFCInstance(status)
        : form == Form::kNfd  ? icu::Normalizer2::getNFDInstance(status)
        : form == Form::kNfkc ? icu::Normalizer2::getNFKCInstance(status)
                              : icu::Normalizer2::getNFKDInstance(status);
    std::string out;
    normalizer->normalize(icu::UnicodeString::fromUTF8(text), status).toUTF8String(out);
    return out;
}

TEST(Normalizer, PutsTextIntoTheFourForms) {
    EXPECT_EQ(Normalize(Form::kNfc, "e\u0301 \uFB01"), "\u00E9 \uFB01");
    EXPECT_EQ(Normalize(Form::kNfd, "\u00E9 \uFB01"), "e\u0301 \uFB01");
    EXPECT_EQ(Normalize(Form::kNfkc, "e\u0301 \uFB01"), "\u00E9 fi");
    EXPECT_EQ(Normalize(Form::kNfkd, "\u00E9 \uFB01"), "e\u0301 fi");
}

TEST(Normalizer, LongRunsOfMarksComeOutAsIcuOrdersThem) {
    // Marks of several classes, those whose decomposition starts with a mark, and bases.
    const char32_t pool[] = {0x301,  0x323,  0x327,  0x344,  0xF73,  0xF75, 0xF81,
                             0xFF9E, 0x5B0,  0x3099, 0x302,  0x345,  'a',   0x1EC7,
                             0x304B, 0x1100, 0x1161, 0x11A8, 0x1D16D};
    std::mt19937 random(5);
    for (int round = 0; round < 60; ++round) {
        std::string text = round % 2 == 0 ? "" : "\u1EC7";
        size_t kinds = round % 3 == 0 ? std::size(pool) : 12;
        for (int i = 0; i < 400; ++i) AppendUtf8(pool[random() % kinds], text);
        for (Form form : {Form::kNfc, Form::kNfd, Form::kNfkc, Form::kNfkd})
            EXPECT_EQ(Normalize(form, text), Reference(form, text)) << "round " << round;
    }
}

TEST(Normalizer, LowersEachCharacterByItself) {
    EXPECT_EQ(Normalizer({LowercaseStep{}}).Run("ÀΣ\u0130Ǆ😀"), "àσi\u0307ǆ😀");
}

TEST(Normalizer, RunsItsStepsInOrder) {
    Normalizer normalizer({StripStep{}, PrependStep{"_"},
                           ReplaceStep{SplitPattern::Literal(" "), "__"},
                           ReplaceStep{*SplitPattern::Compile("_+b"), "B"}});
    EXPECT_EQ(normalizer.Run("\u2003 a b a "), "_aB__a");
    EXPECT_EQ(normalizer.Run(""), "");
}

TEST(Normalizer, StripsTheSideAskedFor) {
    EXPECT_EQ(Normalizer({StripStep{.left = false, .right = true}}).Run(" a "), " a");
    EXPECT_EQ(Normalizer({StripStep{.left = true, .right = false}}).Run(" a "), "a ");
    EXPECT_EQ(Normalizer({StripStep{}}).Run(" \n\u3000"), "");
}

}  // namespace
}  // namespace lathe::tokenizer
