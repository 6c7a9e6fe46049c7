#include "compute/tokenizer/space_cutter.h"

namespace lathe::tokenizer {

bool CanCutBeforeSpace(const Vocabulary& vocabulary) {
    if (!vocabulary.Find(kSpaceSymbol)) return false;  // runs of unknown characters cross it
    for (size_t i = 0; i < vocabulary.size(); ++i) {
        auto id = static_cast<TokenId>(i);
        if (vocabulary.Kind(id) == TokenKind::kControl) continue;
        std::string_view text = vocabulary.Text(id);
        size_t at = 0;
        while (text.substr(at).starts_with(kSpaceSymbol)) at += kSpaceSymbol.size();
        if (text.find(kSpaceSymbol, at) != std::string_view::npos) return false;
    }
    return true;
}

}  // namespace lathe::tokenizer
