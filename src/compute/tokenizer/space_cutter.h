// Cutting before U+2581, SentencePiece's space, where no merge can cross it, so that a
// long text is many small problems.
#pragma once

#include <string_view>

#include "compute/tokenizer/vocabulary.h"

namespace lathe::tokenizer {

inline constexpr std::string_view kSpaceSymbol = "\u2581";

// No token has a space symbol right after another character, hence no merge joins the
// two, and encoding the parts gives the same as encoding the whole.
bool CanCutBeforeSpace(const Vocabulary& vocabulary);

// Calls `visit` for each part of `text`, cut before every space symbol that follows
// another character. Requires: `text` is not empty.
template <typename Visit>
void ForEachSpaceCut(std::string_view text, const Visit& visit) {
    size_t begin = 0;
    for (size_t at = text.find(kSpaceSymbol); at != std::string_view::npos;
         at = text.find(kSpaceSymbol, at + kSpaceSymbol.size())) {
        bool after_other = at > 0 && !text.substr(0, at).ends_with(kSpaceSymbol);
        if (!after_other) continue;
        visit(text.substr(begin, at - begin));
        begin = at;
    }
    visit(text.substr(begin));
}

}  // namespace lathe::tokenizer
