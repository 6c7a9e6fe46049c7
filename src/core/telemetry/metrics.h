#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lathe::telemetry {

using Labels = std::vector<std::pair<std::string, std::string>>;

// A number that only grows. Thread-safe.
class Counter {
public:
    Counter() = default;  // counts nothing, until one of Metrics is assigned
    // Requires: amount >= 0.
    void Add(double amount = 1);
    double value() const;

private:
    friend class Metrics;
    explicit Counter(void* series) : series_(series) {}
    void* series_ = nullptr;  // prometheus::Counter
};

// A number that goes up and down. Thread-safe.
class Gauge {
public:
    Gauge() = default;
    void Set(double value);
    void Add(double amount);

private:
    friend class Metrics;
    explicit Gauge(void* series) : series_(series) {}
    void* series_ = nullptr;  // prometheus::Gauge
};

// How often a quantity fell below each of a row of bounds. Thread-safe.
class Histogram {
public:
    Histogram() = default;
    void Observe(double value);

private:
    friend class Metrics;
    explicit Histogram(void* series) : series_(series) {}
    void* series_ = nullptr;  // prometheus::Histogram
};

// The numbers a program shows to Prometheus. Asking twice for the same name and
// labels gives the same series. The handles stay valid as long as the Metrics.
// Names are our own, so a malformed one is a bug. Label values must come from a
// small fixed set (a model, a route, a status; never a key, a user or a path a
// client made up).
//
// Thread-safe.
class Metrics {
public:
    Metrics();
    ~Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    Counter AddCounter(std::string_view name, std::string_view help, const Labels& labels = {});
    Gauge AddGauge(std::string_view name, std::string_view help, const Labels& labels = {});
    // `bounds`: rising upper bounds; +Inf is added.
    Histogram AddHistogram(std::string_view name, std::string_view help,
                           std::span<const double> bounds, const Labels& labels = {});

    // Called at the start of each Serialize, to bring gauges up to date.
    void OnCollect(std::function<void()> refresh);

    // Prometheus text format 0.0.4.
    std::string Serialize() const;
    static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace lathe::telemetry
