#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "compute/constraint/automaton.h"
#include "compute/constraint/grammar.h"
#include "compute/constraint/token_trie.h"

namespace lathe::constraint {

// The mask of one text at one place: computed by whoever comes first, the worker's thread or
// the one that needs it.
//
// Thread-safe; the matcher is used by nobody else until Get has returned.
class MaskTask {
public:
    explicit MaskTask(std::shared_ptr<Matcher> matcher) : matcher_(std::move(matcher)) {}

    // Computes the mask if nobody has begun to.
    void TryRun();
    // The mask; computes it, or waits for the one who does. Errors of Matcher::Allowed.
    Result<MaskPtr> Get();

private:
    enum State : uint32_t { kWaiting, kRunning, kDone };

    std::atomic<uint32_t> state_{kWaiting};
    const std::shared_ptr<Matcher> matcher_;
    Result<MaskPtr> mask_;
};

// Computes masks while the model computes logits: a thread that sleeps when there is nothing
// to do. Keeps the automata of the grammars used last, and the trie of the vocabulary, which is
// built with the first grammar.
//
// One thread at a time (the engine's).
class MaskWorker {
public:
    static constexpr size_t kAutomataMax = 64;
    static constexpr size_t kAutomataBytesMax = size_t{256} << 20;

    // `tokenizer` outlives it. `vocab_size` is the number of logits.
    MaskWorker(const tokenizer::Tokenizer& tokenizer, size_t vocab_size);
    ~MaskWorker();
    MaskWorker(const MaskWorker&) = delete;
    MaskWorker& operator=(const MaskWorker&) = delete;

    // For one more text under `grammar`. It must not outlive the worker.
    std::shared_ptr<Matcher> NewMatcher(const GrammarPtr& grammar);

    // Begins to compute the mask that follows the matcher's text, unless it is known already.
    std::shared_ptr<MaskTask> Post(std::shared_ptr<Matcher> matcher);

private:
    void Run(const std::stop_token& stop);
    void Evict();

    const tokenizer::Tokenizer& tokenizer_;
    const size_t vocab_size_;
    std::optional<TokenTrie> trie_;
    std::vector<std::shared_ptr<Automaton>> automata_;  // used last: at the end

    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::deque<std::shared_ptr<MaskTask>> tasks_;  // guarded; of one step, each text once
    std::jthread thread_;                          // last: it uses the above; begins with the trie
};

}  // namespace lathe::constraint
