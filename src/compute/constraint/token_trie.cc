#include "compute/constraint/token_trie.h"

#include <algorithm>
#include <utility>

namespace lathe::constraint {

Utf8Phase AdvancePlain(Utf8Phase phase, uint8_t byte) {
    using enum Utf8Phase;
    auto within = [&](uint8_t first, uint8_t last, Utf8Phase next) {
        return byte >= first && byte <= last ? next : kBroken;
    };
    switch (phase) {
        case kWhole:
            if (byte < 0x80) return byte >= 0x20 && byte != '"' && byte != '\\' ? kWhole : kBroken;
            if (byte == 0xE0) return kAfterE0;
            if (byte == 0xED) return kAfterEd;
            if (byte == 0xF0) return kAfterF0;
            if (byte == 0xF4) return kAfterF4;
            if (byte >= 0xF0) return within(0xF1, 0xF3, kNeeds3);
            if (byte >= 0xE0) return kNeeds2;
            return within(0xC2, 0xDF, kNeeds1);
        case kNeeds1:
            return within(0x80, 0xBF, kWhole);
        case kNeeds2:
            return within(0x80, 0xBF, kNeeds1);
        case kNeeds3:
            return within(0x80, 0xBF, kNeeds2);
        case kAfterE0:
            return within(0xA0, 0xBF, kNeeds1);
        case kAfterEd:
            return within(0x80, 0x9F, kNeeds1);
        case kAfterF0:
            return within(0x90, 0xBF, kNeeds2);
        case kAfterF4:
            return within(0x80, 0x8F, kNeeds2);
        case kBroken:
            break;
    }
    return kBroken;
}

TokenTrie::TokenTrie(const tokenizer::Tokenizer& tokenizer, size_t vocab_size)
    : vocab_size_(vocab_size) {
    auto ends = tokenizer.end_of_generation();
    Build(std::min(vocab_size, tokenizer.vocab_size()), [&](size_t index) {
        auto token = static_cast<TokenId>(index);
        bool is_text = !tokenizer.IsSpecial(token) && std::ranges::find(ends, token) == ends.end();
        return is_text ? tokenizer.TokenBytes(token) : std::string();
    });
}

TokenTrie::TokenTrie(std::span<const std::string> texts) : vocab_size_(texts.size()) {
    Build(texts.size(), [&](size_t index) { return texts[index]; });
}

void TokenTrie::Build(size_t count, const std::function<std::string(size_t)>& text) {
    std::vector<std::pair<std::string, TokenId>> sorted;
    sorted.reserve(count);
    for (size_t i = 0; i < count; ++i) {
        std::string bytes = text(i);
        if (!bytes.empty() && bytes.size() <= kTokenBytesMax)
            sorted.emplace_back(std::move(bytes), static_cast<TokenId>(i));
    }
    std::ranges::sort(sorted);
    tokens_.reserve(sorted.size());
    std::vector<uint32_t> path;  // nodes of the token before
    std::string_view before;
    for (const auto& [bytes, token] : sorted) {
        auto [end, same] = std::ranges::mismatch(bytes, before);
        auto common = static_cast<size_t>(end - bytes.begin());
        for (; path.size() > common; path.pop_back())
            nodes_[path.back()].skip = static_cast<uint32_t>(nodes_.size());
        for (size_t depth = common; depth < bytes.size(); ++depth) {
            path.push_back(static_cast<uint32_t>(nodes_.size()));
            nodes_.push_back({.token_begin = static_cast<uint32_t>(tokens_.size()),
                              .depth = static_cast<uint16_t>(depth),
                              .byte = static_cast<uint8_t>(bytes[depth])});
        }
        tokens_.push_back(token);
        depth_max_ = std::max(depth_max_, bytes.size());
        before = bytes;
    }
    for (uint32_t node : path) nodes_[node].skip = static_cast<uint32_t>(nodes_.size());
    nodes_.push_back({.skip = static_cast<uint32_t>(nodes_.size()),
                      .token_begin = static_cast<uint32_t>(tokens_.size())});
    MarkPlain();
}

void TokenTrie::MarkPlain() {
    size_t count = node_count();
    std::vector<Utf8Phase> phases(count);
    std::vector<Utf8Phase> path(depth_max_ + 1, Utf8Phase::kWhole);  // [depth]: before the byte
    for (size_t i = 0; i < count; ++i) {
        phases[i] = AdvancePlain(path[nodes_[i].depth], nodes_[i].byte);
        path[nodes_[i].depth + size_t{1}] = phases[i];
    }
    std::vector<bool> below(count, true);  // everything below is in order
    for (size_t i = count; i-- > 0;) {
        for (size_t child = i + 1; child < nodes_[i].skip && below[i]; child = nodes_[child].skip)
            below[i] = phases[child] != Utf8Phase::kBroken && below[child];
        nodes_[i].plain_below = below[i] && phases[i] == Utf8Phase::kWhole;
    }
}

}  // namespace lathe::constraint
