#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "compute/kernels/table.h"
#include "core/base/result.h"

namespace lathe::model {

struct KvLayout {
    kernels::KvType type = kernels::KvType::kF16;
    uint32_t layer_count = 0;
    uint32_t kv_head_count = 0;
    uint32_t head_dim = 0;
};

// The memory of the KV cache, in pages of kernels::kPageTokens tokens. A page holds
// keys and values of its tokens for all layers: [layer][kv head][keys, values], each
// as long as the kernels say and laid out by them. Which page belongs to whom
// is the scheduler's business.
//
// Engine thread and the team it runs only.
class KvStorage {
public:
    // Error (kResourceExhausted) if the memory cannot be had.
    static Result<KvStorage> Create(const KvLayout& layout, uint32_t page_count);

    static size_t PageBytes(const KvLayout& layout);

    uint32_t page_count() const { return page_count_; }
    const KvLayout& layout() const { return layout_; }

    // Makes `to` the same as `from`.
    void CopyPage(uint32_t from, uint32_t to) const;

    std::byte* Keys(uint32_t page, uint32_t layer, uint32_t kv_head) const;
    std::byte* Values(uint32_t page, uint32_t layer, uint32_t kv_head) const;

private:
    struct Unmap {
        size_t bytes;
        void operator()(std::byte* memory) const;
    };
    KvLayout layout_;
    uint32_t page_count_ = 0;
    size_t page_bytes_ = 0;
    size_t key_bytes_ = 0;  // of one head in one page
    size_t value_bytes_ = 0;
    std::unique_ptr<std::byte[], Unmap> memory_;  // untouched pages cost nothing
};

}  // namespace lathe::model
