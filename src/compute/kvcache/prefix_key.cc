#include "compute/kvcache/prefix_key.h"

#include <bit>
#include <random>

namespace lathe::kvcache {
namespace {

// Takes words in place of bytes: callers have words, and the length ends the message.
class SipHash {
public:
    explicit SipHash(std::array<uint64_t, 2> secret)
        : v0_(secret[0] ^ 0x736f6d6570736575),
          v1_(secret[1] ^ 0x646f72616e646f6d ^ 0xee),
          v2_(secret[0] ^ 0x6c7967656e657261),
          v3_(secret[1] ^ 0x7465646279746573) {}

    void Add(uint64_t word) {
        v3_ ^= word;
        Rounds(2);
        v0_ ^= word;
    }

    PrefixKey Finish(uint64_t last_word) {
        Add(last_word);
        v2_ ^= 0xee;
        Rounds(4);
        PrefixKey key{v0_ ^ v1_ ^ v2_ ^ v3_, 0};
        v1_ ^= 0xdd;
        Rounds(4);
        key.high = v0_ ^ v1_ ^ v2_ ^ v3_;
        return key;
    }

private:
    void Rounds(int count) {
        for (int i = 0; i < count; ++i) {
            v0_ += v1_, v1_ = std::rotl(v1_, 13) ^ v0_, v0_ = std::rotl(v0_, 32);
            v2_ += v3_, v3_ = std::rotl(v3_, 16) ^ v2_;
            v0_ += v3_, v3_ = std::rotl(v3_, 21) ^ v0_;
            v2_ += v1_, v1_ = std::rotl(v1_, 17) ^ v2_, v2_ = std::rotl(v2_, 32);
        }
    }

    uint64_t v0_, v1_, v2_, v3_;
};

uint64_t RandomWord() {
    std::random_device device;
    return uint64_t{device()} << 32 | device();
}

// The last word of SipHash: the length of the message in bytes on top of what is left
// of it. Bit 55 tells the chains of pages from their roots, whatever their lengths.
constexpr uint64_t LastWord(size_t bytes, uint64_t rest) {
    return uint64_t{bytes} << 56 | rest;
}
constexpr uint64_t kPageMark = uint64_t{1} << 55;

uint64_t WordOf(std::string_view bytes) {
    uint64_t word = 0;
    for (size_t i = 0; i < bytes.size(); ++i)
        word |= uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    return word;
}

}  // namespace

PrefixHasher::PrefixHasher() : secret_{RandomWord(), RandomWord()} {}

PrefixKey PrefixHasher::Root(std::string_view owner) const {
    SipHash hash(secret_);
    size_t size = owner.size();
    for (; owner.size() >= 8; owner.remove_prefix(8)) hash.Add(WordOf(owner.substr(0, 8)));
    return hash.Finish(LastWord(size, WordOf(owner)));
}

PrefixKey PrefixHasher::Next(const PrefixKey& before, std::span<const int32_t> tokens) const {
    SipHash hash(secret_);
    hash.Add(before.low);
    hash.Add(before.high);
    size_t pairs = tokens.size() / 2;
    for (size_t i = 0; i < pairs; ++i)
        hash.Add(uint64_t{static_cast<uint32_t>(tokens[2 * i])} |
                 uint64_t{static_cast<uint32_t>(tokens[2 * i + 1])} << 32);
    uint64_t odd = tokens.size() % 2 ? static_cast<uint32_t>(tokens.back()) : 0;
    return hash.Finish(LastWord(16 + 4 * tokens.size(), odd) | kPageMark);
}

}  // namespace lathe::kvcache
