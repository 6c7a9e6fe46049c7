#include "learn/eval/text_ignores.h"

#include <unicode/uchar.h>

#include "compute/chat/unicode.h"

namespace lathe::eval {
namespace {

std::string WithoutUnicodePunctuation(std::string_view text) {
    std::string out;
    for (size_t at = 0; at < text.size();) {
        size_t begin = at;
        char32_t c = chat::NextCodePoint(text, at);
        if (!u_ispunct(static_cast<UChar32>(c))) out += text.substr(begin, at - begin);
    }
    return out;
}

}  // namespace

Result<TextIgnores> TextIgnores::Create(const Options& options) {
    TextIgnores ignores;
    ignores.options_ = options;
    for (const std::string& pattern : options.patterns) {
        LATHE_TRY(metrics::Pattern regex, metrics::Pattern::Compile(pattern));
        ignores.patterns_.push_back(std::move(regex));
    }
    return ignores;
}

Result<std::string> TextIgnores::Apply(std::string_view given) const {
    std::string text(given);
    for (const metrics::Pattern& pattern : patterns_) {
        LATHE_TRY(text, pattern.ReplaceAll(text, ""));
    }
    if (options_.ignore_case) text = chat::Lower(text);
    if (options_.ignore_punctuation) text = WithoutUnicodePunctuation(text);
    return text;
}

}  // namespace lathe::eval
