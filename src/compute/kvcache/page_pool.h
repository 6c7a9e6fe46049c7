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
//    '------Retain: a free page whose contents were kept is wanted again-----^
//
// Free pages stand in a row and are handed out from its front. Pages of no worth go
// to the front, those worth keeping to the back, so that the contents that were used
// least recently are overwritten first.
//
// Engine thread only. Allocates no memory after Create().
class PagePool {
public:
    static constexpr uint32_t kPageCountMax = 1u << 24;

    enum class Contents : uint8_t { kWorthless, kKept };

    // Error (kInvalidArgument) unless 1 <= page_count <= kPageCountMax.
    static Result<PagePool> Create(uint32_t page_count);

    // Fills `pages`, one reference each, or returns false and changes nothing.
    [[nodiscard]] bool TryAllocate(std::span<PageId> pages);

    // Adds a reference; a free page leaves the row.
    void Retain(PageId page);

    // Drops a reference; the last one frees the page. Requires: `page` is used.
    void Release(PageId page, Contents contents = Contents::kWorthless);

    size_t page_count() const { return references_.size(); }
    size_t free_count() const { return free_count_; }
    uint32_t references(PageId page) const { return references_[page]; }

private:
    explicit PagePool(uint32_t page_count);

    void Link(PageId page, PageId before);
    void Unlink(PageId page);

    std::vector<uint32_t> references_;  // [page]; 0 = free
    // The row of free pages, a ring through the place [page_count], which is no page.
    std::vector<PageId> next_;
    std::vector<PageId> previous_;
    size_t free_count_ = 0;
};

}  // namespace lathe::kvcache
