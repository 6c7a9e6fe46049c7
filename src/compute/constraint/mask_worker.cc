#include "compute/constraint/mask_worker.h"

#include <algorithm>
#include <utility>

namespace lathe::constraint {

void MaskTask::TryRun() {
    uint32_t expected = kWaiting;
    if (!state_.compare_exchange_strong(expected, kRunning)) return;
    mask_ = matcher_->Allowed();
    state_.store(kDone);
    state_.notify_all();
}

Result<MaskPtr> MaskTask::Get() {
    TryRun();
    state_.wait(kRunning);
    return mask_;
}

MaskWorker::MaskWorker(const tokenizer::Tokenizer& tokenizer, size_t vocab_size)
    : tokenizer_(tokenizer), vocab_size_(vocab_size) {}

MaskWorker::~MaskWorker() = default;

std::shared_ptr<Matcher> MaskWorker::NewMatcher(const GrammarPtr& grammar) {
    if (!trie_) {
        trie_.emplace(tokenizer_, vocab_size_);
        thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
    }
    auto found = std::ranges::find(automata_, grammar, &Automaton::grammar);
    if (found == automata_.end()) {
        Evict();
        automata_.push_back(std::make_shared<Automaton>(grammar, *trie_));
    } else {
        std::rotate(found, found + 1, automata_.end());
    }
    return std::make_shared<Matcher>(automata_.back());
}

// Makes room for one more. What running texts use stays until they end.
void MaskWorker::Evict() {
    size_t bytes = 0;
    for (const auto& automaton : automata_) bytes += automaton->bytes();
    while (!automata_.empty() && (automata_.size() >= kAutomataMax || bytes > kAutomataBytesMax)) {
        bytes -= std::min(bytes, automata_.front()->bytes());
        automata_.erase(automata_.begin());
    }
}

std::shared_ptr<MaskTask> MaskWorker::Post(std::shared_ptr<Matcher> matcher) {
    bool is_known = matcher->TryAllowed() != nullptr;
    auto task = std::make_shared<MaskTask>(std::move(matcher));
    if (is_known) return task;
    std::lock_guard lock(mutex_);
    tasks_.push_back(task);
    wake_.notify_one();
    return task;
}

void MaskWorker::Run(const std::stop_token& stop) {
    for (;;) {
        std::shared_ptr<MaskTask> task;
        {
            std::unique_lock lock(mutex_);
            if (!wake_.wait(lock, stop, [&] { return !tasks_.empty(); })) return;
            task = std::move(tasks_.front());
            tasks_.pop_front();
        }
        task->TryRun();
    }
}

}  // namespace lathe::constraint
