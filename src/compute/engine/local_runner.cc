#include "compute/engine/local_runner.h"

#include <unistd.h>

#include <algorithm>

#include "core/platform/cpu.h"

namespace lathe::engine {
namespace {

constexpr uint64_t kDefaultKvTokens = 64 * 1024;

uint64_t PhysicalMemoryBytes() {
    return static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
           static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

// Pages for the budget; at least one sequence of the whole context must fit.
Result<uint32_t> PageCount(const model::ModelConfig& config, kernels::KvType type,
                           uint32_t context_length, uint64_t kv_bytes) {
    uint64_t page_bytes = model::Runner::PageBytes(config, type);
    uint64_t needed = (context_length + kernels::kPageTokens - 1) / kernels::kPageTokens;
    if (kv_bytes != 0) {
        uint64_t pages = kv_bytes / page_bytes;
        if (pages < needed)
            return InvalidArgument(
                "--kv-memory of {} MiB holds {} tokens, fewer than the context of {}; give {} MiB "
                "or a smaller --context",
                kv_bytes >> 20, pages * kernels::kPageTokens, context_length,
                (needed * page_bytes >> 20) + 1);
        return static_cast<uint32_t>(std::min<uint64_t>(pages, 1u << 24));
    }
    uint64_t wanted = std::max(needed, kDefaultKvTokens / kernels::kPageTokens);
    uint64_t affordable = PhysicalMemoryBytes() / 4 / page_bytes;
    return static_cast<uint32_t>(std::max(needed, std::min(wanted, affordable)));
}

}  // namespace

Result<std::unique_ptr<LocalRunner>> LocalRunner::Create(const modelfile::ModelPackage& package,
                                                         const LocalRunnerOptions& options) {
    LATHE_TRY(const kernels::Table* table, kernels::SelectTable(options.kernels));
    auto runner = std::unique_ptr<LocalRunner>(new LocalRunner);
    int threads = options.threads > 0 ? options.threads : platform::UsableCores();
    runner->team_ = std::make_unique<platform::Team>(threads);
    LATHE_TRY(model::Model loaded, model::Model::Load(package, *table, *runner->team_));
    runner->model_ = std::make_unique<model::Model>(std::move(loaded));
    const model::ModelConfig& config = runner->model_->config;

    model::RunnerOptions inner;
    inner.activations = options.activations;
    bool exact = options.activations == model::Activations::kF32;
    inner.kv_type = options.kv_type.value_or(exact ? kernels::KvType::kF32 : kernels::KvType::kF16);
    inner.context_length = options.context_length ? options.context_length : config.context_length;
    if (inner.context_length > config.context_length)
        return InvalidArgument("--context {} is longer than the model's {}", inner.context_length,
                               config.context_length);
    inner.batch_tokens_max = options.batch_tokens_max;
    inner.observer = options.observer;
    LATHE_TRY(inner.page_count,
              PageCount(config, inner.kv_type, inner.context_length, options.kv_bytes));
    LATHE_TRY(runner->runner_, model::Runner::Create(*runner->model_, *runner->team_, inner));
    return runner;
}

int32_t LocalRunner::vocab_size() const {
    return static_cast<int32_t>(model_->config.vocab_size);
}
int32_t LocalRunner::context_length() const {
    return static_cast<int32_t>(runner_->options().context_length);
}
int32_t LocalRunner::page_count() const {
    return static_cast<int32_t>(runner_->options().page_count);
}
int32_t LocalRunner::page_tokens() const {
    return static_cast<int32_t>(kernels::kPageTokens);
}
int32_t LocalRunner::batch_tokens_max() const {
    return static_cast<int32_t>(runner_->options().batch_tokens_max);
}

void LocalRunner::Forward(std::span<const SequenceSlice> batch, const LogitsVisitor& visit) {
    runner_->Forward(batch, visit);
}

void LocalRunner::CopyPage(uint32_t from, uint32_t to) {
    runner_->kv().CopyPage(from, to);
}

}  // namespace lathe::engine
