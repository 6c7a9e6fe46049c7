#include "bench/bench_report.h"

#include <fmt/format.h>

namespace lathe::app {
namespace {

double MiB(size_t bytes) {
    return static_cast<double>(bytes) / (1 << 20);
}

std::string Percent(std::optional<double> share) {
    return share ? fmt::format("{:.0f} %", *share * 100) : "-";
}

std::string SharesText(const Shares& shares) {
    return fmt::format("{:>8} {:>8} {:>8}", Percent(shares.int8), Percent(shares.f32),
                       Percent(shares.bandwidth));
}

Json SharesJson(const Shares& shares) {
    Json out{{"f32", shares.f32}, {"bandwidth", shares.bandwidth}};
    if (shares.int8) out["int8"] = *shares.int8;
    return out;
}

Json PercentilesJson(const Percentiles& values) {
    return Json{{"p50", values.p50}, {"p90", values.p90}, {"p99", values.p99}};
}

Json ServeJson(const ServeLine& line) {
    const ServeResult& result = line.result;
    Json out{{"job", line.job.Text()},
             {"seconds", result.seconds},
             {"cpu_seconds", result.cpu_seconds},
             {"generated_tokens", result.generated_tokens},
             {"prompt_tokens", result.prompt_tokens},
             {"cached_prompt_tokens", result.cached_prompt_tokens},
             {"generated_per_second", result.generated_per_second},
             {"prompt_per_second", result.prompt_per_second},
             {"decode_per_second", nullptr},
             {"first_token_ms", PercentilesJson(result.first_token_ms)},
             {"inter_token_ms", PercentilesJson(result.inter_token_ms)},
             {"shares", SharesJson(line.shares)}};
    if (result.decode_per_second) out["decode_per_second"] = *result.decode_per_second;
    return out;
}

std::string ServeText(const ServeLine& line) {
    const ServeResult& result = line.result;
    std::string decode =
        result.decode_per_second ? fmt::format("{:.1f}", *result.decode_per_second) : "-";
    return fmt::format("{:<24} {:>9.1f} {:>9.1f} {:>9} {:>9} {:>9.0f} {:>9.0f} {:>8.1f} {:>8.1f}\n",
                       line.job.Text(), result.generated_per_second, result.prompt_per_second,
                       decode, result.cached_prompt_tokens, result.first_token_ms.p50,
                       result.first_token_ms.p99, result.inter_token_ms.p50,
                       result.inter_token_ms.p99);
}

}  // namespace

std::string AsText(const BenchReport& report) {
    std::string out = fmt::format(
        "{}  {}  {} kernels, {} threads, activations {}\n"
        "loaded in {:.2f} s: file {:.1f} MiB, weights {:.1f} MiB, peak resident {:.1f} MiB\n"
        "this machine now: int8 {:.0f} GOPS, f32 {:.0f} GFLOPS, {}memory {:.1f} GB/s\n",
        report.model, report.cpu, report.kernels, report.threads, report.activations,
        report.load_seconds, MiB(report.file_bytes), MiB(report.weight_bytes),
        MiB(report.loaded_peak_resident_bytes), report.peak.int8_gops, report.peak.f32_gflops,
        report.peak.bf16_gflops > 0
            ? fmt::format("bf16 tiles {:.0f} GFLOPS, ", report.peak.bf16_gflops)
            : "",
        report.peak.read_gbps);
    if (!report.steps.empty())
        out += fmt::format("\n{:<32} {:>10} {:>10} {:>8} {:>8} {:>8}\n", "steps of the model",
                           "tok/s", "ms a step", "of int8", "of f32", "of GB/s");
    for (const StepLine& line : report.steps)
        out += fmt::format("{:<32} {:>10.1f} {:>10.2f} {}\n", line.work, line.tokens_per_second,
                           line.step_ms, SharesText(line.shares));
    if (!report.serves.empty())
        out += fmt::format("\n{:<24} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>8} {:>8}\n",
                           "through the engine", "gen tok/s", "in tok/s", "decode/s", "in cache",
                           "first p50", "p99 ms", "next p50", "p99 ms");
    for (const ServeLine& line : report.serves) out += ServeText(line);
    return out;
}

Json AsJson(const BenchReport& report) {
    Json steps = Json::array();
    for (const StepLine& line : report.steps)
        steps.push_back({{"work", line.work},
                         {"tokens_per_second", line.tokens_per_second},
                         {"step_ms", line.step_ms},
                         {"shares", SharesJson(line.shares)}});
    Json serves = Json::array();
    for (const ServeLine& line : report.serves) serves.push_back(ServeJson(line));
    return Json{{"model", report.model},
                {"cpu", report.cpu},
                {"kernels", report.kernels},
                {"threads", report.threads},
                {"activations", report.activations},
                {"load_seconds", report.load_seconds},
                {"file_bytes", report.file_bytes},
                {"weight_bytes", report.weight_bytes},
                {"loaded_peak_resident_bytes", report.loaded_peak_resident_bytes},
                {"peak_resident_bytes", report.peak_resident_bytes},
                {"machine_peak",
                 {{"int8_gops", report.peak.int8_gops},
                  {"f32_gflops", report.peak.f32_gflops},
                  {"bf16_gflops", report.peak.bf16_gflops},
                  {"memory_gb_per_second", report.peak.read_gbps}}},
                {"results", std::move(steps)},
                {"serve", std::move(serves)}};
}

}  // namespace lathe::app
