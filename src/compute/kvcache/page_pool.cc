#include "compute/kvcache/page_pool.h"

#include "core/base/check.h"

namespace lathe::kvcache {

Result<PagePool> PagePool::Create(uint32_t page_count) {
    if (page_count == 0 || page_count > kPageCountMax)
        return InvalidArgument("a KV cache of {} pages; from 1 to {} are possible", page_count,
                               kPageCountMax);
    return PagePool(page_count);
}

PagePool::PagePool(uint32_t page_count) : references_(page_count, 0) {
    free_.reserve(page_count);
    for (uint32_t page = page_count; page-- > 0;) free_.push_back(page);  // 0 goes first
}

bool PagePool::TryAllocate(std::span<PageId> pages) {
    if (pages.size() > free_.size()) return false;
    for (PageId& page : pages) {
        page = free_.back();
        free_.pop_back();
        references_[page] = 1;
    }
    return true;
}

void PagePool::Retain(PageId page) {
    LATHE_CHECK(page < references_.size() && references_[page] > 0);
    ++references_[page];
}

void PagePool::Release(PageId page) {
    LATHE_CHECK(page < references_.size() && references_[page] > 0);
    if (--references_[page] == 0) free_.push_back(page);
}

}  // namespace lathe::kvcache
