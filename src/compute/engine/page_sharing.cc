#include "compute/engine/page_sharing.h"

#include <algorithm>
#include <string>

#include "core/base/check.h"

namespace lathe::engine {
namespace {

using kvcache::PrefixKey;

// Completion 0 of a request whose prompt is scored needs the logits of every row.
bool Reads(const Sequence& sequence) {
    return !(sequence.request->computes_prompt && sequence.index == 0);
}

}  // namespace

Result<PageSharing> PageSharing::Create(const Options& options) {
    LATHE_CHECK(options.page_tokens >= 1);
    LATHE_TRY(kvcache::PagePool pool, kvcache::PagePool::Create(options.page_count));
    return PageSharing(std::move(pool), options);
}

PageSharing::PageSharing(kvcache::PagePool pool, const Options& options)
    : pool_(std::move(pool)),
      index_(pool_.page_count()),
      page_tokens_(options.page_tokens),
      shares_(options.shares),
      tells_prompts_apart_(options.tells_prompts_apart),
      writers_(pool_.page_count(), nullptr) {}

int32_t PageSharing::PagesFor(int32_t length) const {
    return (length + page_tokens_ - 1) / page_tokens_;
}

// One model, one type of keys and values: what makes pages of one engine differ besides
// tokens is who may know that they are there.
void PageSharing::SetKeys(ScheduledRequest& request) const {
    if (!shares_) return;
    const auto& spec = request.spec;
    std::string owner = std::to_string(spec.tenant.size()) + ":";
    owner += spec.tenant;
    owner += spec.salt;
    request.root = hasher_.Root(owner);
    auto page_tokens = static_cast<size_t>(page_tokens_);
    PrefixKey key = request.root;
    for (size_t begin = 0; begin + page_tokens <= spec.prompt.size(); begin += page_tokens) {
        key = hasher_.Next(key, spec.prompt.subspan(begin, page_tokens));
        request.prompt_keys.push_back(key);
    }
}

std::span<const PrefixKey> PageSharing::KeysOf(const Sequence& sequence) const {
    return sequence.keys.empty() ? sequence.request->prompt_keys : sequence.keys;
}

// How many pages a sequence may find at most.
int32_t PageSharing::FindableMax(const Sequence& sequence) const {
    if (!shares_ || !Reads(sequence)) return 0;
    int32_t tokens = sequence.length - 1;
    if (sequence.request->has_continuations()) {
        // Completion 0 gives the logits behind the prompt, so it computes its last token.
        auto prompt = static_cast<int32_t>(sequence.request->spec.prompt.size());
        tokens = sequence.index == 0 ? prompt - 1 : prompt;
    }
    int32_t pages = tokens / page_tokens_;
    LATHE_CHECK(static_cast<size_t>(pages) <= KeysOf(sequence).size());
    return pages;
}

bool PageSharing::Waits(const Sequence& sequence, PageId page) const {
    return !index_.full(page) && writers_[page] != &sequence &&
           RanksBefore(writers_[page], &sequence);
}

PageSharing::Match PageSharing::Look(Sequence& sequence) const {
    Match match;
    std::span<const PrefixKey> keys =
        KeysOf(sequence).first(static_cast<size_t>(FindableMax(sequence)));
    // A long queue asks in every step: mostly it still waits for the same page.
    if (auto last = static_cast<size_t>(sequence.waits_at); last < keys.size()) {
        auto page = index_.Find(keys[last]);
        match.waits = page && Waits(sequence, *page);
        if (match.waits) return match;
    }
    sequence.waits_at = -1;
    for (size_t i = 0; i < keys.size(); ++i) {
        auto page = index_.Find(keys[i]);
        if (!page) break;
        bool full = index_.full(*page);
        if (!full && !Waits(sequence, *page)) break;
        if (full && match.waits) break;
        if (full) {
            ++match.pages;
            match.free += pool_.references(*page) == 0;
        } else {
            match.waits = true;
            sequence.waits_at = static_cast<int32_t>(i);
        }
    }
    return match;
}

bool PageSharing::TryTake(Sequence& sequence, const Match& match, size_t spare) {
    auto shared = static_cast<size_t>(match.pages);
    auto all = static_cast<size_t>(PagesFor(sequence.length));
    size_t wanted = all - shared + match.free + spare;
    if (pool_.free_count() < wanted) DropPromptEnds();
    if (pool_.free_count() < wanted) return false;
    const auto& spec = sequence.request->spec;
    if (sequence.tokens.empty()) {  // room for what may come: a step allocates nothing
        sequence.tokens = sequence.request->KnownTokens(sequence.index);
        sequence.tokens.reserve(static_cast<size_t>(spec.length_max) + 1);
        sequence.keys.reserve(static_cast<size_t>(PagesFor(spec.length_max)));
        sequence.keys = sequence.request->prompt_keys;
        if (shares_ && Reads(sequence)) queries_ += spec.prompt.size();
        hits_ += shared * static_cast<size_t>(page_tokens_);
    }
    sequence.pages.reserve(static_cast<size_t>(PagesFor(spec.length_max)));
    for (size_t i = 0; i < shared; ++i) {
        sequence.pages.push_back(*index_.Find(sequence.keys[i]));
        pool_.Retain(sequence.pages.back());
    }
    sequence.pages.resize(all);
    LATHE_CHECK(TryAllocate(std::span(sequence.pages).subspan(shared)));
    sequence.shared = match.pages * page_tokens_;
    CopyPromptEnd(sequence, shared);
    sequence.computed = sequence.shared;
    for (size_t i = shared; i < sequence.keys.size() && i < all; ++i) Claim(sequence, i);
    return true;
}

// Where the pages of the prompt are all there but for the one in which it ends, that is
// copied: what stands behind the prompt in it is written over.
void PageSharing::CopyPromptEnd(Sequence& sequence, size_t shared) {
    const ScheduledRequest& request = *sequence.request;
    size_t prompt = request.spec.prompt.size();
    if (!request.prompt_end || shared != prompt / static_cast<size_t>(page_tokens_)) return;
    copies_.push_back({*request.prompt_end, sequence.pages[shared]});
    sequence.shared = static_cast<int32_t>(prompt);
}

void PageSharing::KeepPromptEnd(const Sequence& sequence) {
    ScheduledRequest& request = *sequence.request;
    size_t prompt = request.spec.prompt.size();
    auto page_tokens = static_cast<size_t>(page_tokens_);
    if (!shares_ || prompt % page_tokens == 0) return;
    PageId page = sequence.pages[prompt / page_tokens];
    pool_.Retain(page);
    request.prompt_end = page;
    prompt_ends_.push_back(&request);
}

void PageSharing::DropPromptEnd(ScheduledRequest& request) {
    if (!request.prompt_end) return;
    Release(*request.prompt_end);
    request.prompt_end.reset();
    std::erase(prompt_ends_, &request);
}

void PageSharing::DropPromptEnds() {
    while (!prompt_ends_.empty()) DropPromptEnd(*prompt_ends_.back());
}

bool PageSharing::TryGrow(Sequence& sequence) {
    PageId page{};
    if (pool_.free_count() == 0) DropPromptEnds();
    if (!TryAllocate(std::span(&page, 1))) return false;
    sequence.pages.push_back(page);
    return true;
}

// The last pages first, so that of a chain the end is overwritten before the beginning.
void PageSharing::Drop(Sequence& sequence) {
    for (size_t i = sequence.pages.size(); i-- > 0;) {
        PageId page = sequence.pages[i];
        if (index_.holds(page) && !index_.full(page)) index_.Erase(page);
        Release(page);
    }
    sequence.pages.clear();
    sequence.computed = 0;
    sequence.shared = 0;
}

bool PageSharing::TryAllocate(std::span<PageId> pages) {
    if (!pool_.TryAllocate(pages)) return false;
    for (PageId page : pages)
        if (index_.holds(page)) index_.Erase(page);
    return true;
}

void PageSharing::Release(PageId page) {
    using enum kvcache::PagePool::Contents;
    pool_.Release(page, index_.holds(page) ? kKept : kWorthless);
}

// Makes the sequence the writer of its page `i` for others to wait for, unless
// somebody has computed it or will before this one comes to it.
void PageSharing::Claim(Sequence& sequence, size_t i) {
    PageId own = sequence.pages[i];
    auto found = index_.Find(sequence.keys[i]);
    if (found) {
        if (*found == own || index_.full(*found) || Waits(sequence, *found)) return;
        index_.Erase(*found);
    }
    index_.Insert(sequence.keys[i], own);
    writers_[own] = &sequence;
}

// The sequence's page `i` has the same contents as `page`: one of them is enough.
void PageSharing::Swap(Sequence& sequence, size_t i, PageId page) {
    pool_.Retain(page);
    Release(std::exchange(sequence.pages[i], page));
}

bool PageSharing::Advance(Sequence& sequence) {
    int32_t pages = FindableMax(sequence);
    while (sequence.computed % page_tokens_ == 0 && sequence.computed / page_tokens_ < pages) {
        auto i = static_cast<size_t>(sequence.computed / page_tokens_);
        auto found = index_.Find(sequence.keys[i]);
        if (!found || !index_.full(*found)) {
            if (found && Waits(sequence, *found)) return false;
            Claim(sequence, i);
            return true;
        }
        Swap(sequence, i, *found);
        sequence.computed += page_tokens_;
    }
    return true;
}

void PageSharing::Commit(Sequence& sequence, int32_t begin) {
    if (!shares_) return;
    auto page_tokens = static_cast<size_t>(page_tokens_);
    auto end = static_cast<size_t>(sequence.computed) / page_tokens;
    for (size_t i = static_cast<size_t>(begin) / page_tokens; i < end; ++i) {
        if (sequence.keys.size() == i) sequence.keys.push_back(NextKey(sequence));
        SettlePage(sequence, i);
    }
}

// Of the next page, which the text has filled.
PrefixKey PageSharing::NextKey(const Sequence& sequence) const {
    auto page_tokens = static_cast<size_t>(page_tokens_);
    size_t page = sequence.keys.size();
    size_t begin = page * page_tokens;
    PrefixKey before = page == 0 ? sequence.request->root : sequence.keys.back();
    auto prompt = static_cast<size_t>(sequence.request->generated_from(sequence));
    if (tells_prompts_apart_ && prompt >= begin &&
        prompt < begin + page_tokens) {  // the text begins here
        auto mark = static_cast<TokenId>(begin) - static_cast<TokenId>(prompt) - 1;
        before = hasher_.Next(before, std::span(&mark, 1));
    }
    return hasher_.Next(before, std::span(sequence.tokens).subspan(begin, page_tokens));
}

// The sequence has computed all of its page `i`.
void PageSharing::SettlePage(Sequence& sequence, size_t i) {
    PageId own = sequence.pages[i];
    auto found = index_.Find(sequence.keys[i]);
    if (found && *found != own && index_.full(*found)) return Swap(sequence, i, *found);
    if (found && *found != own) index_.Erase(*found);
    if (!found || *found != own) index_.Insert(sequence.keys[i], own);
    index_.MarkFull(own);
    writers_[own] = nullptr;
}

void PageSharing::CheckAccounts(std::span<ScheduledRequest* const> requests) const {
    std::vector<uint32_t> references(pool_.page_count(), 0);
    size_t found = 0;
    for (const ScheduledRequest* request : requests) {
        if (request->prompt_end) ++references[*request->prompt_end];
        for (const Sequence& sequence : request->sequences) {
            for (PageId page : sequence.pages) ++references[page];
            auto computed = static_cast<size_t>(sequence.computed / page_tokens_);
            for (size_t i = 0; i < sequence.pages.size(); ++i) {
                PageId page = sequence.pages[i];
                if (!index_.holds(page)) continue;
                LATHE_CHECK(index_.key(page) == sequence.keys[i]);
                LATHE_CHECK(index_.full(page) ? i < computed : writers_[page] == &sequence);
            }
        }
    }
    size_t free = 0;
    for (size_t i = 0; i < references.size(); ++i) {
        auto page = static_cast<PageId>(i);
        LATHE_CHECK(references[page] == pool_.references(page));
        free += references[page] == 0;
        if (!index_.holds(page)) continue;
        ++found;
        LATHE_CHECK(index_.Find(index_.key(page)) == page);
        // What is being filled is in the hands of its writer, and of nobody else.
        LATHE_CHECK(index_.full(page) || references[page] == 1);
    }
    LATHE_CHECK(free == pool_.free_count() && found == index_.size());
}

}  // namespace lathe::engine
