#pragma once

#include <array>
#include <cstdint>

namespace lathe::sampling {

// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011):
// a random function of (key, counter). No state: the draw for one token never depends
// on how many others were made.
constexpr std::array<uint32_t, 4> Philox(std::array<uint32_t, 2> key,
                                         std::array<uint32_t, 4> counter) {
    for (int round = 0; round < 10; ++round) {
        uint64_t a = uint64_t{0xD2511F53} * counter[0];
        uint64_t b = uint64_t{0xCD9E8D57} * counter[2];
        counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(b),
                   static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(a)};
        key[0] += 0x9E3779B9;
        key[1] += 0xBB67AE85;
    }
    return counter;
}

// Uniform in [0, 1), 53 bits: the draw for token `position` of completion `stream`.
constexpr double UniformDraw(uint64_t seed, uint32_t stream, uint64_t position) {
    std::array<uint32_t, 4> bits =
        Philox({static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)},
               {static_cast<uint32_t>(position), static_cast<uint32_t>(position >> 32), stream, 0});
    uint64_t mantissa = (uint64_t{bits[0]} << 32 | bits[1]) >> 11;
    return static_cast<double>(mantissa) * 0x1p-53;
}

}  // namespace lathe::sampling
