#include "core/telemetry/log.h"

#include <fmt/chrono.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>
#include <chrono>
#include <mutex>

namespace lathe::telemetry {
namespace {

constexpr std::array<std::string_view, 5> kLevelNames = {"debug", "info", "warn", "error", "off"};

spdlog::level::level_enum ToSpdlog(LogLevel level) {
    switch (level) {
        case LogLevel::kDebug:
            return spdlog::level::debug;
        case LogLevel::kInfo:
            return spdlog::level::info;
        case LogLevel::kWarn:
            return spdlog::level::warn;
        case LogLevel::kError:
            return spdlog::level::err;
        case LogLevel::kOff:
            return spdlog::level::off;
    }
    return spdlog::level::off;
}

// Control characters as \n, \r, \t or \u00XX; for JSON also quotes and backslashes.
std::string Escaped(std::string_view text, LogFormat format) {
    std::string out;
    out.reserve(text.size());
    for (char c : text) {
        auto byte = static_cast<unsigned char>(c);
        if (c == '\n')
            out += "\\n";
        else if (c == '\r')
            out += "\\r";
        else if (c == '\t')
            out += "\\t";
        else if (byte < 0x20 || byte == 0x7f)
            out += fmt::format("\\u{:04x}", byte);
        else if (format == LogFormat::kJson && (c == '"' || c == '\\'))
            (out += '\\') += c;
        else
            out += c;
    }
    return out;
}

std::string Now() {
    auto now = std::chrono::system_clock::now();
    auto seconds = std::chrono::floor<std::chrono::seconds>(now);
    auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now - seconds).count();
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                       fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)), ms);
}

class FunctionSink : public spdlog::sinks::base_sink<std::mutex> {
public:
    explicit FunctionSink(std::function<void(std::string_view)> write) : write_(std::move(write)) {}

protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        write_(std::string_view(message.payload.data(), message.payload.size()));
    }
    void flush_() override {}

private:
    std::function<void(std::string_view)> write_;
};

}  // namespace

class Log::Sink {
public:
    Sink(spdlog::sink_ptr sink, LogLevel level, LogFormat format)
        : format_(format), logger_("lathe", std::move(sink)) {
        logger_.set_pattern("%v");
        logger_.set_level(ToSpdlog(level));
        logger_.flush_on(spdlog::level::warn);
        // spdlog reports its own trouble (a closed stderr) on stderr: that would recurse.
        logger_.set_error_handler([](const std::string&) {});
    }

    bool enabled(LogLevel level) const { return logger_.should_log(ToSpdlog(level)); }

    void Record(LogLevel level, std::string_view component, std::string_view request_id,
                std::string_view message) {
        auto name = kLevelNames[static_cast<size_t>(level)];
        auto text = Escaped(message, format_);
        std::string line;
        if (format_ == LogFormat::kJson) {
            line = fmt::format(R"({{"time":"{}","level":"{}","component":"{}")", Now(), name,
                               Escaped(component, format_));
            if (!request_id.empty())
                line += fmt::format(R"(,"request_id":"{}")", Escaped(request_id, format_));
            line += fmt::format(R"(,"message":"{}"}})", text);
        } else {
            line = fmt::format("{} {} {}", Now(), name, Escaped(component, format_));
            if (!request_id.empty()) line += fmt::format(" [{}]", Escaped(request_id, format_));
            line += fmt::format(": {}", text);
        }
        logger_.log(ToSpdlog(level), spdlog::string_view_t(line.data(), line.size()));
    }

private:
    LogFormat format_;
    spdlog::logger logger_;
};

Result<LogLevel> ParseLogLevel(std::string_view name) {
    for (size_t i = 0; i < kLevelNames.size(); ++i)
        if (kLevelNames[i] == name) return static_cast<LogLevel>(i);
    return InvalidArgument("unknown log level \"{}\"; use debug, info, warn, error or off", name);
}

Log Log::ToStandardError(LogLevel level, LogFormat format) {
    Log log;
    log.sink_ =
        std::make_shared<Sink>(std::make_shared<spdlog::sinks::stderr_sink_mt>(), level, format);
    log.component_ = "lathe";
    return log;
}

Log Log::ToFunction(LogLevel level, LogFormat format, std::function<void(std::string_view)> write) {
    Log log;
    log.sink_ =
        std::make_shared<Sink>(std::make_shared<FunctionSink>(std::move(write)), level, format);
    log.component_ = "lathe";
    return log;
}

Log Log::For(std::string_view component) const {
    Log log = *this;
    log.component_ = component;
    return log;
}

Log Log::WithRequest(std::string_view request_id) const {
    Log log = *this;
    log.request_id_ = request_id;
    return log;
}

bool Log::enabled(LogLevel level) const {
    return sink_ != nullptr && level != LogLevel::kOff && sink_->enabled(level);
}

void Log::Record(LogLevel level, std::string_view message) const {
    sink_->Record(level, component_, request_id_, message);
}

}  // namespace lathe::telemetry
