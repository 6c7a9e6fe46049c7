#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/result.h"

namespace lathe::kvcache {

// Number of a page of the KV cache: the keys and values of a run of tokens, all layers.
using PageId = uint32_t;

// Hands out the pages of the KV cache and lets sequences with a common beginning
// share them. Counts references only: the memory itself belongs to the model's runner.
//
//   free --TryAllocate--> used(1) --Retain--> used(n) --Release (n times)--> free
//
// Engine thread only. Allocates no memory after Create().
class PagePool {
public:
    static constexpr uint32_t kPageCountMax = 1u << 24;

    // Error (kInvalidArgument) unless 1 <= page_count <= kPageCountMax.
    static Result<PagePool> Create(uint32_t page_count);

    // Fills `pages`, one reference each, or returns false and changes nothing.
    [[nodiscard]] bool TryAllocate(std::span<PageId> pages);

    // Adds a reference. Requires: `page` is used.
    void Retain(PageId page);

    // Drops a reference; the last one frees the page. Requires: `page` is used.
    void Release(PageId page);

    size_t page_count() const { return references_.size(); }
    size_t free_count() const { return free_.size(); }
    uint32_t references(PageId page) const { return references_[page]; }

private:
    explicit PagePool(uint32_t page_count);

    std::vector<uint32_t> references_;  // [page]; 0 = free
    std::vector<PageId> free_;          // stack: the page freed last is still in cache
};

}  // namespace lathe::kvcache
