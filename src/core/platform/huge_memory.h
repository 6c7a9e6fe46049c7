// Zeroed memory for arrays that live long and are read in streams: weights, activations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace lathe::platform {

// A block of zeros at a multiple of 64 bytes, so that no vector lies in two lines of the
// cache. Blocks of kPooledBytes and more lie side by side in huge pages, where the system
// has them (on Linux: transparent_hugepage `always` or `madvise`), for a panel of weights
// streams through many small ones. A page costs no memory until it is written; destroying a
// block gives its pages back. Under the address sanitizer each block is allocated apart.
//
// Move-only. Allocate() and the destructor may be called from any thread.
class HugeMemory {
public:
    static constexpr size_t kAlignment = 64;
    static constexpr size_t kPooledBytes = 32 << 10;

    HugeMemory() = default;
    // Throws std::bad_alloc. No bytes give an empty block, whose data() is null.
    static HugeMemory Allocate(size_t bytes);
    HugeMemory(HugeMemory&& other) noexcept { *this = std::move(other); }
    HugeMemory& operator=(HugeMemory&& other) noexcept;
    ~HugeMemory() { Release(); }

    std::byte* data() const { return data_; }

private:
    struct Slab;
    class Pool;

    void Release();

    std::shared_ptr<Slab> slab_;  // null: allocated apart
    std::byte* data_ = nullptr;
    size_t bytes_ = 0;
};

}  // namespace lathe::platform
