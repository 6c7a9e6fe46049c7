#include "model_options.h"

#include <cstdio>

#include "core/platform/files.h"
#include "service/registry/model_store.h"

namespace lathe::app {

void AddModelOptions(CLI::App& command, ModelOptions& options) {
    command
        .add_option("-m,--model", options.model,
                    "A GGUF file, a Hugging Face folder, or a name `lathe list` shows")
        ->capture_default_str();
    command
        .add_option("--activations", options.activations,
                    "auto: int8 where the weights are quantized; f32: exact")
        ->check(CLI::IsMember({"auto", "f32"}))
        ->capture_default_str();
    command
        .add_option("--kv-type", options.kv_type,
                    "Keys and values: f32, f16, or int8 (half the memory of f16; auto: f16, and "
                    "f32 with --activations f32)")
        ->check(CLI::IsMember({"auto", "f32", "f16", "int8"}))
        ->capture_default_str();
    command.add_option("--kernels", options.kernels,
                       "Force an instruction set: generic, avx2, avxvnni, avx512, amx (default: "
                       "the fastest)");
    command.add_option("--threads", options.threads, "Threads that compute (default: all cores)")
        ->check(CLI::Range(1, 1024));
    command
        .add_option("--context", options.context,
                    "Longest sequence in tokens (default: the model's)")
        ->check(CLI::Range(16, 1 << 24));
    command
        .add_option("--kv-memory", options.kv_bytes,
                    "Memory for keys and values, as 512MiB or 4GiB (default: by the context)")
        ->transform(CLI::AsSizeValue(false));
    command
        .add_option("--template", options.chat_template,
                    "A chat template file that replaces the model's own")
        ->check(CLI::ExistingFile);
}

std::optional<kernels::KvType> KvTypeOf(const ModelOptions& options) {
    if (options.kv_type == "f32") return kernels::KvType::kF32;
    if (options.kv_type == "f16") return kernels::KvType::kF16;
    if (options.kv_type == "int8") return kernels::KvType::kI8;
    return std::nullopt;
}

Result<std::unique_ptr<backends::LocalModel>> LoadModel(const ModelOptions& options,
                                                        engine::EngineOptions engine) {
    backends::LocalModelOptions local;
    LATHE_TRY(local.path, registry::ResolveModel(options.model));
    if (!options.chat_template.empty()) {
        LATHE_TRY(local.chat_template, platform::ReadFile(options.chat_template, 4u << 20));
    }
    if (!std::filesystem::exists(options.model)) local.id = options.model;
    local.activations =
        options.activations == "f32" ? backends::Activations::kF32 : backends::Activations::kAuto;
    local.kv_type = KvTypeOf(options);
    local.kernels = options.kernels;
    local.threads = options.threads;
    local.kv_bytes = options.kv_bytes;
    local.tool_format = options.tool_format;
    engine.context_length = options.context;
    local.engine = engine;
    return backends::LocalModel::Load(local);
}

void AddSamplingOptions(CLI::App& command, sampling::SamplingParams& sampling) {
    const std::string group = "Sampling";
    command.add_option("--temperature", sampling.temperature, "0 always takes the likeliest token")
        ->check(CLI::Range(0.0, 2.0))
        ->capture_default_str()
        ->group(group);
    command.add_option("--top-k", sampling.top_k, "Only the k likeliest tokens (0: all)")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str()
        ->group(group);
    command.add_option("--top-p", sampling.top_p, "Only the likeliest tokens of this total share")
        ->check(CLI::Range(0.0, 1.0))
        ->capture_default_str()
        ->group(group);
    command.add_option("--min-p", sampling.min_p, "Only tokens this likely, relative to the best")
        ->check(CLI::Range(0.0, 1.0))
        ->capture_default_str()
        ->group(group);
    command.add_option("--typical-p", sampling.typical_p, "Locally typical sampling")
        ->check(CLI::Range(0.0, 1.0))
        ->capture_default_str()
        ->group(group);
    command
        .add_option("--repetition-penalty", sampling.repetition_penalty,
                    "Above 1 avoids tokens that occurred")
        ->check(CLI::Range(0.01, 10.0))
        ->capture_default_str()
        ->group(group);
    command
        .add_option("--frequency-penalty", sampling.frequency_penalty,
                    "Per occurrence in the answer")
        ->check(CLI::Range(-2.0, 2.0))
        ->capture_default_str()
        ->group(group);
    command
        .add_option("--presence-penalty", sampling.presence_penalty,
                    "Once for what occurred in the answer")
        ->check(CLI::Range(-2.0, 2.0))
        ->capture_default_str()
        ->group(group);
    command.add_option("--seed", sampling.seed, "The same seed gives the same text")->group(group);
}

int Fail(const Error& error) {
    std::fprintf(stderr, "lathe: %s\n", error.message.c_str());
    return 1;
}

engine::EventSink EventQueue::Sink() {
    return [this](engine::GenerationEvent&& event) {
        std::lock_guard lock(mutex_);
        events_.push_back(std::move(event));
        ready_.notify_one();
    };
}

engine::GenerationEvent EventQueue::Pop() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return !events_.empty(); });
    engine::GenerationEvent event = std::move(events_.front());
    events_.pop_front();
    return event;
}

}  // namespace lathe::app
