#include "compute/sampling/row_scan.h"

#include <cmath>
#include <limits>
#include <numeric>

#include "core/base/check.h"
#include "core/platform/cpu.h"

namespace lathe::sampling {
namespace {

constexpr size_t kLanes = 16;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct BlockScan {
    float max = -kInfinity;
    bool sound = true;
};

// A block's operations are the same whatever vectors carry them out (no multiply-add is fused,
// CMakeLists.txt), and so are its bits.
[[gnu::always_inline]] inline BlockScan ScanLanes(const float* logits) {
    float max[kLanes];
    int32_t broken[kLanes] = {};
    std::fill_n(max, kLanes, -kInfinity);
    for (size_t i = 0; i < kScanBlock; i += kLanes)
        for (size_t lane = 0; lane < kLanes; ++lane) {
            float x = logits[i + lane];
            max[lane] = x > max[lane] ? x : max[lane];
            broken[lane] |= !(x < kInfinity);  // NaN too
        }
    BlockScan result;
    for (size_t lane = 0; lane < kLanes; ++lane) {
        result.max = std::max(result.max, max[lane]);
        result.sound = result.sound && broken[lane] == 0;
    }
    return result;
}

BlockScan ScanTail(std::span<const float> logits) {
    BlockScan result;
    for (float x : logits) {
        result.max = x > result.max ? x : result.max;
        result.sound = result.sound && x < kInfinity;
    }
    return result;
}

[[gnu::always_inline]] inline double SumLanes(const float* logits, float max,
                                              float inverse_temperature) {
    float sums[kLanes] = {};
    for (size_t i = 0; i < kScanBlock; i += kLanes)
        for (size_t lane = 0; lane < kLanes; ++lane)
            sums[lane] += ExpNonPositive((logits[i + lane] - max) * inverse_temperature);
    return std::accumulate(sums, sums + kLanes, 0.0);
}

struct BlockFunctions {
    BlockScan (*scan)(const float*) = [](const float* logits) { return ScanLanes(logits); };
    double (*sum)(const float*, float, float) = [](const float* logits, float max, float inverse) {
        return SumLanes(logits, max, inverse);
    };
};

#if defined(__x86_64__)
#define LATHE_AVX2 __attribute__((target("avx2")))
#define LATHE_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
LATHE_AVX2 BlockScan ScanAvx2(const float* logits) {
    return ScanLanes(logits);
}
LATHE_AVX2 double SumAvx2(const float* logits, float max, float inverse_temperature) {
    return SumLanes(logits, max, inverse_temperature);
}
LATHE_AVX512 BlockScan ScanAvx512(const float* logits) {
    return ScanLanes(logits);
}
LATHE_AVX512 double SumAvx512(const float* logits, float max, float inverse_temperature) {
    return SumLanes(logits, max, inverse_temperature);
}
#endif

// Of this machine.
const BlockFunctions& Blocks() {
    static const BlockFunctions functions = [] {
#if defined(__x86_64__)
        platform::CpuFeatures cpu = platform::DetectCpuFeatures();
        if (cpu.avx512) return BlockFunctions{ScanAvx512, SumAvx512};
        if (cpu.avx2) return BlockFunctions{ScanAvx2, SumAvx2};
#endif
        return BlockFunctions{};
    }();
    return functions;
}

double SumTail(std::span<const float> logits, float max, float inverse_temperature) {
    double sum = 0;
    for (float x : logits) sum += ExpNonPositive((x - max) * inverse_temperature);
    return sum;
}

std::span<const float> BlockOf(std::span<const float> logits, size_t block) {
    size_t begin = block * kScanBlock;
    return logits.subspan(begin, std::min(kScanBlock, logits.size() - begin));
}

// Drops what comes after `boundary` in the order of Before.
void KeepUpTo(std::vector<Candidate>& candidates, const Candidate& boundary) {
    std::erase_if(candidates, [&](const Candidate& c) { return Before(boundary, c); });
}

}  // namespace

ScannedRow ScanRow(std::span<const float> logits, std::vector<float>& block_max) {
    size_t blocks = (logits.size() + kScanBlock - 1) / kScanBlock;
    block_max.resize(blocks);
    ScannedRow row{logits, block_max, -kInfinity, true};
    const auto scan_block = Blocks().scan;
    for (size_t block = 0; block < blocks; ++block) {
        std::span<const float> part = BlockOf(logits, block);
        BlockScan scan = part.size() == kScanBlock ? scan_block(part.data()) : ScanTail(part);
        block_max[block] = scan.max;
        row.max = std::max(row.max, scan.max);
        row.sound = row.sound && scan.sound;
    }
    row.sound = row.sound && row.max > -kInfinity;
    return row;
}

TokenId ArgMax(const ScannedRow& row) {
    LATHE_CHECK(row.sound);
    size_t block =
        std::find(row.block_max.begin(), row.block_max.end(), row.max) - row.block_max.begin();
    std::span<const float> part = BlockOf(row.logits, block);
    size_t offset = std::find(part.begin(), part.end(), row.max) - part.begin();
    return static_cast<TokenId>(block * kScanBlock + offset);
}

double SumExp(const ScannedRow& row, float inverse_temperature, std::vector<double>* block_sums) {
    LATHE_CHECK(row.sound);
    if (block_sums) block_sums->assign(row.block_max.size(), 0);
    double total = 0;
    const auto sum_block = Blocks().sum;
    for (size_t block = 0; block < row.block_max.size(); ++block) {
        if ((row.block_max[block] - row.max) * inverse_temperature < kExpZero) continue;
        std::span<const float> part = BlockOf(row.logits, block);
        double sum = part.size() == kScanBlock
                         ? sum_block(part.data(), row.max, inverse_temperature)
                         : SumTail(part, row.max, inverse_temperature);
        if (block_sums) (*block_sums)[block] = sum;
        total += sum;
    }
    return total;
}

void CollectAtLeast(const ScannedRow& row, float threshold, std::vector<Candidate>& out) {
    threshold = std::max(threshold, std::numeric_limits<float>::lowest());  // above -infinity
    out.clear();
    for (size_t block = 0; block < row.block_max.size(); ++block) {
        if (row.block_max[block] < threshold) continue;
        size_t begin = block * kScanBlock;
        size_t end = std::min(begin + kScanBlock, row.logits.size());
        for (size_t i = begin; i < end; ++i)
            if (row.logits[i] >= threshold)
                out.push_back({static_cast<TokenId>(i), row.logits[i], 0});
    }
}

void CollectTop(const ScannedRow& row, size_t count, std::vector<Candidate>& out,
                std::vector<Candidate>& spare) {
    out.clear();
    if (count == 0) return;
    if (count == 1) {
        TokenId best = ArgMax(row);
        out.push_back({best, row.max, 0});
        return;
    }
    // The count-th largest block maximum: at least `count` logits reach it, and rarely many more.
    float threshold = -kInfinity;
    if (count <= row.block_max.size()) {
        spare.clear();
        for (float max : row.block_max) spare.push_back({0, max, 0});
        std::nth_element(spare.begin(), spare.begin() + (count - 1), spare.end(),
                         [](const Candidate& a, const Candidate& b) { return a.logit > b.logit; });
        threshold = spare[count - 1].logit;
    }
    CollectAtLeast(row, threshold, out);
    KeepTop(out, count, spare);
}

void KeepTop(std::vector<Candidate>& candidates, size_t count, std::vector<Candidate>& spare) {
    if (candidates.size() <= count) return;
    if (count == 0) return candidates.clear();
    spare = candidates;
    std::nth_element(spare.begin(), spare.begin() + (count - 1), spare.end(), Before);
    KeepUpTo(candidates, spare[count - 1]);
}

void KeepMass(std::vector<Candidate>& candidates, double mass, std::vector<Candidate>& spare) {
    if (candidates.empty()) return;
    spare = candidates;
    // The answer's last candidate lies in [low, high); what is before low sums to `below` < mass.
    size_t low = 0;
    size_t high = spare.size();
    double below = 0;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        std::nth_element(spare.begin() + low, spare.begin() + middle, spare.begin() + high, Before);
        double sum = 0;
        for (size_t i = low; i < middle; ++i) sum += spare[i].weight;
        if (below + sum >= mass) {
            high = middle;
        } else {
            below += sum;
            low = middle;
        }
    }
    KeepUpTo(candidates, spare[low]);
}

}  // namespace lathe::sampling
