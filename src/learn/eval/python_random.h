#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace lathe::eval {

// Python's random.Random(seed) for a seed of 64 bits: the Mersenne Twister MT19937
// (Matsumoto and Nishimura, 1998) with CPython's ways to seed it and to draw. The
// reference harness chooses few-shot examples and bootstraps with it, so equal seeds must
// give equal choices. One thread.
class PythonRandom {
public:
    explicit PythonRandom(uint64_t seed);

    double Random();  // in [0, 1), 53 bits
    // In [0, bound). Requires: bound >= 1.
    uint64_t Below(uint64_t bound);
    // Positions that random.sample(population, count) takes of `size`. Requires: count <= size.
    std::vector<size_t> Sample(size_t size, size_t count);

private:
    static constexpr size_t kWords = 624;

    uint32_t Next();
    void Twist();

    std::array<uint32_t, kWords> state_{};
    size_t at_ = kWords;
};

}  // namespace lathe::eval
