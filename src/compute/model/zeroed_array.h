#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include "core/platform/huge_memory.h"

namespace lathe::model {

// An array of zeros of a size that is fixed at its birth. A page of it costs no memory
// until it is written: buffers may be as large as the largest step, which few reach.
// Starts at a multiple of 64 bytes. Throws std::bad_alloc.
template <class T>
class ZeroedArray {
    static_assert(std::is_trivial_v<T>);

public:
    ZeroedArray() = default;
    explicit ZeroedArray(size_t size) : size_(size) {
        if (size > SIZE_MAX / sizeof(T)) throw std::bad_alloc();
        memory_ = platform::HugeMemory::Allocate(size * sizeof(T));
    }

    T* data() { return reinterpret_cast<T*>(memory_.data()); }
    const T* data() const { return reinterpret_cast<const T*>(memory_.data()); }
    size_t size() const { return size_; }

private:
    platform::HugeMemory memory_;
    size_t size_ = 0;
};

}  // namespace lathe::model
