#pragma once

#include <optional>
#include <string>
#include <vector>

namespace lathe::choose {

// Quality against something that should be low (memory, cost) or high (speed), as an SVG
// picture for a page: numbered points with their intervals, the front (nobody is both better
// and cheaper) as a line, a limit as a dashed one. Colours come from the page's CSS:
// .point, .out (breaks a limit), .best, .front, .bar, .grid, .limit.
struct ParetoChart {
    struct Point {
        std::string label{};  // in the circle
        std::string title{};  // what a pointer over it shows
        double x = 0;         // at least 0
        double y = 0;         // quality
        double low = 0;       // of its interval
        double high = 0;
        bool on_front = false;
        bool keeps_limits = true;
        bool recommended = false;
    };
    std::string x_title;
    std::string y_title;
    std::optional<double> limit;  // on the x axis
    std::vector<Point> points;

    // "" without points.
    std::string AsSvg() const;
};

}  // namespace lathe::choose
