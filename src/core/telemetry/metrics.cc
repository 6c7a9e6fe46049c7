#include "core/telemetry/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <mutex>

#include "core/base/check.h"

namespace lathe::telemetry {
namespace {

prometheus::Labels ToPrometheus(const Labels& labels) {
    return {labels.begin(), labels.end()};
}

}  // namespace

void Counter::Add(double amount) {
    LATHE_CHECK(amount >= 0);
    if (series_ != nullptr) static_cast<prometheus::Counter*>(series_)->Increment(amount);
}

double Counter::value() const {
    return series_ != nullptr ? static_cast<prometheus::Counter*>(series_)->Value() : 0;
}

void Gauge::Set(double value) {
    if (series_ != nullptr) static_cast<prometheus::Gauge*>(series_)->Set(value);
}

void Gauge::Add(double amount) {
    if (series_ != nullptr) static_cast<prometheus::Gauge*>(series_)->Increment(amount);
}

void Histogram::Observe(double value) {
    if (series_ != nullptr) static_cast<prometheus::Histogram*>(series_)->Observe(value);
}

struct Metrics::State {
    std::mutex mutex;
    prometheus::Registry registry;
    // The registry would merge families of one name but warns against it: keep our own index.
    std::map<std::string, prometheus::Family<prometheus::Counter>*, std::less<>> counters;
    std::map<std::string, prometheus::Family<prometheus::Gauge>*, std::less<>> gauges;
    std::map<std::string, prometheus::Family<prometheus::Histogram>*, std::less<>> histograms;
    std::vector<std::function<void()>> refreshers;

    template <typename Map, typename Build>
    auto& FamilyOf(Map& families, Build build, std::string_view name, std::string_view help) {
        auto found = families.find(name);
        if (found == families.end()) {
            auto& family =
                build().Name(std::string(name)).Help(std::string(help)).Register(registry);
            found = families.emplace(std::string(name), &family).first;
        }
        return *found->second;
    }
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

Counter Metrics::AddCounter(std::string_view name, std::string_view help, const Labels& labels) {
    std::lock_guard lock(state_->mutex);
    auto& family = state_->FamilyOf(state_->counters, prometheus::BuildCounter, name, help);
    return Counter(&family.Add(ToPrometheus(labels)));
}

Gauge Metrics::AddGauge(std::string_view name, std::string_view help, const Labels& labels) {
    std::lock_guard lock(state_->mutex);
    auto& family = state_->FamilyOf(state_->gauges, prometheus::BuildGauge, name, help);
    return Gauge(&family.Add(ToPrometheus(labels)));
}

Histogram Metrics::AddHistogram(std::string_view name, std::string_view help,
                                std::span<const double> bounds, const Labels& labels) {
    std::lock_guard lock(state_->mutex);
    auto& family = state_->FamilyOf(state_->histograms, prometheus::BuildHistogram, name, help);
    return Histogram(&family.Add(ToPrometheus(labels), prometheus::Histogram::BucketBoundaries(
                                                           bounds.begin(), bounds.end())));
}

void Metrics::OnCollect(std::function<void()> refresh) {
    std::lock_guard lock(state_->mutex);
    state_->refreshers.push_back(std::move(refresh));
}

std::string Metrics::Serialize() const {
    std::vector<std::function<void()>> refreshers;
    {
        std::lock_guard lock(state_->mutex);
        refreshers = state_->refreshers;
    }
    for (const auto& refresh : refreshers) refresh();
    return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

}  // namespace lathe::telemetry
