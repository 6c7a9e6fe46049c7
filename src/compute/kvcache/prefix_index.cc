#include "compute/kvcache/prefix_index.h"

#include <bit>

#include "core/base/check.h"

namespace lathe::kvcache {

PrefixIndex::PrefixIndex(size_t page_count)
    : buckets_(std::bit_ceil(page_count), kNone), entries_(page_count) {}

std::optional<PageId> PrefixIndex::Find(const PrefixKey& key) const {
    PageId page = buckets_[key.low & (buckets_.size() - 1)];
    while (page != kNone && entries_[page].key != key) page = entries_[page].next;
    return page == kNone ? std::nullopt : std::optional(page);
}

void PrefixIndex::Insert(const PrefixKey& key, PageId page) {
    LATHE_CHECK(!holds(page) && !Find(key));
    PageId& bucket = Bucket(key);
    entries_[page] = {key, bucket, State::kFilling};
    bucket = page;
    ++size_;
}

void PrefixIndex::MarkFull(PageId page) {
    LATHE_CHECK(holds(page));
    entries_[page].state = State::kFull;
}

void PrefixIndex::Erase(PageId page) {
    LATHE_CHECK(holds(page));
    PageId* link = &Bucket(entries_[page].key);
    while (*link != page) link = &entries_[*link].next;
    *link = entries_[page].next;
    entries_[page] = {};
    --size_;
}

}  // namespace lathe::kvcache
