#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "compute/engine/engine.h"
#include "core/net/http_server.h"

namespace lathe::api {

// The engine requests of one API call, and their events brought from the engine's thread
// to the coroutine of the exchange through a bounded mailbox.
//
//   Submit(request 0), Submit(request 1) ..., then Next() until done()
//
// What is not over when the object goes is cancelled: a handler that returns for whatever
// reason leaves nothing running. The exchange's coroutine only.
class GenerationCall {
public:
    // Events that wait for the coroutine; more end the call with kResourceExhausted.
    static constexpr size_t kEventsMax = 4096;

    struct Arrival {
        size_t request = 0;  // in the order of Submit
        engine::GenerationEvent event;
    };
    enum class Outcome { kEvents, kQuiet, kGone };
    struct Step {
        Outcome outcome = Outcome::kQuiet;
        std::vector<Arrival> arrivals;
    };

    GenerationCall(engine::Engine& engine, net::Exchange& exchange);
    ~GenerationCall();
    GenerationCall(const GenerationCall&) = delete;
    GenerationCall& operator=(const GenerationCall&) = delete;

    Status Submit(engine::GenerationRequest request);

    // What has come, or waits for the first of it; kQuiet if nothing came for so long,
    // kGone when the client left.
    net::Task<Step> Next(std::chrono::milliseconds quiet);

    // Every request has had its last event, and they were all taken.
    bool done() const { return unfinished_ == 0; }

private:
    struct Mailbox;
    engine::Engine& engine_;
    net::Exchange& exchange_;
    std::shared_ptr<Mailbox> mailbox_;
    struct Submitted {
        engine::RequestId id;
        bool over = false;
    };
    std::vector<Submitted> submitted_;
    size_t unfinished_ = 0;
};

}  // namespace lathe::api
