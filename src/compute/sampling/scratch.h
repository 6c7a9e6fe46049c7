#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "compute/sampling/row_scan.h"

namespace lathe::sampling {

// Buffers of one pass over a row of logits. They keep their size from use to use.
struct Scratch {
    std::vector<float> adjusted;  // [vocab_size]
    std::vector<float> block_max;
    std::vector<double> block_sums;
    std::vector<Candidate> candidates;
    std::vector<Candidate> spare;
};

// Lends scratches to whichever threads visit logits, so that there are as many as
// threads and not as many as sequences. Never waits: if all are lent out, a borrower
// gets a new one that lives as long as its loan.
//
// Thread-safe.
class ScratchPool {
    struct alignas(64) Slot {
        std::atomic<bool> taken{false};
        Scratch scratch;
    };

public:
    class Loan {
    public:
        explicit Loan(Slot* slot) : slot_(slot) {}
        explicit Loan(std::unique_ptr<Scratch> own) : own_(std::move(own)) {}
        Loan(const Loan&) = delete;
        Loan& operator=(const Loan&) = delete;
        ~Loan() {
            if (slot_) slot_->taken.store(false, std::memory_order_release);
        }
        Scratch& operator*() const { return slot_ ? slot_->scratch : *own_; }

    private:
        Slot* slot_ = nullptr;
        std::unique_ptr<Scratch> own_;
    };

    explicit ScratchPool(size_t size) : size_(size), slots_(std::make_unique<Slot[]>(size)) {}

    Loan Borrow() {
        for (size_t i = 0; i < size_; ++i)
            if (!slots_[i].taken.load(std::memory_order_relaxed) &&
                !slots_[i].taken.exchange(true, std::memory_order_acquire))
                return Loan(&slots_[i]);
        return Loan(std::make_unique<Scratch>());
    }

private:
    size_t size_;
    std::unique_ptr<Slot[]> slots_;
};

}  // namespace lathe::sampling
