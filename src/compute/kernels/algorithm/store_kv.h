// Writes a token's key and value into its slot of their pages.
#pragma once

#include "compute/kernels/algorithm/kv_int8.h"
#include "compute/kernels/table.h"

namespace lathe::kernels {

template <class S>
struct KvStore {
    static void Run(const KvEntry& entry) {
        switch (entry.type) {
            case KvType::kF32:
                return StoreF32(entry);
            case KvType::kF16:
                return StoreF16(entry);
            case KvType::kI8:
                return KvInt8<S>::Store(entry);
        }
    }

private:
    static void StoreF32(const KvEntry& entry) {
        size_t n = entry.head_dim;
        auto* keys = static_cast<float*>(entry.key_page) + entry.slot;
        for (size_t d = 0; d < n; ++d) keys[d * kPageTokens] = entry.key[d];
        std::memcpy(static_cast<float*>(entry.value_page) + entry.slot * n, entry.value,
                    n * sizeof(float));
    }

    static void StoreF16(const KvEntry& entry) {
        constexpr size_t kLanes = S::kLanes;
        size_t n = entry.head_dim;
        auto* keys = static_cast<uint16_t*>(entry.key_page) + entry.slot;
        auto* values = static_cast<uint16_t*>(entry.value_page) + entry.slot * n;
        for (size_t d = 0; d < n; d += kLanes) {
            size_t left = n - d < kLanes ? n - d : kLanes;
            uint16_t halves[kLanes];
            S::StoreHalfPartial(halves, S::LoadPartial(entry.key + d, left), left);
            for (size_t i = 0; i < left; ++i) keys[(d + i) * kPageTokens] = halves[i];
            S::StoreHalfPartial(values + d, S::LoadPartial(entry.value + d, left), left);
        }
    }
};

}  // namespace lathe::kernels
