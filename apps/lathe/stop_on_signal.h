#pragma once

#include <pthread.h>
#include <signal.h>

#include <stop_token>
#include <thread>

namespace lathe::app {

// Turns Ctrl-C and SIGTERM into a stop request while it lives. Made before any other
// thread, so that all of them leave the signals to it.
class StopOnSignal {
public:
    StopOnSignal() {
        ::sigemptyset(&signals_);
        for (int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&signals_, signal);
        ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
        ::signal(SIGXFSZ, SIG_IGN);  // a limit on file sizes is a full disk, not a crash
        waiter_ = std::jthread([this](std::stop_token done) {
            timespec wait{.tv_sec = 0, .tv_nsec = 100'000'000};
            while (!done.stop_requested())
                if (::sigtimedwait(&signals_, nullptr, &wait) > 0) source_.request_stop();
        });
    }

    std::stop_token token() const { return source_.get_token(); }

private:
    sigset_t signals_;
    std::stop_source source_;
    std::jthread waiter_;
};

}  // namespace lathe::app
