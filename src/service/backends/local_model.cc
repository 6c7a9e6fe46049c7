#include "service/backends/local_model.h"

#include "compute/engine/local_runner.h"
#include "compute/modelfile/model_package.h"
#include "service/registry/model_facts.h"

namespace lathe::backends {
namespace {

// The sampling a model's authors recommend, where they left a generation_config.json.
sampling::SamplingParams DefaultsFrom(const Json& generation_config) {
    sampling::SamplingParams params;
    auto number = [&](const char* key, float fallback) {
        auto found = generation_config.find(key);
        return found != generation_config.end() && found->is_number() ? found->get<float>()
                                                                      : fallback;
    };
    if (!generation_config.is_object()) return params;
    params.temperature = number("temperature", params.temperature);
    params.top_p = number("top_p", params.top_p);
    params.top_k = static_cast<int32_t>(number("top_k", 0));
    params.min_p = number("min_p", params.min_p);
    params.repetition_penalty = number("repetition_penalty", params.repetition_penalty);
    return params;
}

Result<std::optional<chat::ChatTemplate>> ParseTemplate(const LocalModelOptions& options,
                                                        const modelfile::ModelPackage& package) {
    std::string source = options.chat_template.empty() ? std::string(package.ChatTemplateSource())
                                                       : options.chat_template;
    if (source.empty()) return std::nullopt;
    auto parsed = chat::ChatTemplate::Parse(source);
    if (!parsed)
        return std::unexpected(WithContext(std::move(parsed).error(),
                                           "chat template (give another with --template FILE)"));
    return std::move(*parsed);
}

std::string IdOf(const LocalModelOptions& options) {
    return options.id.empty() ? options.path.stem().string() : options.id;
}

}  // namespace

LocalModel::LocalModel(Parts parts) : parts_(std::move(parts)) {}

Result<std::unique_ptr<LocalModel>> LocalModel::FromParts(Parts parts) {
    auto model = std::unique_ptr<LocalModel>(new LocalModel(std::move(parts)));
    const auto& made = model->parts_;
    if (made.chat_template) {
        LATHE_TRY(model->tool_support_,
                  chat::ToolSupport::Probe(*made.chat_template,
                                           {.bos_token = model->TextOf(made.tokenizer.bos()),
                                            .eos_token = model->TextOf(made.tokenizer.eos()),
                                            .format = made.tool_format}));
    }
    LATHE_TRY(model->engine_, engine::Engine::Create(*model->parts_.runner, model->parts_.tokenizer,
                                                     model->parts_.engine));
    return model;
}

Result<std::string> LocalModel::RenderChat(chat::RenderInput input) const {
    if (!parts_.chat_template)
        return MakeError(Code::kFailedPrecondition,
                         "model {} has no chat template; serve it with --template FILE or use "
                         "/v1/completions",
                         parts_.id);
    input.bos_token = TextOf(parts_.tokenizer.bos());
    input.eos_token = TextOf(parts_.tokenizer.eos());
    return parts_.chat_template->Render(tool_support_->Adapt(std::move(input)));
}

std::string LocalModel::TextOf(std::optional<tokenizer::TokenId> id) const {
    return id ? parts_.tokenizer.TokenBytes(*id) : std::string();
}

Result<std::unique_ptr<LocalModel>> LocalModel::Load(const LocalModelOptions& options) {
    LATHE_TRY(modelfile::ModelPackage package, modelfile::ModelPackage::Open(options.path));
    LATHE_TRY(tokenizer::Tokenizer tokenizer, registry::LoadTokenizer(package));
    LATHE_TRY(auto chat_template, ParseTemplate(options, package));
    LATHE_TRY(
        auto runner,
        engine::LocalRunner::Create(
            package,
            {.activations = options.activations == Activations::kF32 ? model::Activations::kF32
                                                                     : model::Activations::kInt8,
             .kv_type = options.kv_type,
             .kernels = options.kernels,
             .threads = options.threads,
             .context_length = static_cast<uint32_t>(options.engine.context_length),
             .batch_tokens_max = static_cast<uint32_t>(options.engine.tokens_per_step_max),
             .kv_bytes = options.kv_bytes}));
    Json facts = registry::ModelFacts(package, runner->model().config, &tokenizer);
    return FromParts({.id = IdOf(options),
                      .tokenizer = std::move(tokenizer),
                      .chat_template = std::move(chat_template),
                      .tool_format = options.tool_format,
                      .runner = std::move(runner),
                      .sampling_defaults = DefaultsFrom(package.GenerationConfig()),
                      .facts = std::move(facts),
                      .engine = options.engine});
}

}  // namespace lathe::backends
