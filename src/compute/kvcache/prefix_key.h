#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

namespace lathe::kvcache {

// Names the contents of a full page: its tokens, all tokens before them, and whose
// they are. 128 bits of a keyed hash: nobody outside the process can find two
// contents with one key, and by chance it does not happen.
struct PrefixKey {
    uint64_t low = 0;
    uint64_t high = 0;
    bool operator==(const PrefixKey&) const = default;
};

// Computes keys: a chain from page to page that starts at a root.
//
//   Root(owner) --Next(tokens of page 0)--> key of page 0 --Next(...)--> key of page 1
//
// SipHash-2-4 with 128 bits (Aumasson, Bernstein 2012), secret key.
// Const-safe.
class PrefixHasher {
public:
    // With a random key.
    PrefixHasher();
    explicit PrefixHasher(std::array<uint64_t, 2> secret) : secret_(secret) {}

    // Where the chains of `owner` start: another owner never shares a key.
    PrefixKey Root(std::string_view owner) const;

    // The key of the page after `before` that holds `tokens`.
    PrefixKey Next(const PrefixKey& before, std::span<const int32_t> tokens) const;

private:
    std::array<uint64_t, 2> secret_;
};

}  // namespace lathe::kvcache
