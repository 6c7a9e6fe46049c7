#include "stop_on_signal.h"

#include <pthread.h>

#include <ctime>

namespace lathe::app {

StopOnSignal::StopOnSignal() {
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

}  // namespace lathe::app
