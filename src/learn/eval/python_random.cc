#include "learn/eval/python_random.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <unordered_set>

namespace lathe::eval {

// CPython's init_by_array with the seed's 32-bit digits, lowest first.
PythonRandom::PythonRandom(uint64_t seed) {
    std::array<uint32_t, 2> key = {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
    size_t digits = key[1] != 0 ? 2 : 1;
    state_[0] = 19650218u;
    for (uint32_t i = 1; i < kWords; ++i)
        state_[i] = 1812433253u * (state_[i - 1] ^ (state_[i - 1] >> 30)) + i;
    size_t i = 1;
    size_t j = 0;
    auto step = [&] {
        if (++i < kWords) return;
        state_[0] = state_[kWords - 1];
        i = 1;
    };
    for (size_t k = 0; k < kWords; ++k) {
        uint32_t mixed = (state_[i - 1] ^ (state_[i - 1] >> 30)) * 1664525u;
        state_[i] = (state_[i] ^ mixed) + key[j] + static_cast<uint32_t>(j);
        step();
        j = (j + 1) % digits;
    }
    for (size_t k = 1; k < kWords; ++k) {
        uint32_t mixed = (state_[i - 1] ^ (state_[i - 1] >> 30)) * 1566083941u;
        state_[i] = (state_[i] ^ mixed) - static_cast<uint32_t>(i);
        step();
    }
    state_[0] = 0x80000000u;
}

void PythonRandom::Twist() {
    for (size_t i = 0; i < kWords; ++i) {
        uint32_t y = (state_[i] & 0x80000000u) | (state_[(i + 1) % kWords] & 0x7fffffffu);
        state_[i] = state_[(i + 397) % kWords] ^ (y >> 1) ^ ((y & 1u) != 0 ? 0x9908b0dfu : 0u);
    }
    at_ = 0;
}

uint32_t PythonRandom::Next() {
    if (at_ == kWords) Twist();
    uint32_t y = state_[at_++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

double PythonRandom::Random() {
    uint32_t high = Next() >> 5;
    uint32_t low = Next() >> 6;
    return (high * 67108864.0 + low) * (1.0 / 9007199254740992.0);
}

// getrandbits until it is below: `bit_length` bits, 32 at a time, lowest word first.
uint64_t PythonRandom::Below(uint64_t bound) {
    auto bits = static_cast<unsigned>(std::bit_width(bound));
    while (true) {
        uint64_t value = 0;
        if (bits <= 32) {
            value = Next() >> (32 - bits);
        } else {
            value = Next();
            value |= uint64_t{Next() >> (64 - bits)} << 32;
        }
        if (value < bound) return value;
    }
}

// CPython chooses between a pool and a set of what was taken by their size; the draws
// differ, so the choice is part of the result.
std::vector<size_t> PythonRandom::Sample(size_t size, size_t count) {
    size_t set_size = 21;
    if (count > 5)
        set_size += static_cast<size_t>(
            std::pow(4.0, std::ceil(std::log(static_cast<double>(count) * 3) / std::log(4.0))));
    std::vector<size_t> taken;
    taken.reserve(count);
    if (size <= set_size) {
        std::vector<size_t> pool(size);
        for (size_t i = 0; i < size; ++i) pool[i] = i;
        for (size_t i = 0; i < count; ++i) {
            size_t at = Below(size - i);
            taken.push_back(pool[at]);
            pool[at] = pool[size - i - 1];
        }
        return taken;
    }
    std::unordered_set<size_t> seen;
    while (taken.size() < count) {
        size_t at = Below(size);
        if (seen.insert(at).second) taken.push_back(at);
    }
    return taken;
}

}  // namespace lathe::eval
