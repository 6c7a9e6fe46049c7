#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compute/engine/sequence.h"
#include "compute/kvcache/page_pool.h"
#include "compute/kvcache/prefix_index.h"
#include "compute/kvcache/prefix_key.h"

namespace lathe::engine {

// Gives sequences their pages, and the same pages to those that begin alike.
//
// A full page is named by a key: who may share it (tenant and salt), and all tokens up
// to its end. Full pages stay findable after their sequences, until the pool needs
// them. A page that a running sequence is going to compute is findable too: another one
// that wants it waits if the writer ranks before it, so that waits form no ring, and
// else computes it by itself. At the beginning of each page a prompt takes over what
// others have computed meanwhile.
//
// A page with more than one reference is full and never written, but for the one in which
// the prompt of a request with continuations ends: what is written there lies behind that. The last
// token of a sequence is never found, since its logits are wanted.
//
// Engine thread only.
class PageSharing {
public:
    struct Options {
        uint32_t page_count = 0;
        int32_t page_tokens = 0;
        bool shares = true;  // else every sequence computes everything by itself
        // A token gives other keys and values when it is generated than in a prompt: a page
        // has another name if it holds text, even if a later prompt repeats that.
        bool tells_prompts_apart = false;
    };
    static Result<PageSharing> Create(const Options& options);

    // Computes the keys of a new request's prompt.
    void SetKeys(ScheduledRequest& request) const;

    // What a waiting sequence would find.
    struct Match {
        int32_t pages = 0;   // at its beginning, full
        size_t free = 0;     // how many of them are free now
        bool waits = false;  // another one is computing what comes next
    };
    Match Look(Sequence& sequence) const;

    // Takes the pages that match and new ones for all known tokens. False, and nothing
    // has changed, if fewer than `spare` pages would stay free.
    bool TryTake(Sequence& sequence, const Match& match, size_t spare);
    // One more page; false if none is free.
    bool TryGrow(Sequence& sequence);
    // Gives up all pages. What is full stays findable.
    void Drop(Sequence& sequence);

    // Before a prompt goes on: takes over pages that others have computed meanwhile
    // (`computed` rises). False if it has to wait for another one.
    bool Advance(Sequence& sequence);
    // Tokens from `begin` to `computed` are in the pages now.
    void Commit(Sequence& sequence, int32_t begin);

    // The prompt that `sequence` has computed ends inside a page: keeps that page for the
    // request's other completions, which begin with a copy of it, as long as nobody else
    // needs it.
    void KeepPromptEnd(const Sequence& sequence);
    void DropPromptEnd(ScheduledRequest& request);
    // Copies to make before the next step, in this order; they are the caller's then.
    struct Copy {
        PageId from{};
        PageId to{};
    };
    std::span<const Copy> copies() const { return copies_; }
    void ForgetCopies() { copies_.clear(); }

    int32_t PagesFor(int32_t length) const;
    const kvcache::PagePool& pool() const { return pool_; }
    // Whether a page's contents may be found.
    bool findable(PageId page) const { return index_.holds(page) && index_.full(page); }
    uint64_t queries() const { return queries_; }  // prompt tokens that were looked up
    uint64_t hits() const { return hits_; }        // of them, tokens that were found

    // Recounts references and findable pages; aborts if the accounts are wrong.
    void CheckAccounts(std::span<ScheduledRequest* const> requests) const;

private:
    PageSharing(kvcache::PagePool pool, const Options& options);

    int32_t FindableMax(const Sequence& sequence) const;
    kvcache::PrefixKey NextKey(const Sequence& sequence) const;
    std::span<const kvcache::PrefixKey> KeysOf(const Sequence& sequence) const;
    bool Waits(const Sequence& sequence, PageId page) const;
    void CopyPromptEnd(Sequence& sequence, size_t shared);
    void DropPromptEnds();
    bool TryAllocate(std::span<PageId> pages);
    void Release(PageId page);
    void Claim(Sequence& sequence, size_t i);
    void Swap(Sequence& sequence, size_t i, PageId page);
    void SettlePage(Sequence& sequence, size_t i);

    kvcache::PagePool pool_;
    kvcache::PrefixIndex index_;
    kvcache::PrefixHasher hasher_;
    int32_t page_tokens_;
    bool shares_;
    bool tells_prompts_apart_;
    std::vector<const Sequence*> writers_;        // [page], of those that are being filled
    std::vector<ScheduledRequest*> prompt_ends_;  // that keep a page
    std::vector<Copy> copies_;
    uint64_t queries_ = 0;
    uint64_t hits_ = 0;
};

}  // namespace lathe::engine
