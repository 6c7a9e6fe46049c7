#include "compute/tokenizer/vocabulary.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/check.h"

namespace lathe::tokenizer {

void StringTable::Append(std::string_view text) {
    LATHE_CHECK(text.size() <= kBytesMax - bytes_.size());
    bytes_ += text;
    ends_.push_back(static_cast<uint32_t>(bytes_.size()));
}

Result<Vocabulary> Vocabulary::Create(std::span<const std::string_view> texts,
                                      std::vector<TokenKind> kinds) {
    LATHE_CHECK(texts.size() == kinds.size());
    if (texts.empty()) return InvalidArgument("the tokenizer has no tokens");
    if (texts.size() > kTokensMax)
        return InvalidArgument("the tokenizer has {} tokens; the limit is {}", texts.size(),
                               kTokensMax);
    size_t bytes = 0;
    for (std::string_view text : texts) bytes += text.size();
    if (bytes > StringTable::kBytesMax)
        return InvalidArgument("the tokens' texts take {} bytes; the limit is {}", bytes,
                               StringTable::kBytesMax);
    auto table = std::make_unique<StringTable>();
    for (std::string_view text : texts) table->Append(text);
    Vocabulary vocabulary;
    vocabulary.texts_ = std::move(table);
    vocabulary.kinds_ = std::move(kinds);
    vocabulary.ids_.reserve(static_cast<size_t>(
        std::count_if(texts.begin(), texts.end(), [](auto text) { return !text.empty(); })));
    for (size_t i = 0; i < texts.size(); ++i) {
        auto id = static_cast<TokenId>(i);
        std::string_view text = vocabulary.Text(id);
        if (!text.empty()) vocabulary.ids_[text] = id;
    }
    return vocabulary;
}

std::optional<TokenId> Vocabulary::Find(std::string_view text) const {
    auto found = ids_.find(text);
    if (found == ids_.end()) return std::nullopt;
    return found->second;
}

std::optional<TokenId> Vocabulary::FindByte(unsigned char byte) const {
    return Find(fmt::format("<0x{:02X}>", byte));
}

}  // namespace lathe::tokenizer
