#pragma once

#include <signal.h>

#include <stop_token>
#include <thread>

namespace lathe::app {

// Turns Ctrl-C and SIGTERM into a stop request while it lives. Made before any other
// thread, so that all of them leave the signals to it.
class StopOnSignal {
public:
    StopOnSignal();

    std::stop_token token() const { return source_.get_token(); }

private:
    sigset_t signals_;
    std::stop_source source_;
    std::jthread waiter_;
};

}  // namespace lathe::app
