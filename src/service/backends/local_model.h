#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "compute/chat/chat_template.h"
#include "compute/chat/tool_support.h"
#include "compute/engine/engine.h"
#include "compute/engine/model_runner.h"
#include "compute/kernels/table.h"
#include "compute/sampling/params.h"
#include "compute/tokenizer/tokenizer.h"
#include "core/base/result.h"
#include "core/json/json.h"

namespace lathe::backends {

// How activations meet the weights: exactly in float32, or quantized to int8 per 32
// columns where that is faster.
enum class Activations { kAuto, kF32 };

struct LocalModelOptions {
    std::filesystem::path path;  // a GGUF file or a Hugging Face folder
    std::string id;              // name in the API; "": from the path
    Activations activations = Activations::kAuto;
    std::optional<kernels::KvType> kv_type;  // of keys and values; default: f32 with kF32, else f16
    std::string kernels;                     // "": the fastest here; else as LATHE_KERNELS
    int threads = 0;                         // 0: all usable cores
    uint64_t kv_bytes = 0;      // memory for keys and values; 0: a default by the context
    std::string chat_template;  // source that replaces the model's own; "": its own
    std::string tool_format;    // of chat::ToolFormats(); "": by the template; "none"
    engine::EngineOptions engine;
};

// One model of this machine, ready to answer: files, tokenizer, template, engine.
// Thread-safe after Load.
class LocalModel {
public:
    static Result<std::unique_ptr<LocalModel>> Load(const LocalModelOptions& options);

    // The pieces by hand, for tests with a fake runner.
    struct Parts {
        std::string id;
        tokenizer::Tokenizer tokenizer;
        std::optional<chat::ChatTemplate> chat_template;
        std::string tool_format = {};  // as in LocalModelOptions
        std::unique_ptr<engine::ModelRunner> runner;
        sampling::SamplingParams sampling_defaults;  // from generation_config.json
        Json facts;                                  // what `lathe inspect --json` prints
        engine::EngineOptions engine;
    };
    static Result<std::unique_ptr<LocalModel>> FromParts(Parts parts);

    const std::string& id() const { return parts_.id; }
    const tokenizer::Tokenizer& tokenizer() const { return parts_.tokenizer; }
    // Null if the model came without one.
    const chat::ChatTemplate* chat_template() const {
        return parts_.chat_template ? &*parts_.chat_template : nullptr;
    }
    // How it takes tools and writes calls; null without a template.
    const chat::ToolSupport* tool_support() const {
        return tool_support_ ? &*tool_support_ : nullptr;
    }
    // The prompt for a conversation; fills in the tokenizer's begin and end tokens, and
    // gives tools, calls and results to the template as it wants them.
    // Error (kFailedPrecondition) if there is no template.
    Result<std::string> RenderChat(chat::RenderInput input) const;
    const sampling::SamplingParams& sampling_defaults() const { return parts_.sampling_defaults; }
    const Json& facts() const { return parts_.facts; }
    engine::Engine& engine() const { return *engine_; }

private:
    explicit LocalModel(Parts parts);
    std::string TextOf(std::optional<tokenizer::TokenId> id) const;

    Parts parts_;
    std::optional<chat::ToolSupport> tool_support_;
    std::unique_ptr<engine::Engine> engine_;  // last: stops before its runner goes
};

}  // namespace lathe::backends
