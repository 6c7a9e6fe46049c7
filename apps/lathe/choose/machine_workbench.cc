#include "choose/machine_workbench.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "child_process.h"
#include "choose/server_speed.h"
#include "core/platform/cpu.h"
#include "eval/eval_subject.h"
#include "learn/choose/words.h"
#include "learn/quant/quantize.h"
#include "service/registry/model_store.h"

namespace lathe::app {
namespace {

namespace fs = std::filesystem;

constexpr double kGib = 1 << 30;
constexpr double kProgramBytes = 60e6;  // the program without a model
constexpr double kStepRows = 512;
constexpr int kServerRequests = 8;  // at a time, at least
// A tenth of a machine's memory is left to the system.
constexpr double kUsableMemory = 0.9;

class Opened : public choose::OpenCandidate {
public:
    explicit Opened(OpenedSubject opened) : opened_(std::move(opened)) {}
    eval::Subject& subject() override { return *opened_.subject; }

private:
    OpenedSubject opened_;
};

uint64_t BytesOf(const fs::path& path) {
    std::error_code ignored;
    if (fs::is_regular_file(path, ignored)) return fs::file_size(path, ignored);
    uint64_t sum = 0;
    for (const auto& entry : fs::directory_iterator(path, ignored))
        if (entry.is_regular_file(ignored)) sum += entry.file_size(ignored);
    return sum;
}

// Requires: JSON of `lathe bench`.
double NumberAt(const Json& json, const char* pointer) {
    const Json value = json.value(Json::json_pointer(pointer), Json());
    return value.is_number() ? value.get<double>() : 0;
}

// Tokens a second of one reader: while none waits for its first token, or, where there is no
// such moment, by the usual time between two tokens.
double ReaderSpeed(const Json& bench, const std::string& job, double readers) {
    double together = NumberAt(bench, (job + "/decode_per_second").c_str());
    if (together > 0) return together / readers;
    double between_ms = NumberAt(bench, (job + "/inter_token_ms/p50").c_str());
    return between_ms > 0 ? 1e3 / between_ms : 0;
}

}  // namespace

Result<std::unique_ptr<MachineWorkbench>> MachineWorkbench::Create(
    const choose::Brief& brief, telemetry::ProgressDisplay& display, std::stop_token stop) {
    std::unique_ptr<MachineWorkbench> out(new MachineWorkbench(brief, display, std::move(stop)));
    for (const choose::BriefCandidate& entry : brief.candidates) {
        if (!entry.server.empty()) continue;
        auto path = registry::ResolveModel(entry.model);
        if (!path)
            return std::unexpected(WithContext(
                std::move(path).error(), fmt::format("candidate.model (line {})", entry.line)));
        out->sources_[entry.model] = *std::move(path);
    }
    return out;
}

std::string MachineWorkbench::machine() const {
    return fmt::format("{}, {} threads", platform::CpuModelName(), platform::UsableCores());
}

Result<fs::path> MachineWorkbench::File(const choose::Candidate& candidate) {
    const fs::path& source = sources_.at(candidate.model);
    if (candidate.precision == choose::kAsIs) return source;
    return quantized_.File(source, candidate.precision, stop_);
}

Result<Json> MachineWorkbench::Identity(const choose::Candidate& candidate) {
    if (candidate.is_remote())
        return Json{{"server", candidate.entry.server}, {"model", candidate.model}};
    LATHE_TRY(fs::path file, File(candidate));
    LATHE_TRY(std::string fingerprint, FingerprintOfModel(file));
    return Json{{"fingerprint", fingerprint}, {"machine", machine()}};
}

std::string MachineWorkbench::Remark(const choose::Candidate& candidate) {
    if (candidate.is_remote() || candidate.precision == choose::kAsIs) return "";
    auto package = modelfile::ModelPackage::Open(sources_.at(candidate.model));
    if (!package) return "";
    auto source = quant::Source::Create(*package);
    std::string types = source ? source->QuantizedTypes() : "";
    if (types.empty()) return "";
    return choose::Say(
        brief_.report_language,
        fmt::format("made of weights that were quantized before ({}): their errors "
                    "stay, and no precision is better than the source's",
                    types),
        fmt::format("由已量化过的权重（{}）制成：原有误差仍在，任何精度都不会优于来源", types));
}

// With the smallest model, which loads soonest.
Status MachineWorkbench::MeasureMachine() {
    if (here_) return {};
    LATHE_TRY(here_, MachineHere::Create("", 0));
    auto smallest = std::ranges::min_element(
        sources_, {}, [](const auto& source) { return BytesOf(source.second); });
    LATHE_TRY(auto package, modelfile::ModelPackage::Open(smallest->second));
    LATHE_TRY(MeasuredModel measured, MeasureModel(package, "", 0));
    shares_ =
        advise::Calibrate(measured.work, here_->For(measured.work.step_bytes), measured.speed);
    return {};
}

// Of a mix: the source's, with the bytes that the mix is going to have.
Result<advise::ModelWork> MachineWorkbench::WorkOf(const choose::Candidate& candidate) {
    LATHE_TRY(auto package, modelfile::ModelPackage::Open(sources_.at(candidate.model)));
    LATHE_TRY(auto config, model::ConfigFromPackage(package));
    advise::ModelWork work = advise::WorkOf(config, package);
    if (candidate.precision == choose::kAsIs) return work;
    const quant::Mix* mix = quant::FindMix(candidate.precision);
    LATHE_TRY(quant::Source source, quant::Source::Create(package));
    LATHE_TRY(quant::Plan plan, quant::PlanMix(source, *mix, {}, false));
    double scale = static_cast<double>(plan.FileBytes(source)) / work.weight_bytes;
    work.precision = candidate.precision;
    work.weight_bytes *= scale;
    work.step_bytes *= scale;
    work.quantized = work.step_bytes < 2 * (work.layer_elements + work.head_elements);
    return work;
}

choose::Prediction MachineWorkbench::PredictOn(const advise::Machine& machine,
                                               const advise::ModelWork& work,
                                               const advise::EngineShares& shares,
                                               const advise::ErrorFactor& error) const {
    double users = brief_.traffic.users;
    double prompt = brief_.traffic.prompt_tokens, answer = brief_.traffic.answer_tokens;
    advise::Speed speed =
        advise::PredictSpeed(work, machine, shares,
                             {.sequences = users, .depth = prompt + answer / 2, .prompt = prompt});
    advise::MemoryNeed memory = advise::MemoryFor(
        work, {.context = prompt + answer, .sequences = users, .step_rows = kStepRows});
    return {.memory_gib = (memory.total() + kProgramBytes) / kGib,
            .first_token_ms = users * prompt / speed.prefill * 1e3,
            .tokens_per_second = speed.decode / users,
            .error = error,
            .parameters = work.layer_elements + work.head_elements};
}

Result<std::optional<choose::Predictions>> MachineWorkbench::Predict(
    const choose::Candidate& candidate) {
    if (candidate.is_remote()) return std::optional<choose::Predictions>();
    LATHE_RETURN_IF_ERROR(MeasureMachine());
    LATHE_TRY(advise::ModelWork work, WorkOf(candidate));
    choose::Predictions out;
    out.here = PredictOn(here_->For(work.step_bytes), work, shares_, advise::kCalibratedError);
    for (const std::string& name : brief_.machines) {
        LATHE_TRY(advise::Machine machine, advise::FindMachine(name));
        choose::Prediction prediction =
            PredictOn(machine, work, advise::TypicalShares(machine.kind),
                      advise::PredictionError(machine.kind));
        bool fits = prediction.memory_gib <= kUsableMemory * machine.memory_gib;
        out.machines.push_back({.machine = machine, .prediction = prediction, .fits = fits});
    }
    return std::optional(std::move(out));
}

Result<std::unique_ptr<choose::OpenCandidate>> MachineWorkbench::Open(
    const choose::Candidate& candidate, std::stop_token) {
    if (candidate.is_remote()) {
        LATHE_TRY(bool chat, AsksServersAsChat());
        LATHE_TRY(
            OpenedSubject server,
            OpenServerSubject({.url = candidate.entry.server,
                               .model = candidate.model,
                               .chat = chat,
                               .concurrency = std::max(kServerRequests, brief_.traffic.users)},
                              candidate.entry.key_env));
        return std::make_unique<Opened>(std::move(server));
    }
    LATHE_TRY(fs::path file, File(candidate));
    ModelOptions options;
    // By its name where it has one, so that runs say what `lathe eval` would.
    options.model = candidate.precision == choose::kAsIs ? candidate.model : file.string();
    LATHE_TRY(OpenedSubject opened, OpenLocalSubject(options));
    return std::make_unique<Opened>(std::move(opened));
}

Result<choose::Costs> MachineWorkbench::MeasureCosts(const choose::Candidate& candidate,
                                                     std::stop_token stop) {
    if (candidate.is_remote()) return MeasureRemote(candidate, std::move(stop));
    constexpr int kAttempts = 2;
    LATHE_TRY(choose::Costs best, MeasureOnce(candidate, stop));
    for (int i = 1; i < kAttempts && best.processor_share < choose::kUndisturbed; ++i) {
        LATHE_TRY(choose::Costs again, MeasureOnce(candidate, stop));
        if (again.processor_share > best.processor_share) best = again;
    }
    return best;
}

Result<choose::Costs> MachineWorkbench::MeasureRemote(const choose::Candidate& candidate,
                                                      std::stop_token stop) {
    ServerSpeedOptions options{
        .url = candidate.entry.server, .model = candidate.model, .api_key = "", .chat = false};
    LATHE_TRY(options.chat, AsksServersAsChat());
    if (const std::string& name = candidate.entry.key_env; !name.empty())
        if (const char* key = std::getenv(name.c_str())) options.api_key = key;
    return MeasureServer(options, brief_.traffic, std::move(stop));
}

// A server is asked one way.
Result<bool> MachineWorkbench::AsksServersAsChat() const {
    bool first = brief_.tasks.front().chat;
    for (const choose::BriefTask& task : brief_.tasks)
        if (task.chat != first)
            return InvalidParam("task.chat",
                                "servers are asked either as a chat or with plain prompts: give "
                                "chat = true to all tasks or to none");
    return first;
}

Result<choose::Costs> MachineWorkbench::MeasureOnce(const choose::Candidate& candidate,
                                                    std::stop_token stop) {
    LATHE_TRY(fs::path file, File(candidate));
    LATHE_TRY(advise::ModelWork work, WorkOf(candidate));
    const choose::Traffic& traffic = brief_.traffic;
    double users = traffic.users, tokens = traffic.prompt_tokens + traffic.answer_tokens;
    advise::MemoryNeed need =
        advise::MemoryFor(work, {.context = tokens, .sequences = users, .step_rows = kStepRows});
    constexpr double kSpare = 64e6;  // pages are whole, and some more are kept
    auto job = [&](int readers) {
        return fmt::format("{0}x{1}/{2}@{0}", readers, traffic.prompt_tokens,
                           traffic.answer_tokens);
    };
    LATHE_TRY(
        std::string text,
        RunSelf({"bench", "--model", file.string(), "--works", "serve", "--serve", job(1),
                 "--serve", job(traffic.users), "--context", fmt::format("{:.0f}", tokens + 16),
                 "--kv-memory", fmt::format("{:.0f}", 1.1 * need.kv + kSpare), "--json"},
                std::move(stop)));
    LATHE_TRY(Json bench, ParseJson(text));
    choose::Costs costs;
    costs.first_token_ms = NumberAt(bench, "/serve/1/first_token_ms/p90");
    costs.tokens_per_second = ReaderSpeed(bench, "/serve/1", users);
    costs.tokens_per_second_alone = ReaderSpeed(bench, "/serve/0", 1);
    costs.answers_per_second = NumberAt(bench, "/serve/1/generated_per_second");
    costs.memory_gib =
        (NumberAt(bench, "/loaded_peak_resident_bytes") + need.kv + need.activations) / kGib;
    // Its threads wait for each other without sleeping, so that they use all they are given.
    costs.processor_share =
        std::min(1.0, NumberAt(bench, "/serve/1/cpu_seconds") /
                          (NumberAt(bench, "/threads") * NumberAt(bench, "/serve/1/seconds")));
    if (!(*costs.answers_per_second > 0 && *costs.first_token_ms > 0 && costs.processor_share > 0))
        return MakeError(Code::kInternal, "`lathe bench` gave no speed of {}", candidate.name);
    return costs;
}

}  // namespace lathe::app
