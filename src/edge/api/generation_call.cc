#include "edge/api/generation_call.h"

#include <mutex>

namespace lathe::api {

// Shared with the sinks, which the engine may call after the call object has gone.
struct GenerationCall::Mailbox {
    explicit Mailbox(net::Waker exchange_waker) : waker(std::move(exchange_waker)) {}

    void Put(size_t request, engine::GenerationEvent&& event) {
        {
            std::lock_guard lock(mutex);
            if (abandoned) return;
            if (arrivals.size() >= kEventsMax && !event.last) {
                overflown = true;
                return;
            }
            arrivals.push_back({request, std::move(event)});
        }
        waker.Wake();
    }

    const net::Waker waker;
    std::mutex mutex;
    std::vector<Arrival> arrivals;  // guarded, as the rest
    bool overflown = false;
    bool abandoned = false;
};

GenerationCall::GenerationCall(engine::Engine& engine, net::Exchange& exchange)
    : engine_(engine), exchange_(exchange), mailbox_(std::make_shared<Mailbox>(exchange.waker())) {}

GenerationCall::~GenerationCall() {
    std::vector<Arrival> dropped;
    {
        std::lock_guard lock(mailbox_->mutex);
        mailbox_->abandoned = true;
        dropped.swap(mailbox_->arrivals);
    }
    for (const auto& request : submitted_)
        if (!request.over) engine_.Cancel(request.id);
}

Status GenerationCall::Submit(engine::GenerationRequest request) {
    size_t index = submitted_.size();
    LATHE_TRY(auto id, engine_.Submit(std::move(request),
                                      [mailbox = mailbox_, index](engine::GenerationEvent&& event) {
                                          mailbox->Put(index, std::move(event));
                                      }));
    submitted_.push_back({id});
    ++unfinished_;
    return {};
}

net::Task<GenerationCall::Step> GenerationCall::Next(std::chrono::milliseconds quiet) {
    auto deadline = std::chrono::steady_clock::now() + quiet;
    for (;;) {
        Step step;
        bool overflown;
        {
            std::lock_guard lock(mailbox_->mutex);
            step.arrivals.swap(mailbox_->arrivals);
            overflown = mailbox_->overflown;
        }
        if (exchange_.client_gone()) {
            step.outcome = Outcome::kGone;
            co_return step;
        }
        if (overflown && !step.arrivals.empty()) {
            // This process is so starved that thousands of events piled up: say so, and stop.
            auto& event = step.arrivals.back().event;
            event.finish = engine::FinishReason::kError;
            event.error = {Code::kResourceExhausted, "the server could not keep up; try again", {}};
        }
        if (!step.arrivals.empty()) {
            for (const auto& arrival : step.arrivals) {
                if (!arrival.event.last || submitted_[arrival.request].over) continue;
                submitted_[arrival.request].over = true;
                --unfinished_;
            }
            step.outcome = Outcome::kEvents;
            co_return step;
        }
        auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        if (left.count() <= 0) co_return step;
        co_await exchange_.Wait(left);
    }
}

}  // namespace lathe::api
