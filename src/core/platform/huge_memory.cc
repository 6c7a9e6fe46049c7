#include "core/platform/huge_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <utility>

namespace lathe::platform {
namespace {

constexpr size_t kHugePage = 2 << 20;
constexpr size_t kSlabBytes = 64 << 20;  // reserved, not taken
constexpr size_t kPage = 4096;
#if __has_feature(address_sanitizer)
constexpr bool kPools = false;  // the sanitizer watches what it has allocated itself
#else
constexpr bool kPools = true;
#endif
constexpr size_t kBytesMax = size_t{1} << 40;  // more is a mistake, not a model

constexpr size_t RoundUp(size_t value, size_t step) {
    return (value + step - 1) / step * step;
}

}  // namespace

// Address space for many blocks, given back with the last of them.
struct HugeMemory::Slab {
    explicit Slab(size_t bytes) : size(RoundUp(bytes, kHugePage) + kHugePage) {
        memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED) throw std::bad_alloc();
        // Where huge pages are not to be had, small ones do.
        (void)::madvise(memory, size, MADV_HUGEPAGE);
        auto address = reinterpret_cast<uintptr_t>(memory);
        used = RoundUp(address, kHugePage) - address;
    }
    Slab(const Slab&) = delete;
    ~Slab() { ::munmap(memory, size); }

    // Null if it does not fit in what is left.
    std::byte* Take(size_t bytes) {
        bytes = RoundUp(bytes, kAlignment);
        if (bytes > size - used) return nullptr;
        return static_cast<std::byte*>(memory) + std::exchange(used, used + bytes);
    }

    size_t size;
    size_t used;
    void* memory;
};

class HugeMemory::Pool {
public:
    std::shared_ptr<Slab> Take(size_t bytes, std::byte** data) {
        std::lock_guard lock(mutex_);
        if (current_ != nullptr && (*data = current_->Take(bytes)) != nullptr) return current_;
        auto slab = std::make_shared<Slab>(std::max(bytes, kSlabBytes));
        *data = slab->Take(bytes);
        // What has more room left is kept for the next ones.
        if (current_ == nullptr || slab->size - slab->used > current_->size - current_->used)
            current_ = slab;
        return slab;
    }

private:
    std::mutex mutex_;
    std::shared_ptr<Slab> current_;
};

HugeMemory HugeMemory::Allocate(size_t bytes) {
    HugeMemory block;
    if (bytes == 0) return block;
    if (bytes > kBytesMax) throw std::bad_alloc();
    if (kPools && bytes >= kPooledBytes) {
        static Pool& pool = *new Pool;  // outlives every block
        block.slab_ = pool.Take(bytes, &block.data_);
    } else {
        void* memory = std::aligned_alloc(kAlignment, RoundUp(bytes, kAlignment));
        if (memory == nullptr) throw std::bad_alloc();
        block.data_ = static_cast<std::byte*>(std::memset(memory, 0, bytes));
    }
    block.bytes_ = bytes;
    return block;
}

HugeMemory& HugeMemory::operator=(HugeMemory&& other) noexcept {
    if (this == &other) return *this;
    Release();
    slab_ = std::move(other.slab_);
    data_ = std::exchange(other.data_, nullptr);
    bytes_ = std::exchange(other.bytes_, 0);
    return *this;
}

void HugeMemory::Release() {
    if (slab_ == nullptr) {
        std::free(data_);
        return;
    }
    // Pages that lie in the block as a whole.
    auto begin = reinterpret_cast<uintptr_t>(data_);
    uintptr_t first = RoundUp(begin, kPage), last = (begin + bytes_) / kPage * kPage;
    if (slab_.use_count() > 1 && first < last)
        ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
    slab_.reset();
}

}  // namespace lathe::platform
