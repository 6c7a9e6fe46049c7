#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>

namespace lathe::model {

// An array of zeros of a size that is fixed at its birth. A page of it costs no memory
// until it is written: buffers may be as large as the largest step, which few reach.
// Starts at a multiple of 16 bytes. Throws std::bad_alloc.
template <class T>
class ZeroedArray {
    static_assert(std::is_trivial_v<T>);

public:
    ZeroedArray() = default;
    explicit ZeroedArray(size_t size) : size_(size) {
        if (size == 0) return;
        data_.reset(static_cast<T*>(std::calloc(size, sizeof(T))));
        if (data_ == nullptr) throw std::bad_alloc();
    }

    T* data() { return data_.get(); }
    const T* data() const { return data_.get(); }
    size_t size() const { return size_; }

private:
    struct Free {
        void operator()(T* data) const { std::free(data); }
    };
    std::unique_ptr<T[], Free> data_;
    size_t size_ = 0;
};

}  // namespace lathe::model
