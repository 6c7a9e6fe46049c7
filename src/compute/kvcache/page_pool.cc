#include "compute/kvcache/page_pool.h"

#include "core/base/check.h"

namespace lathe::kvcache {

Result<PagePool> PagePool::Create(uint32_t page_count) {
    if (page_count == 0 || page_count > kPageCountMax)
        return InvalidArgument("a KV cache of {} pages; from 1 to {} are possible", page_count,
                               kPageCountMax);
    return PagePool(page_count);
}

PagePool::PagePool(uint32_t page_count)
    : references_(page_count, 0),
      next_(page_count + 1, page_count),
      previous_(page_count + 1, page_count) {
    for (PageId page = 0; page < page_count; ++page) Link(page, page_count);
}

bool PagePool::TryAllocate(std::span<PageId> pages) {
    if (pages.size() > free_count_) return false;
    for (PageId& page : pages) {
        page = next_[page_count()];
        Unlink(page);
        references_[page] = 1;
    }
    return true;
}

void PagePool::Retain(PageId page) {
    LATHE_CHECK(page < references_.size());
    if (references_[page]++ == 0) Unlink(page);
}

void PagePool::Release(PageId page, Contents contents) {
    LATHE_CHECK(page < references_.size() && references_[page] > 0);
    if (--references_[page] > 0) return;
    auto end = static_cast<PageId>(page_count());
    Link(page, contents == Contents::kKept ? end : next_[end]);
}

void PagePool::Link(PageId page, PageId before) {
    PageId after = previous_[before];
    next_[after] = page;
    previous_[page] = after;
    next_[page] = before;
    previous_[before] = page;
    ++free_count_;
}

void PagePool::Unlink(PageId page) {
    next_[previous_[page]] = next_[page];
    previous_[next_[page]] = previous_[page];
    --free_count_;
}

}  // namespace lathe::kvcache
