#include "learn/choose/pareto_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/html.h"

namespace lathe::choose {
namespace {

constexpr double kWidth = 720, kHeight = 380;
constexpr double kLeft = 56, kRight = 24, kTop = 18, kBottom = 48;

// A step of 1, 2 or 5 times a power of ten that gives at most about six lines.
double StepFor(double range) {
    double raw = range / 5;
    double power = std::pow(10, std::floor(std::log10(raw)));
    for (double step : {1.0, 2.0, 5.0})
        if (raw <= step * power) return step * power;
    return 10 * power;
}

class Drawing {
public:
    explicit Drawing(const ParetoChart& chart) : chart_(chart) {
        x_high_ = chart.limit.value_or(0);
        y_low_ = 0;
        y_high_ = 0.01;
        for (const ParetoChart::Point& point : chart.points) {
            x_high_ = std::max(x_high_, point.x);
            y_low_ = std::min(y_low_, point.low);
            y_high_ = std::max(y_high_, point.high);
        }
        x_high_ = x_high_ > 0 ? x_high_ * 1.08 : 1;
        double margin = 0.06 * (y_high_ - y_low_);
        if (y_low_ < 0) y_low_ -= margin;
        y_high_ += margin;
    }

    std::string Svg() const {
        return fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n", kWidth,
                           kHeight, EscapeHtml(chart_.y_title + " / " + chart_.x_title)) +
               Axes() + LimitLine() + Front() + Points() + "</svg>\n";
    }

private:
    double X(double value) const { return kLeft + value / x_high_ * (kWidth - kLeft - kRight); }
    double Y(double value) const {
        return kTop + (y_high_ - value) / (y_high_ - y_low_) * (kHeight - kTop - kBottom);
    }

    std::string Axes() const {
        std::string out;
        double step = StepFor(y_high_ - y_low_);
        for (double at = std::ceil(y_low_ / step) * step; at <= y_high_; at += step)
            out += fmt::format(
                "<line class=\"grid\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>"
                "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{:.3g}</text>\n",
                kLeft, kWidth - kRight, Y(at), Y(at), kLeft - 6, Y(at) + 4,
                std::abs(at) < step / 2 ? 0.0 : 100 * at);
        step = StepFor(x_high_);
        for (double at = 0; at <= x_high_; at += step)
            out += fmt::format(
                "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{:.4g}</text>\n", X(at),
                kHeight - kBottom + 18, at);
        out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n",
                           (kLeft + kWidth - kRight) / 2, kHeight - 8, EscapeHtml(chart_.x_title));
        return out + fmt::format(
                         "<text transform=\"translate(14 {:.1f}) rotate(-90)\" "
                         "text-anchor=\"middle\">{}</text>\n",
                         (kTop + kHeight - kBottom) / 2, EscapeHtml(chart_.y_title));
    }

    std::string LimitLine() const {
        if (!chart_.limit) return "";
        return fmt::format(
            "<line class=\"limit\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\"/>\n",
            X(*chart_.limit), kTop, kHeight - kBottom);
    }

    std::string Front() const {
        std::vector<const ParetoChart::Point*> front;
        for (const ParetoChart::Point& point : chart_.points)
            if (point.on_front) front.push_back(&point);
        std::ranges::sort(front, {}, &ParetoChart::Point::x);
        std::string path;
        for (const ParetoChart::Point* point : front)
            path +=
                fmt::format("{}{:.1f},{:.1f}", path.empty() ? "" : " ", X(point->x), Y(point->y));
        return front.size() < 2 ? ""
                                : fmt::format("<polyline class=\"front\" points=\"{}\"/>\n", path);
    }

    std::string Points() const {
        std::string out;
        for (const ParetoChart::Point& point : chart_.points) {
            std::string_view kind = point.recommended    ? "best"
                                    : point.keeps_limits ? "point"
                                                         : "out";
            out += fmt::format(
                "<g class=\"{}\"><title>{}</title><line class=\"bar\" x1=\"{:.1f}\" x2=\"{:.1f}\" "
                "y1=\"{:.1f}\" y2=\"{:.1f}\"/><circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"9\"/>"
                "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text></g>\n",
                kind, EscapeHtml(point.title), X(point.x), X(point.x), Y(point.low), Y(point.high),
                X(point.x), Y(point.y), X(point.x), Y(point.y) + 4, EscapeHtml(point.label));
        }
        return out;
    }

    const ParetoChart& chart_;
    double x_high_ = 0;
    double y_low_ = 0;
    double y_high_ = 0;
};

}  // namespace

std::string ParetoChart::AsSvg() const {
    return points.empty() ? "" : Drawing(*this).Svg();
}

}  // namespace lathe::choose
