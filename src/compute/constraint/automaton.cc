#include "compute/constraint/automaton.h"

#include <algorithm>
#include <bit>
#include <boost/container_hash/hash.hpp>

#include "core/base/check.h"

namespace lathe::constraint {
namespace {

constexpr size_t kEscapesMax = size_t{1} << 15;

void SetBits(std::span<const TokenId> tokens, std::vector<uint64_t>& bits) {
    for (TokenId token : tokens) {
        auto index = static_cast<size_t>(token);
        bits[index / 64] |= uint64_t{1} << (index % 64);
    }
}

}  // namespace

Automaton::Automaton(GrammarPtr grammar, const TokenTrie& trie, const AutomatonOptions& options)
    : grammar_(std::move(grammar)), trie_(trie), options_(options), path_(trie.depth_max() + 1) {
    Reset();
}

void Automaton::Reset() {
    ++epoch_;
    stacks_.assign(2, Stack{Grammar::kNoState, 0});  // kEnd, kOpen
    stack_ids_.clear();
    sets_.assign(1, Set{});  // kDead
    set_stacks_.clear();
    next_.assign(grammar_->class_count(), kDead);
    set_ids_.clear();
    bases_.clear();
    bytes_ = 0;
}

Automaton::Position Automaton::Start() {
    std::lock_guard lock(mutex_);
    Position position;
    Restore(position, {});
    return position;
}

// Puts a position that is of an earlier epoch, or the start, where `text` leads.
bool Automaton::Restore(Position& position, std::string_view text) {
    exploded_ = false;
    work_ = 0;
    if (bytes_ > options_.bytes_max) Reset();
    if (position.epoch == epoch_) return true;
    StackId start = InternStack(grammar_->entry(), kEnd);
    position.set = CloseSet(std::array{start});
    for (char c : text) position.set = Next(position.set, static_cast<uint8_t>(c));
    position.epoch = epoch_;
    Describe(position);
    return position.set != kDead;
}

void Automaton::Describe(Position& position) const {
    position.complete = Has(position.set, kEnd);
    position.finished = position.complete && sets_[position.set].count == 1;
}

Result<bool> Automaton::Advance(Position& position, std::string_view text, std::string_view bytes) {
    std::lock_guard lock(mutex_);
    bool alive = Restore(position, text);
    for (char c : bytes) {
        if (position.set == kDead) break;
        position.set = Next(position.set, static_cast<uint8_t>(c));
    }
    alive = alive && position.set != kDead;
    if (exploded_) return std::unexpected(Exploded());
    Describe(position);
    return alive;
}

Result<MaskPtr> Automaton::Allowed(Position& position, std::string_view text) {
    std::lock_guard lock(mutex_);
    Restore(position, text);
    if (!sets_[position.set].mask) {
        MaskPtr mask = ComputeMask(position.set);
        if (exploded_) return std::unexpected(Exploded());
        sets_[position.set].mask = std::move(mask);
    }
    return sets_[position.set].mask;
}

MaskPtr Automaton::TryAllowed(const Position& position) {
    std::lock_guard lock(mutex_);
    return position.epoch == epoch_ ? sets_[position.set].mask : nullptr;
}

size_t Automaton::bytes() {
    std::lock_guard lock(mutex_);
    return bytes_;
}

// The bottoms have the lowest numbers, and no set has both.
bool Automaton::Has(SetId set, StackId bottom) const {
    return sets_[set].count > 0 && set_stacks_[sets_[set].begin] == bottom;
}

Automaton::StackId Automaton::InternStack(Grammar::State state, StackId below) {
    auto [place, added] = stack_ids_.try_emplace((uint64_t{state} << 32) | below,
                                                 static_cast<StackId>(stacks_.size()));
    if (added) {
        stacks_.push_back({state, below});
        bytes_ += 32;
    }
    return place->second;
}

// Adds to `stacks` where calls lead and where rules that may end here return to.
Automaton::SetId Automaton::CloseSet(std::span<const StackId> stacks) {
    open_.assign(stacks.begin(), stacks.end());
    closed_.clear();
    while (!open_.empty()) {
        StackId stack = open_.back();
        open_.pop_back();
        if (std::ranges::find(closed_, stack) != closed_.end()) continue;
        work_ += 1 + closed_.size() / 16;
        if (closed_.size() == kStacksMax || work_ > kWorkMax) {
            exploded_ = true;
            return kDead;
        }
        closed_.push_back(stack);
        if (stack <= kOpen) continue;
        auto [state, below] = stacks_[stack];
        for (auto [entry, next] : grammar_->Calls(state)) {
            // A call at the very end of a rule need not come back to it.
            StackId parent = grammar_->IsLast(next) ? below : InternStack(next, below);
            open_.push_back(InternStack(entry, parent));
        }
        if (grammar_->IsFinal(state)) open_.push_back(below);
    }
    return InternSet(closed_);
}

Automaton::SetId Automaton::InternSet(std::vector<StackId> stacks) {
    // A stack that no byte leads on has done its work in the closure.
    std::erase_if(stacks, [&](StackId stack) {
        return stack > kOpen && !grammar_->HasBytes(stacks_[stack].state);
    });
    if (stacks.empty()) return kDead;
    std::ranges::sort(stacks);
    uint64_t hash = boost::hash_range(stacks.begin(), stacks.end());
    std::vector<SetId>& candidates = set_ids_[hash];
    for (SetId set : candidates)
        if (std::ranges::equal(StacksOf(set), stacks)) return set;
    if (bytes_ > 2 * options_.bytes_max) {
        exploded_ = true;
        return kDead;
    }
    auto set = static_cast<SetId>(sets_.size());
    candidates.push_back(set);
    Set& added = sets_.emplace_back();
    added.begin = static_cast<uint32_t>(set_stacks_.size());
    added.count = static_cast<uint32_t>(stacks.size());
    set_stacks_.insert(set_stacks_.end(), stacks.begin(), stacks.end());
    next_.resize(next_.size() + grammar_->class_count(), kUnknown);
    bytes_ += sizeof(Set) + 64 + stacks.size() * sizeof(StackId) +
              grammar_->class_count() * sizeof(SetId);
    return set;
}

Automaton::SetId Automaton::Next(SetId set, uint8_t byte) {
    uint8_t byte_class = grammar_->ClassOf(byte);
    SetId next = next_[set * grammar_->class_count() + byte_class];
    return next != kUnknown ? next : ComputeNext(set, byte_class);
}

Automaton::SetId Automaton::ComputeNext(SetId set, uint8_t byte_class) {
    if (exploded_) return kDead;
    std::vector<StackId> moved;
    for (size_t i = 0; i < sets_[set].count; ++i) {
        StackId stack = set_stacks_[sets_[set].begin + i];
        if (stack <= kOpen) continue;
        Grammar::State to = grammar_->Next(stacks_[stack].state, byte_class);
        if (to == Grammar::kNoState) continue;
        moved.push_back(InternStack(to, stacks_[stack].below));
    }
    SetId next = moved.empty() ? kDead : CloseSet(moved);
    if (!exploded_) next_[set * grammar_->class_count() + byte_class] = next;
    return next;
}

bool Automaton::IsPlainLoop(SetId set) {
    using Loop = Set::Loop;
    if (sets_[set].plain_loop == Loop::kUnknown) {
        bool loop = ComputePlainLoop(set);
        sets_[set].plain_loop = loop ? Loop::kYes : Loop::kNo;
    }
    return sets_[set].plain_loop == Loop::kYes;
}

// Whether every character that a JSON string holds unescaped leads back to `set`, by
// looking at each pair of a set and a place within a character once.
bool Automaton::ComputePlainLoop(SetId set) {
    if (Has(set, kOpen)) return false;  // each character would be an escape
    std::vector<std::pair<SetId, Utf8Phase>> open = {{set, Utf8Phase::kWhole}};
    for (size_t i = 0; i < open.size(); ++i) {
        auto [at, phase] = open[i];
        for (size_t byte = 0; byte < 256; ++byte) {
            Utf8Phase after = AdvancePlain(phase, static_cast<uint8_t>(byte));
            if (after == Utf8Phase::kBroken) continue;
            SetId next = Next(at, static_cast<uint8_t>(byte));
            if (next == kDead || (after == Utf8Phase::kWhole && next != set)) return false;
            std::pair<SetId, Utf8Phase> pair(next, after);
            if (std::ranges::find(open, pair) == open.end()) open.push_back(pair);
        }
    }
    return true;
}

// Sets the bits of all tokens at trie nodes `begin` to `end` (whole subtrees of one
// depth) that `from` allows. With `record`, notes where the text gets to an open bottom.
void Automaton::Walk(SetId from, uint32_t begin, uint32_t end, std::vector<uint64_t>& bits,
                     Base* record) {
    if (begin == end) return;
    size_t top = trie_.node(begin).depth;
    path_[top] = from;
    // A node is much less work than a stack.
    work_ += 1 + (end - begin) / 16;
    if (work_ > kWorkMax) exploded_ = true;
    for (uint32_t i = begin; i < end && !exploded_;) {
        const TokenTrie::Node& node = trie_.node(i);
        SetId next = Next(path_[node.depth], node.byte);
        if (next == kDead) {
            i = node.skip;
            continue;
        }
        if (node.plain_below && node.skip > i + 1 && IsPlainLoop(next)) {
            SetBits(trie_.TokensFrom(i), bits);
            i = node.skip;
            continue;
        }
        SetBits(trie_.TokensAt(i), bits);
        if (record != nullptr && node.skip > i + 1 && Has(next, kOpen)) {
            record->escapes.push_back(i);
            if (record->escapes.size() > kEscapesMax) {
                record->too_many = true;
                return;
            }
        }
        path_[node.depth + size_t{1}] = next;
        ++i;
    }
}

std::shared_ptr<const Automaton::Base> Automaton::BaseOf(Grammar::State state) {
    if (auto found = bases_.find(state); found != bases_.end()) return found->second;
    auto computed = std::make_shared<Base>();
    computed->bits.resize((trie_.vocab_size() + 63) / 64);
    // Not closed: what the state calls or returns to are stacks of their own.
    SetId alone = InternSet({InternStack(state, kOpen)});
    Walk(alone, 0, static_cast<uint32_t>(trie_.node_count()), computed->bits, computed.get());
    if (computed->too_many) {
        computed->bits = {};
        computed->escapes = {};
    }
    bytes_ += sizeof(Base) + computed->bits.size() * 8 + computed->escapes.size() * 4;
    if (!exploded_) bases_.emplace(state, computed);
    return computed;
}

void Automaton::AddEscapes(const Base& base, StackId below, std::vector<uint64_t>& bits) {
    if (below == kEnd || base.escapes.empty()) return;
    SetId from = CloseSet(std::array{below});
    for (uint32_t node : base.escapes) Walk(from, node + 1, trie_.node(node).skip, bits, nullptr);
}

MaskPtr Automaton::ComputeMask(SetId set) {
    auto mask = std::make_shared<Mask>();
    mask->bits.resize((trie_.vocab_size() + 63) / 64);
    std::vector<StackId> stacks(StacksOf(set).begin(), StacksOf(set).end());
    for (StackId stack : stacks) {
        if (stack <= kOpen) continue;
        auto [state, below] = stacks_[stack];
        std::shared_ptr<const Base> base = BaseOf(state);
        if (base->too_many) {
            Walk(InternSet({stack}), 0, static_cast<uint32_t>(trie_.node_count()), mask->bits,
                 nullptr);
            continue;
        }
        for (size_t i = 0; i < mask->bits.size(); ++i) mask->bits[i] |= base->bits[i];
        AddEscapes(*base, below, mask->bits);
    }
    for (uint64_t word : mask->bits) mask->count += static_cast<size_t>(std::popcount(word));
    bytes_ += sizeof(Mask) + mask->bits.size() * 8;
    return mask;
}

Error Automaton::Exploded() const {
    return {Code::kInvalidArgument,
            fmt::format("the grammar is too ambiguous: there are more than {} ways to read the "
                        "text so far, or too many to look through; make its alternatives differ "
                        "earlier",
                        kStacksMax),
            {}};
}

Matcher::Matcher(std::shared_ptr<Automaton> automaton)
    : automaton_(std::move(automaton)), position_(automaton_->Start()) {}

Result<MaskPtr> Matcher::Allowed() {
    if (!mask_) {
        LATHE_TRY(mask_, automaton_->Allowed(position_, text_));
    }
    return mask_;
}

Result<bool> Matcher::Accept(std::string_view bytes) {
    mask_ = nullptr;
    LATHE_TRY(bool allowed, automaton_->Advance(position_, text_, bytes));
    text_ += bytes;
    return allowed;
}

}  // namespace lathe::constraint
