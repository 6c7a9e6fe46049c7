#pragma once

#include <memory>
#include <optional>

#include "compute/engine/model_runner.h"
#include "compute/model/runner.h"
#include "compute/modelfile/model_package.h"
#include "core/base/result.h"

namespace lathe::engine {

struct LocalRunnerOptions {
    model::Activations activations = model::Activations::kInt8;
    std::optional<kernels::KvType> kv_type;  // of keys and values; default: f32 with f32
                                             // activations, else f16
    std::string kernels;                     // "": the fastest here
    int threads = 0;                         // 0: all usable cores
    uint32_t context_length = 0;             // 0: the model's
    uint32_t batch_tokens_max = 512;
    model::ActivationObserver* observer = nullptr;  // RunnerOptions::observer
    uint64_t kv_bytes = 0;  // 0: room for 64k tokens, at most a quarter of the memory
};

// The engine's runner over a model of this machine: owns its threads, weights and
// KV cache.
class LocalRunner : public ModelRunner {
public:
    // Errors: those of loading; kInvalidArgument when `kv_bytes` does not hold one
    // sequence of the context length, with the number that would.
    static Result<std::unique_ptr<LocalRunner>> Create(const modelfile::ModelPackage& package,
                                                       const LocalRunnerOptions& options);

    int32_t vocab_size() const override;
    int32_t context_length() const override;
    int32_t page_count() const override;
    int32_t page_tokens() const override;
    int32_t batch_tokens_max() const override;
    bool tells_prompts_apart() const override { return runner_->tells_prompts_apart(); }
    void Forward(std::span<const SequenceSlice> batch, const LogitsVisitor& visit) override;
    void CopyPage(uint32_t from, uint32_t to) override;

    const model::Model& model() const { return *model_; }
    const model::Runner& runner() const { return *runner_; }
    int threads() const { return team_->size(); }

private:
    std::unique_ptr<platform::Team> team_;
    std::unique_ptr<model::Model> model_;
    std::unique_ptr<model::Runner> runner_;
};

}  // namespace lathe::engine
