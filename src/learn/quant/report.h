#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/json/json.h"

namespace lathe::quant {

// One precision of a model: what it costs and what it gains.
struct ReportRow {
    // A task's score, and which share of the source's is kept, with its 95 % interval: from
    // the documents' paired differences. For whoever evaluates tasks.
    struct Score {
        std::string task;
        std::string metric;
        double value = 0;
        std::optional<double> kept{};  // none where the source scores 0; 1: the source
        double low = 1;
        double high = 1;
    };

    std::string name;  // "Q4_K_M"; of the first row, the source's
    uint64_t file_bytes = 0;
    uint64_t resident_bytes = 0;  // of a process that has loaded it, at its peak
    double prefill_tokens_per_second = 0;
    double decode_tokens_per_second = 0;
    double perplexity = 0;
    double kl_mean = 0;  // nats, from the source
    double kl_p999 = 0;
    double top1_agreement = 0;  // share of positions
    std::vector<Score> scores{};
};

// What `lathe quantize --report` shows. Const-safe.
struct Report {
    std::string model;
    std::string text;  // that was measured on
    uint64_t positions = 0;
    std::string machine;
    std::vector<ReportRow> rows;  // the source first

    std::string AsText() const;
    Json AsJson() const;
    // One page without outside parts: the tables, and divergence against size as a chart.
    std::string AsHtml() const;
};

}  // namespace lathe::quant
