#include "compute/model/kv_storage.h"

#include <sys/mman.h>

#include <cstring>

#include "core/base/check.h"

namespace lathe::model {
size_t KvStorage::PageBytes(const KvLayout& layout) {
    size_t head_bytes = kernels::KvKeyPageBytes(layout.type, layout.head_dim) +
                        kernels::KvValuePageBytes(layout.type, layout.head_dim);
    return size_t{layout.layer_count} * layout.kv_head_count * head_bytes;
}

Result<KvStorage> KvStorage::Create(const KvLayout& layout, uint32_t page_count) {
    KvStorage storage;
    storage.layout_ = layout;
    storage.page_count_ = page_count;
    storage.key_bytes_ = kernels::KvKeyPageBytes(layout.type, layout.head_dim);
    storage.value_bytes_ = kernels::KvValuePageBytes(layout.type, layout.head_dim);
    storage.page_bytes_ = PageBytes(layout);
    size_t bytes = storage.page_bytes_ * page_count;
    void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return MakeError(Code::kResourceExhausted,
                         "cannot reserve {} MiB for the KV cache; give a smaller --kv-memory",
                         bytes >> 20);
    storage.memory_ = {static_cast<std::byte*>(memory), Unmap{bytes}};
    return storage;
}

void KvStorage::Unmap::operator()(std::byte* memory) const {
    ::munmap(memory, bytes);
}

void KvStorage::CopyPage(uint32_t from, uint32_t to) const {
    LATHE_CHECK(from < page_count_ && to < page_count_ && from != to);
    std::memcpy(memory_.get() + to * page_bytes_, memory_.get() + from * page_bytes_, page_bytes_);
}

std::byte* KvStorage::Keys(uint32_t page, uint32_t layer, uint32_t kv_head) const {
    LATHE_CHECK(page < page_count_);
    size_t head = size_t{layer} * layout_.kv_head_count + kv_head;
    return memory_.get() + page * page_bytes_ + head * (key_bytes_ + value_bytes_);
}

std::byte* KvStorage::Values(uint32_t page, uint32_t layer, uint32_t kv_head) const {
    return Keys(page, layer, kv_head) + key_bytes_;
}

}  // namespace lathe::model
