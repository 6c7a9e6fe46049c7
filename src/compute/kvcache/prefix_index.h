#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "compute/kvcache/page_pool.h"
#include "compute/kvcache/prefix_key.h"

namespace lathe::kvcache {

// Which page holds which contents, or is going to: the table behind prefix sharing.
// A key has one page and a page one key.
//
//   (absent) --Insert--> filling --MarkFull--> full --Erase--> (absent)
//                           '--------Erase--------------------------^
//
// Knows nothing of references: whoever hands out a page again erases it first.
// Engine thread only. Allocates no memory after construction.
class PrefixIndex {
public:
    // Room for every page of a pool.
    explicit PrefixIndex(size_t page_count);

    // The page with the contents `key` names, full or not.
    std::optional<PageId> Find(const PrefixKey& key) const;

    // Requires: neither the key nor the page is there.
    void Insert(const PrefixKey& key, PageId page);
    // All of the page's contents are computed. Requires: it is there.
    void MarkFull(PageId page);
    // Requires: it is there.
    void Erase(PageId page);

    bool holds(PageId page) const { return entries_[page].state != State::kAbsent; }
    bool full(PageId page) const { return entries_[page].state == State::kFull; }
    const PrefixKey& key(PageId page) const { return entries_[page].key; }
    size_t size() const { return size_; }

private:
    static constexpr PageId kNone = ~PageId{0};
    enum class State : uint8_t { kAbsent, kFilling, kFull };
    struct Entry {
        PrefixKey key;
        PageId next = kNone;  // of the same bucket
        State state = State::kAbsent;
    };

    // Keys are already spread: any of their bits will do.
    PageId& Bucket(const PrefixKey& key) { return buckets_[key.low & (buckets_.size() - 1)]; }

    std::vector<PageId> buckets_;  // a power of two
    std::vector<Entry> entries_;   // [page]
    size_t size_ = 0;
};

}  // namespace lathe::kvcache
