// sacrebleu's tokenizers, rule for rule (sacrebleu/tokenizers/, 2.6).
#include <algorithm>
#include <iterator>

#include "learn/metrics/bleu.h"
#include "learn/metrics/text.h"

namespace lathe::metrics {
namespace {

bool IsDigit(char c) {
    return c >= '0' && c <= '9';
}
bool IsStop(char c) {
    return c == '.' || c == ',';
}

void ReplaceEach(std::string& text, std::string_view from, std::string_view to) {
    for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
}

// Spaces around ASCII punctuation but for ' , - . and around spaces themselves.
std::string SpacePunctuation(std::string_view text) {
    std::string out;
    for (char c : text) {
        bool apart = (c >= ' ' && c <= '&') || (c >= '(' && c <= '+') || c == '/' ||
                     (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
        if (apart)
            (out += ' ') += c, out += ' ';
        else
            out += c;
    }
    return out;
}

// A rule on two neighbours. As re.sub does, it goes left to right and a character that
// has been part of a match is not looked at again.
template <typename Matches, typename Emit>
std::string ReplacePairs(std::string_view text, Matches matches, Emit emit) {
    std::string out;
    for (size_t i = 0; i < text.size();) {
        if (i + 1 < text.size() && matches(text[i], text[i + 1])) {
            emit(out, text[i], text[i + 1]);
            i += 2;
        } else {
            out += text[i++];
        }
    }
    return out;
}

// Bytes serve: the pairs' rules only name ASCII and "anything else", and no byte of a
// longer character is ASCII.
std::string ApplyRules(std::string_view line) {
    auto behind_first = [](std::string& out, char a, char b) {
        (out += a) += ' ', (out += b) += ' ';
    };
    std::string text = SpacePunctuation(line);
    text =
        ReplacePairs(text, [](char a, char b) { return !IsDigit(a) && IsStop(b); }, behind_first);
    text = ReplacePairs(
        text, [](char a, char b) { return IsStop(a) && !IsDigit(b); },
        [](std::string& out, char a, char b) { (out += ' ') += a, (out += ' ') += b; });
    text = ReplacePairs(text, [](char a, char b) { return IsDigit(a) && b == '-'; }, behind_first);
    std::string out;
    for (std::string_view word : SplitWords(text)) {
        if (!out.empty()) out += ' ';
        out += word;
    }
    return out;
}

std::string Tokenize13a(std::string_view text) {
    std::string line(text);
    ReplaceEach(line, "<skipped>", "");
    ReplaceEach(line, "-\n", "");
    ReplaceEach(line, "\n", " ");
    ReplaceEach(line, "&quot;", "\"");
    ReplaceEach(line, "&amp;", "&");
    ReplaceEach(line, "&lt;", "<");
    ReplaceEach(line, "&gt;", ">");
    return ApplyRules(' ' + line + ' ');
}

bool CountsAsChinese(char32_t c) {
    // U+2001..U+2A6D and U+2F81..U+2FA1 stand for sacrebleu's two ranges beyond the basic
    // plane, which it writes with four digits too few; scores of the field include that.
    static constexpr char32_t kRanges[][2] = {
        {0x3400, 0x4db5}, {0x4e00, 0x9fa5}, {0x9fa6, 0x9fbb}, {0xf900, 0xfa2d}, {0xfa30, 0xfa6a},
        {0xfa70, 0xfad9}, {0x2001, 0x2a6d}, {0x2f81, 0x2fa1}, {0xff00, 0xffef}, {0x2e80, 0x2eff},
        {0x3000, 0x303f}, {0x31c0, 0x31ef}, {0x2f00, 0x2fdf}, {0x2ff0, 0x2fff}, {0x3100, 0x312f},
        {0x31a0, 0x31bf}, {0xfe10, 0xfe1f}, {0xfe30, 0xfe4f}, {0x2600, 0x26ff}, {0x2700, 0x27bf},
        {0x3200, 0x32ff}, {0x3300, 0x33ff}};
    return std::ranges::any_of(kRanges, [c](const auto& r) { return c >= r[0] && c <= r[1]; });
}

std::string TokenizeChinese(std::string_view text) {
    std::u32string spaced;
    for (char32_t c : CodePoints(Strip(text))) {
        if (CountsAsChinese(c))
            (spaced += U' ') += c, spaced += U' ';
        else
            spaced += c;
    }
    return ApplyRules(Utf8(spaced));
}

std::string TokenizeCharacters(std::string_view text) {
    std::u32string spaced;
    for (char32_t c : CodePoints(text)) (spaced += c) += U' ';
    return Utf8(spaced);
}

}  // namespace

std::optional<BleuTokenizer> BleuTokenizerByName(std::string_view name) {
    if (name == "13a") return BleuTokenizer::k13a;
    if (name == "zh") return BleuTokenizer::kChinese;
    if (name == "char") return BleuTokenizer::kCharacter;
    if (name == "none") return BleuTokenizer::kNone;
    return std::nullopt;
}

std::string TokenizeForBleu(std::string_view text, BleuTokenizer tokenizer) {
    std::string_view line = StripRight(text);
    switch (tokenizer) {
        case BleuTokenizer::k13a:
            return Tokenize13a(line);
        case BleuTokenizer::kChinese:
            return TokenizeChinese(line);
        case BleuTokenizer::kCharacter:
            return TokenizeCharacters(line);
        case BleuTokenizer::kNone:
            break;
    }
    return std::string(line);
}

}  // namespace lathe::metrics
