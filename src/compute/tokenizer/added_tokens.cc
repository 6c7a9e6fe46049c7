#include "compute/tokenizer/added_tokens.h"

#include "compute/tokenizer/utf8.h"

namespace lathe::tokenizer {
namespace {

bool Is(ClassMask wanted, std::string_view text, size_t at) {
    return (ClassOf(CodePointAt(text, at).value) & wanted) != 0;
}

}  // namespace

Result<AddedTokens> AddedTokens::Create(std::vector<AddedToken> tokens) {
    AddedTokens added;
    for (size_t i = 0; i < tokens.size(); ++i) {
        const AddedToken& token = tokens[i];
        if (token.content.empty() || !IsValidUtf8(token.content)) continue;  // in no text
        if (token.content.size() > kContentBytesMax)
            return InvalidArgument("the added token {} has {} bytes; the limit is {}", token.id,
                                   token.content.size(), kContentBytesMax);
        added.all_.Insert(token.content, static_cast<int32_t>(i));
        if (!token.special) added.plain_.Insert(token.content, static_cast<int32_t>(i));
    }
    added.tokens_ = std::move(tokens);
    return added;
}

AddedTokens::Match AddedTokens::LongestAt(const Trie& trie, std::string_view text,
                                          size_t at) const {
    Match longest;
    Trie::Node node = Trie::kRoot;
    for (size_t end = at; end < text.size();) {
        node = trie.Step(node, text[end]);
        if (node == Trie::kNone) break;
        ++end;
        if (trie.Value(node) >= 0) longest = {end, trie.Value(node)};
    }
    return longest;
}

void AddedTokens::Split(std::string_view text, bool parse_special,
                        std::vector<Section>& sections) const {
    const Trie& trie = parse_special ? all_ : plain_;
    size_t done = 0;  // everything before belongs to a section, or was stripped
    for (size_t at = 0; at < text.size();) {
        Match match = LongestAt(trie, text, at);
        if (match.token < 0) {
            ++at;
            continue;
        }
        const AddedToken& token = tokens_[static_cast<size_t>(match.token)];
        size_t begin = at, end = match.end;
        bool inside_word =
            token.single_word && ((begin > 0 && Is(kWord, text, PreviousStart(text, begin))) ||
                                  (end < text.size() && Is(kWord, text, end)));
        at = end;
        if (inside_word) continue;
        while (token.left_strip && begin > done &&
               Is(kWhiteSpace, text, PreviousStart(text, begin)))
            begin = PreviousStart(text, begin);
        while (token.right_strip && end < text.size() && Is(kWhiteSpace, text, end))
            end += CodePointAt(text, end).bytes;
        if (begin > done) sections.push_back({done, begin, -1});
        sections.push_back({begin, end, token.id});
        done = at = end;
    }
    if (done < text.size()) sections.push_back({done, text.size(), -1});
}

}  // namespace lathe::tokenizer
