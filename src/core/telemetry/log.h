#pragma once

#include <fmt/format.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace lathe::telemetry {

enum class LogLevel { kDebug, kInfo, kWarn, kError, kOff };
enum class LogFormat { kText, kJson };

// "debug", "info", "warn", "error", "off".
Result<LogLevel> ParseLogLevel(std::string_view name);

// Where a program's log lines go, with the component and request they are about.
// One line per record, whatever the text holds (control characters are escaped):
//   text  2025-01-31T23:59:58.123Z info api [req_0123]: client went away
//   json  {"time":"…","level":"info","component":"api","request_id":"req_0123","message":"…"}
//
// A Log is a cheap handle: pass it by value. A default one discards everything.
// Thread-safe.
class Log {
public:
    Log() = default;

    static Log ToStandardError(LogLevel level, LogFormat format);
    // Every record as one line without its newline; called under a lock.
    static Log ToFunction(LogLevel level, LogFormat format,
                          std::function<void(std::string_view)> write);

    // The same destination, for another component or about one request.
    Log For(std::string_view component) const;
    Log WithRequest(std::string_view request_id) const;

    bool enabled(LogLevel level) const;

    template <typename... Args>
    void Debug(fmt::format_string<Args...> format, Args&&... args) const {
        Write(LogLevel::kDebug, format, std::forward<Args>(args)...);
    }
    template <typename... Args>
    void Info(fmt::format_string<Args...> format, Args&&... args) const {
        Write(LogLevel::kInfo, format, std::forward<Args>(args)...);
    }
    template <typename... Args>
    void Warn(fmt::format_string<Args...> format, Args&&... args) const {
        Write(LogLevel::kWarn, format, std::forward<Args>(args)...);
    }
    template <typename... Args>
    void Error(fmt::format_string<Args...> format, Args&&... args) const {
        Write(LogLevel::kError, format, std::forward<Args>(args)...);
    }

    class Sink;  // internal
private:
    template <typename... Args>
    void Write(LogLevel level, fmt::format_string<Args...> format, Args&&... args) const {
        if (enabled(level)) Record(level, fmt::format(format, std::forward<Args>(args)...));
    }
    void Record(LogLevel level, std::string_view message) const;

    std::shared_ptr<Sink> sink_;
    std::string component_;
    std::string request_id_;
};

}  // namespace lathe::telemetry
