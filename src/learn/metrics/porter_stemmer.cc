#include "learn/metrics/porter_stemmer.h"

#include <initializer_list>
#include <utility>
#include <vector>

namespace lathe::metrics {
namespace {

bool IsVowelLetter(char c) {
    return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u';
}

// A y is a vowel behind a consonant, and a consonant elsewhere.
std::vector<bool> Consonants(std::string_view word) {
    std::vector<bool> out;
    for (size_t i = 0; i < word.size(); ++i)
        out.push_back(word[i] == 'y' ? i == 0 || !out[i - 1] : !IsVowelLetter(word[i]));
    return out;
}

// m: how often a consonant follows a vowel.
int Measure(std::string_view stem) {
    std::vector<bool> consonant = Consonants(stem);
    int count = 0;
    for (size_t i = 1; i < consonant.size(); ++i)
        if (!consonant[i - 1] && consonant[i]) ++count;
    return count;
}

bool HasVowel(std::string_view stem) {
    for (bool consonant : Consonants(stem))
        if (!consonant) return true;
    return false;
}

bool EndsInDoubleConsonant(std::string_view word) {
    size_t n = word.size();
    return n >= 2 && word[n - 1] == word[n - 2] && Consonants(word)[n - 1];
}

// *o: consonant, vowel, consonant other than w, x, y; NLTK adds two-letter vowel-consonant.
bool EndsInShortSyllable(std::string_view word) {
    std::vector<bool> consonant = Consonants(word);
    size_t n = word.size();
    if (n == 2) return !consonant[0] && consonant[1];
    return n >= 3 && consonant[n - 3] && !consonant[n - 2] && consonant[n - 1] &&
           word[n - 1] != 'w' && word[n - 1] != 'x' && word[n - 1] != 'y';
}

std::string_view Without(std::string_view word, size_t count) {
    return word.substr(0, word.size() - count);
}

struct Rule {
    std::string_view suffix;
    std::string_view replacement;
};

// Applies the first rule whose suffix the word has, if the stem's measure exceeds the
// bound; a rule that fits by suffix but not by measure ends the search too.
std::string ApplyFirst(std::string_view word, std::initializer_list<Rule> rules, int above) {
    for (const Rule& rule : rules) {
        if (!word.ends_with(rule.suffix)) continue;
        std::string_view stem = Without(word, rule.suffix.size());
        if (Measure(stem) <= above) break;
        return std::string(stem).append(rule.replacement);
    }
    return std::string(word);
}

std::string Step1a(std::string_view word) {
    if (word.ends_with("ies") && word.size() == 4) return std::string(Without(word, 1));
    return ApplyFirst(word, {{"sses", "ss"}, {"ies", "i"}, {"ss", "ss"}, {"s", ""}}, -1);
}

std::string Step1b(std::string_view word) {
    if (word.ends_with("ied")) return std::string(Without(word, word.size() == 4 ? 1 : 2));
    if (word.ends_with("eed"))
        return std::string(Measure(Without(word, 3)) > 0 ? Without(word, 1) : word);
    std::string_view stem;
    if (word.ends_with("ed") && HasVowel(Without(word, 2)))
        stem = Without(word, 2);
    else if (word.ends_with("ing") && HasVowel(Without(word, 3)))
        stem = Without(word, 3);
    else
        return std::string(word);

    std::string out(stem);
    if (stem.ends_with("at") || stem.ends_with("bl") || stem.ends_with("iz")) return out + 'e';
    if (EndsInDoubleConsonant(stem)) {
        char last = stem.back();
        if (last != 'l' && last != 's' && last != 'z') out.pop_back();
        return out;
    }
    if (Measure(stem) == 1 && EndsInShortSyllable(stem)) out += 'e';
    return out;
}

std::string Step1c(std::string word) {
    size_t n = word.size();
    // NLTK: only behind a consonant that is not the first letter (happi, but enjoy, by).
    if (n > 2 && word[n - 1] == 'y' && Consonants(word)[n - 2]) word.back() = 'i';
    return word;
}

std::string Step2(std::string word) {
    if (word.ends_with("alli") && Measure(Without(word, 4)) > 0)
        return Step2(std::string(Without(word, 2)));
    // "logi" is measured with its l, so that short stems such as geo- work too.
    if (word.ends_with("logi"))
        return std::string(Measure(Without(word, 3)) > 0 ? Without(word, 1) : word);
    return ApplyFirst(
        word, {{"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"},   {"anci", "ance"},
               {"izer", "ize"},    {"bli", "ble"},     {"alli", "al"},     {"entli", "ent"},
               {"eli", "e"},       {"ousli", "ous"},   {"ization", "ize"}, {"ation", "ate"},
               {"ator", "ate"},    {"alism", "al"},    {"iveness", "ive"}, {"fulness", "ful"},
               {"ousness", "ous"}, {"aliti", "al"},    {"iviti", "ive"},   {"biliti", "ble"},
               {"fulli", "ful"}},
        0);
}

std::string Step3(std::string_view word) {
    return ApplyFirst(word,
                      {{"icate", "ic"},
                       {"ative", ""},
                       {"alize", "al"},
                       {"iciti", "ic"},
                       {"ical", "ic"},
                       {"ful", ""},
                       {"ness", ""}},
                      0);
}

std::string Step4(std::string_view word) {
    for (std::string_view suffix :
         {"al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion",
          "ou", "ism", "ate", "iti", "ous", "ive", "ize"}) {
        if (!word.ends_with(suffix)) continue;
        std::string_view stem = Without(word, suffix.size());
        bool goes = Measure(stem) > 1;
        if (suffix == "ion") goes = goes && (stem.back() == 's' || stem.back() == 't');
        return std::string(goes ? stem : word);
    }
    return std::string(word);
}

std::string Step5(std::string word) {
    if (word.ends_with('e')) {
        std::string_view stem = Without(word, 1);
        int measure = Measure(stem);
        if (measure > 1 || (measure == 1 && !EndsInShortSyllable(stem))) word.pop_back();
    }
    if (word.ends_with("ll") && Measure(Without(word, 1)) > 1) word.pop_back();
    return word;
}

std::string_view IrregularStem(std::string_view word) {
    static constexpr std::pair<std::string_view, std::string_view> kStems[] = {
        {"sky", "sky"},        {"skies", "sky"},        {"dying", "die"},
        {"lying", "lie"},      {"tying", "tie"},        {"news", "news"},
        {"innings", "inning"}, {"inning", "inning"},    {"outings", "outing"},
        {"outing", "outing"},  {"cannings", "canning"}, {"canning", "canning"},
        {"howe", "howe"},      {"proceed", "proceed"},  {"exceed", "exceed"},
        {"succeed", "succeed"}};
    for (const auto& [form, stem] : kStems)
        if (form == word) return stem;
    return {};
}

}  // namespace

std::string PorterStem(std::string_view word) {
    if (std::string_view stem = IrregularStem(word); !stem.empty()) return std::string(stem);
    if (word.size() <= 2) return std::string(word);
    return Step5(Step4(Step3(Step2(Step1c(Step1b(Step1a(word)))))));
}

}  // namespace lathe::metrics
