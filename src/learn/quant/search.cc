#include "learn/quant/search.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <numeric>

#include "compute/engine/divergence.h"
#include "compute/model/model.h"
#include "compute/model/runner.h"

namespace lathe::quant {
namespace {

using kernels::PackedMatrix;
using model::TokenId;
using tensor::DType;

// What a search chooses from. IQ4_NL is not among them: the engine keeps it in eight bits.
constexpr DType kTypes[] = {DType::kQ2_K, DType::kQ3_K, DType::kQ4_0, DType::kQ4_1, DType::kQ4_K,
                            DType::kQ5_0, DType::kQ5_1, DType::kQ5_K, DType::kQ6_K, DType::kQ8_0};
constexpr uint64_t kSampledElements = 1 << 19;  // of a matrix, to measure errors of types
// What is added to the metadata when the file is written.
constexpr uint64_t kMetadataReserve = 2048;
constexpr int kRounds = 6;  // of correcting the prediction by measurement

// A matrix whose type is searched.
struct Matrix {
    size_t index = 0;  // in the source
    const SourceTensor* tensor = nullptr;
    PackedMatrix* packed = nullptr;  // in the model
    std::vector<TypeChoice> choices;
};

// The matrix of the model that a tensor became; null for others.
PackedMatrix* PackedOf(model::Weights& weights, const std::string& name) {
    if (name == "token_embd.weight") return &weights.embedding;
    if (name == "output.weight") return &weights.head;
    auto layer = LayerOf(name);
    if (!layer || *layer >= weights.layers.size()) return nullptr;
    model::LayerWeights& in = weights.layers[*layer];
    const std::pair<std::string_view, PackedMatrix*> kinds[] = {
        {".attn_q.weight", &in.query},  {".attn_k.weight", &in.key},
        {".attn_v.weight", &in.value},  {".attn_output.weight", &in.attention_output},
        {".ffn_gate.weight", &in.gate}, {".ffn_up.weight", &in.up},
        {".ffn_down.weight", &in.down}};
    for (const auto& [suffix, matrix] : kinds)
        if (name.ends_with(suffix)) return matrix;
    return nullptr;
}

bool Fits(DType type, uint64_t cols) {
    return cols % tensor::Info(type).block_size == 0;
}

}  // namespace

struct Search::State {
    State(const Source& from, platform::Team& with, const Options& how)
        : source(from), team(with), options(how) {}

    std::span<const float> ImportanceOf(const SourceTensor& tensor) const {
        if (options.importance == nullptr) return {};
        auto found = options.importance->find(tensor.name);
        return found == options.importance->end() ? std::span<const float>() : found->second;
    }

    Status SetUp(std::span<const std::vector<TokenId>> text);
    Status MeasureAll();
    Result<double> WeighedError(const Matrix& matrix, DType type) const;
    Result<PackedMatrix> Encoded(const Matrix& matrix, DType type);
    void RunWindows(const std::function<void(size_t position, std::span<float>)>& visit);
    double Divergence();
    uint64_t FixedBytes() const;
    Plan PlanOf(std::span<const size_t> taken) const;

    const Source& source;
    platform::Team& team;
    Options options;
    model::Model model;
    std::unique_ptr<model::Runner> runner;
    std::vector<std::vector<TokenId>> windows;
    size_t positions = 0;
    std::vector<float> reference;  // [positions][vocab_size] log-probabilities
    std::vector<Matrix> matrices;
};

Search::Search(std::unique_ptr<State> state) : state_(std::move(state)) {}
Search::~Search() = default;

Status Search::State::SetUp(std::span<const std::vector<TokenId>> text) {
    for (const auto& window : text) {
        size_t room = kPositionsMax - positions;
        if (room == 0 || window.empty()) break;
        windows.emplace_back(
            window.begin(), window.begin() + static_cast<ptrdiff_t>(std::min(room, window.size())));
        positions += windows.back().size();
    }
    if (positions < 2)
        return InvalidArgument(
            "the text to measure on is empty; give --calibrate one of some thousand words");
    if (source.package().gguf() == nullptr)
        return MakeError(Code::kUnimplemented,
                         "{}: a search needs a GGUF file; write one first with `lathe quantize "
                         "FOLDER FILE.gguf --to BF16`",
                         source.package().path().string());
    LATHE_TRY(const kernels::Table* table, kernels::SelectTable(options.kernels));
    LATHE_TRY(model, model::Model::Load(source.package(), *table, team));
    model::RunnerOptions inner;
    inner.activations = model::Activations::kF32;
    inner.kv_type = kernels::KvType::kF32;
    size_t longest = 0;
    for (const auto& window : windows) longest = std::max(longest, window.size());
    inner.context_length = static_cast<uint32_t>(longest);
    inner.page_count =
        static_cast<uint32_t>((longest + kernels::kPageTokens - 1) / kernels::kPageTokens);
    LATHE_TRY(runner, model::Runner::Create(model, team, inner));
    for (size_t i = 0; i < source.tensors().size(); ++i) {
        const SourceTensor& tensor = source.tensors()[i];
        if (!IsQuantizable(tensor.name, tensor.shape.size())) continue;
        PackedMatrix* packed = PackedOf(model.weights, tensor.name);
        if (packed != nullptr) matrices.push_back({i, &tensor, packed, {}});
    }
    return {};
}

// Log-probabilities after every token.
void Search::State::RunWindows(
    const std::function<void(size_t position, std::span<float>)>& visit) {
    const size_t vocab = model.config.vocab_size;
    std::vector<uint32_t> pages(runner->options().page_count);
    std::iota(pages.begin(), pages.end(), 0u);
    constexpr size_t kRows = 32;  // at a time: their logits are kept
    std::vector<float> logprobs(kRows * vocab);
    size_t first = 0;
    for (const auto& window : windows) {
        for (size_t at = 0; at < window.size(); at += kRows) {
            size_t count = std::min(kRows, window.size() - at);
            model::SequenceSlice slice{.tokens = std::span(window).subspan(at, count),
                                       .position = static_cast<int32_t>(at),
                                       .pages = pages,
                                       .logits = model::SequenceSlice::Logits::kAll};
            runner->Forward({&slice, 1}, [&](size_t, size_t row, std::span<const float> logits) {
                std::span<float> out(logprobs.data() + row * vocab, vocab);
                engine::LogSoftmax(logits, out);
                visit(first + at + row, out);  // from several threads, each its own position
            });
        }
        first += window.size();
    }
}

double Search::State::Divergence() {
    const size_t vocab = model.config.vocab_size;
    std::vector<double> divergences(positions);
    RunWindows([&](size_t position, std::span<float> logprobs) {
        divergences[position] = engine::KlDivergence(
            std::span<const float>(reference).subspan(position * vocab, vocab), logprobs);
    });
    return std::max(0.0, std::accumulate(divergences.begin(), divergences.end(), 0.0)) /
           static_cast<double>(positions);
}

// Sum of the weighted squared errors over some of the rows.
Result<double> Search::State::WeighedError(const Matrix& matrix, DType type) const {
    const SourceTensor& tensor = *matrix.tensor;
    const uint64_t cols = tensor.cols();
    const uint64_t step = std::max<uint64_t>(1, tensor.rows() * cols / kSampledElements);
    std::span<const float> importance = ImportanceOf(tensor);
    std::vector<float> row(cols), got(cols);
    std::vector<std::byte> encoded(tensor::RowBytes(type, cols));
    double sum = 0;
    for (uint64_t r = 0; r < tensor.rows(); r += step) {
        source.ReadRows(tensor, r, row);
        LATHE_RETURN_IF_ERROR(EncodeRows(*options.table, type, row, cols, importance, encoded));
        tensor::Dequantize(type, encoded.data(), got);
        for (size_t i = 0; i < cols; ++i) {
            double difference = static_cast<double>(got[i]) - static_cast<double>(row[i]);
            sum += difference * difference *
                   (importance.empty() ? 1 : static_cast<double>(importance[i]));
        }
    }
    return sum;
}

Result<PackedMatrix> Search::State::Encoded(const Matrix& matrix, DType type) {
    const SourceTensor& tensor = *matrix.tensor;
    const uint64_t cols = tensor.cols(), rows = tensor.rows();
    const size_t row_bytes = tensor::RowBytes(type, cols);
    std::vector<std::byte> encoded(rows * row_bytes);
    PackedMatrix packed = PackedMatrix::Allocate(type, rows, cols);
    std::vector<Status> statuses(static_cast<size_t>(team.size()));
    team.Run([&](int worker) {
        auto [begin, end] = platform::Share(rows, worker, team.size());
        std::vector<float> row(cols);
        Status& status = statuses[static_cast<size_t>(worker)];
        for (uint64_t r = begin; r < end && status; ++r) {
            source.ReadRows(tensor, r, row);
            status = EncodeRows(*options.table, type, row, cols, ImportanceOf(tensor),
                                std::span(encoded).subspan(r * row_bytes, row_bytes));
        }
        team.Barrier();
        auto [first, last] = platform::Share(packed.panel_count(), worker, team.size());
        packed.PackPanels({first, last}, encoded.data());
    });
    for (Status& status : statuses)
        if (!status) return std::unexpected(WithContext(status.error(), tensor.name));
    return packed;
}

// One coarse type for each matrix alone gives the divergence for an error; the errors of
// all types then predict theirs.
Status Search::State::MeasureAll() {
    const size_t vocab = model.config.vocab_size;
    reference.resize(positions * vocab);
    RunWindows([&](size_t position, std::span<float> logprobs) {
        std::ranges::copy(logprobs, reference.begin() + static_cast<ptrdiff_t>(position * vocab));
    });
    uint64_t done = 0;
    for (Matrix& matrix : matrices) {
        if (options.stop.stop_requested())
            return MakeError(Code::kCancelled, "stopped; nothing was written");
        const uint64_t cols = matrix.tensor->cols();
        DType probe = Fits(DType::kQ3_K, cols) ? DType::kQ3_K : DType::kQ4_0;
        if (!Fits(probe, cols)) {  // no block fits its rows
            matrix.choices = {{DType::kF16, matrix.tensor->rows() * cols * 2, 0}};
            continue;
        }
        LATHE_TRY(PackedMatrix coarse, Encoded(matrix, probe));
        std::swap(*matrix.packed, coarse);
        double divergence = Divergence();
        std::swap(*matrix.packed, coarse);
        LATHE_TRY(double probe_error, WeighedError(matrix, probe));
        double scale = probe_error > 0 ? divergence / probe_error : 0;
        std::vector<TypeChoice> choices;
        for (DType type : kTypes) {
            if (!Fits(type, cols)) continue;
            LATHE_TRY(double error, WeighedError(matrix, type));
            choices.push_back(
                {type, matrix.tensor->rows() * tensor::RowBytes(type, cols), scale * error});
        }
        matrix.choices = WorthTaking(std::move(choices));
        if (options.progress) options.progress(++done, matrices.size());
    }
    return {};
}

Plan Search::State::PlanOf(std::span<const size_t> taken) const {
    Plan plan;
    for (const SourceTensor& tensor : source.tensors())
        plan.types.push_back(IsQuantizable(tensor.name, tensor.shape.size())
                                 ? FittingType(DType::kQ8_0, tensor.cols())
                             : tensor::Info(tensor.type).block_size == 1 ? DType::kF32
                                                                         : tensor.type);
    std::map<DType, uint64_t> bytes;
    for (size_t i = 0; i < matrices.size(); ++i) {
        const TypeChoice& choice = matrices[i].choices[taken[i]];
        plan.types[matrices[i].index] = choice.type;
        bytes[choice.type] += choice.bytes;
    }
    // The file is called after the type that most of it has.
    auto most = std::ranges::max_element(bytes, {}, [](const auto& entry) { return entry.second; });
    if (most != bytes.end()) {
        const Mix* mix = FindMix(tensor::Info(most->first).name);
        plan.file_type = mix != nullptr ? mix->file_type : 0;
    }
    return plan;
}

// Of the file, without the matrices that are searched.
uint64_t Search::State::FixedBytes() const {
    std::vector<size_t> smallest(matrices.size(), 0);
    uint64_t bytes = PlanOf(smallest).FileBytes(source) + kMetadataReserve;
    for (const Matrix& matrix : matrices) bytes -= matrix.choices[0].bytes;
    // Every tensor is padded to a whole alignment.
    return bytes + matrices.size() * modelfile::GgufWriter::kAlignment;
}

Result<std::unique_ptr<Search>> Search::Create(const Source& source,
                                               std::span<const std::vector<TokenId>> windows,
                                               platform::Team& team, const Options& options) {
    auto state = std::make_unique<State>(source, team, options);
    LATHE_RETURN_IF_ERROR(state->SetUp(windows));
    LATHE_RETURN_IF_ERROR(state->MeasureAll());
    return std::unique_ptr<Search>(new Search(std::move(state)));
}

Result<Plan> Search::ForSize(uint64_t file_bytes) const {
    uint64_t fixed = state_->FixedBytes();
    uint64_t least = fixed;
    std::vector<std::vector<TypeChoice>> choices;
    for (const Matrix& matrix : state_->matrices) {
        choices.push_back(matrix.choices);
        least += matrix.choices[0].bytes;
    }
    if (file_bytes < least)
        return MakeError(Code::kOutOfRange,
                         "--target-size: the smallest file of this model has {} bytes ({:.1f} MB), "
                         "more than {}",
                         least, static_cast<double>(least) / 1e6, file_bytes);
    return state_->PlanOf(Allocate(choices, file_bytes - fixed, 0));
}

Result<Plan> Search::ForDivergence(double divergence) {
    std::vector<std::vector<TypeChoice>> choices;
    for (const Matrix& matrix : state_->matrices) choices.push_back(matrix.choices);
    std::vector<size_t> finest;
    for (const auto& list : choices) finest.push_back(list.size() - 1);
    LATHE_TRY(double least, Measure(state_->PlanOf(finest)));
    if (least > divergence)
        return MakeError(Code::kOutOfRange,
                         "--target-kld: the nearest that Q8_0 everywhere reaches is {:.3g} nats, "
                         "above {:.3g}",
                         least, divergence);
    // What is predicted is off by a factor that changes slowly with the size. Between a
    // plan that is too coarse and one that is good enough, the wanted sum is bracketed.
    double low = 0, high = std::numeric_limits<double>::infinity(), wanted = divergence;
    Plan best = state_->PlanOf(finest);
    for (int round = 0; round < kRounds; ++round) {
        Plan plan = state_->PlanOf(Allocate(choices, UINT64_MAX, wanted));
        LATHE_TRY(double measured, Measure(plan));
        if (measured <= divergence) {
            if (plan.FileBytes(state_->source) < best.FileBytes(state_->source)) best = plan;
            low = wanted;
        } else {
            high = wanted;
        }
        double next = wanted * divergence / std::max(measured, 1e-12);
        wanted = next > low && next < high ? next
                 : std::isinf(high)        ? wanted * 2
                                           : (low + high) / 2;
    }
    return best;
}

Result<double> Search::Measure(const Plan& plan) {
    std::vector<PackedMatrix> kept;
    auto restore = [&] {
        for (size_t i = 0; i < kept.size(); ++i) *state_->matrices[i].packed = std::move(kept[i]);
    };
    for (const Matrix& matrix : state_->matrices) {
        auto encoded = state_->Encoded(matrix, plan.types[matrix.index]);
        if (!encoded) {
            restore();
            return std::unexpected(std::move(encoded).error());
        }
        kept.push_back(std::move(*matrix.packed));
        *matrix.packed = std::move(*encoded);
    }
    double divergence = state_->Divergence();
    restore();
    return divergence;
}

Result<uint64_t> ParseSize(std::string_view text, const Source& source) {
    if (const Mix* mix = FindMix(text)) {
        LATHE_TRY(Plan plan, PlanMix(source, *mix, {}, false));
        return plan.FileBytes(source) + kMetadataReserve;
    }
    double number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
    constexpr std::pair<std::string_view, double> kUnits[] = {
        {"", 1},     {"B", 1},      {"kB", 1e3},      {"MB", 1e6},
        {"GB", 1e9}, {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824.0},
        {"K", 1e3},  {"M", 1e6},    {"G", 1e9}};
    if (error == std::errc() && number > 0 && number < 1e15)
        for (const auto& [name, factor] : kUnits)
            if (unit == name) return static_cast<uint64_t>(number * factor);
    return InvalidParam("target-size",
                        "--target-size {}: not a size, as 95MB or 90MiB, nor one of the mixes {}",
                        text, MixNames());
}

}  // namespace lathe::quant
