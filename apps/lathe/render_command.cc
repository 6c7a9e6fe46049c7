#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>

#include "commands.h"
#include "compute/chat/chat_template.h"
#include "compute/modelfile/model_package.h"
#include "core/json/json.h"
#include "core/platform/files.h"

namespace lathe::app {
namespace {

using chat::ChatTemplate;
using chat::RenderInput;
using modelfile::ModelPackage;

constexpr size_t kInputBytesMax = size_t{64} << 20;

struct RenderOptions {
    std::string template_path;
    std::string model_path;
    std::string bos;
    std::string eos;
};

struct TemplateSource {
    std::string source;
    std::string bos;
    std::string eos;
};

// The text of the token whose id stands under `id_key`; "" if there is none.
std::string GgufToken(const modelfile::Gguf& file, std::string_view id_key) {
    const modelfile::GgufValue* id = file.Find(id_key);
    const modelfile::GgufValue* tokens = file.Find("tokenizer.ggml.tokens");
    if (!id || !tokens) return "";
    auto index = id->ToUnsigned();
    auto texts = tokens->ToStrings();
    if (!index || !texts || *index >= texts->size()) return "";
    return std::string((*texts)[*index]);
}

// A token of tokenizer_config.json: a string, or an object with its content.
std::string FolderToken(const Json& config, std::string_view key) {
    if (!config.is_object() || !config.contains(key)) return "";
    const Json& token = config[key];
    if (token.is_string()) return token.get<std::string>();
    if (token.is_object() && token.contains("content") && token["content"].is_string())
        return token["content"].get<std::string>();
    return "";
}

Result<TemplateSource> FromModel(const std::string& path) {
    LATHE_TRY(auto package, ModelPackage::Open(path, modelfile::UnsupportedTypes::kKeep));
    TemplateSource found;
    found.source = package.ChatTemplateSource();
    if (found.source.empty())
        return MakeError(Code::kNotFound, "{} has no chat template; give one with --template",
                         path);
    if (package.gguf()) {
        found.bos = GgufToken(*package.gguf(), "tokenizer.ggml.bos_token_id");
        found.eos = GgufToken(*package.gguf(), "tokenizer.ggml.eos_token_id");
    } else {
        found.bos = FolderToken(package.hf()->tokenizer_config(), "bos_token");
        found.eos = FolderToken(package.hf()->tokenizer_config(), "eos_token");
    }
    return found;
}

Result<TemplateSource> FindTemplate(const RenderOptions& options) {
    TemplateSource found;
    if (!options.model_path.empty()) {
        auto model = FromModel(options.model_path);
        // The model may lack just the template that --template brings.
        if (!model && options.template_path.empty()) return model;
        if (model) found = *std::move(model);
    }
    if (!options.template_path.empty()) {
        LATHE_TRY(found.source, platform::ReadFile(options.template_path));
    }
    return found;
}

Result<std::string> ReadStandardInput() {
    std::string text;
    char buffer[1 << 16];
    while (size_t size = std::fread(buffer, 1, sizeof buffer, stdin)) {
        text.append(buffer, size);
        if (text.size() > kInputBytesMax)
            return InvalidArgument("standard input is longer than {} bytes", kInputBytesMax);
    }
    return text;
}

// Takes a known key out of the request.
Json Take(Json& request, std::string_view key, Json otherwise) {
    if (!request.contains(key)) return otherwise;
    Json value = std::move(request[key]);
    request.erase(std::string(key));
    return value;
}

Result<RenderInput> ReadRequest() {
    LATHE_TRY(auto text, ReadStandardInput());
    LATHE_TRY(auto request, ParseJson(text));
    if (!request.is_object() || !request.contains("messages"))
        return InvalidArgument(
            "standard input must be a JSON object like {{\"messages\": [...], \"tools\": [...] or "
            "null, \"add_generation_prompt\": true}}");
    RenderInput input;
    input.messages = Take(request, "messages", Json::array());
    input.tools = Take(request, "tools", nullptr);
    Json prompt = Take(request, "add_generation_prompt", true);
    if (!input.messages.is_array()) return InvalidParam("messages", "\"messages\" must be a list");
    if (!input.tools.is_array() && !input.tools.is_null())
        return InvalidParam("tools", "\"tools\" must be a list or null");
    if (!prompt.is_boolean())
        return InvalidParam("add_generation_prompt",
                            "\"add_generation_prompt\" must be true or false");
    input.add_generation_prompt = prompt.get<bool>();
    input.extra = std::move(request);
    return input;
}

Result<std::string> Render(const RenderOptions& options, bool bos_given, bool eos_given) {
    LATHE_TRY(auto found, FindTemplate(options));
    LATHE_TRY(auto parsed, ChatTemplate::Parse(found.source));
    LATHE_TRY(auto input, ReadRequest());
    input.bos_token = bos_given ? options.bos : found.bos;
    input.eos_token = eos_given ? options.eos : found.eos;
    return parsed.Render(input);
}

}  // namespace

void AddRenderCommand(CLI::App& app, int& exit_code) {
    auto options = std::make_shared<RenderOptions>();
    CLI::App* command = app.add_subcommand(
        "render", "Show the prompt that a chat template makes of a conversation");
    command->add_option("--template", options->template_path, "a file with a Jinja chat template");
    command->add_option("--model", options->model_path,
                        "a GGUF file or a Hugging Face folder, for its template and tokens");
    CLI::Option* bos =
        command->add_option("--bos", options->bos, "bos_token (default: the model's, else empty)");
    CLI::Option* eos =
        command->add_option("--eos", options->eos, "eos_token (default: the model's, else empty)");
    command->footer(
        "Reads {\"messages\": [...], \"tools\": [...] or null, \"add_generation_prompt\": true}\n"
        "from standard input; other keys go to the template as variables.");
    command->callback([options, bos, eos, &exit_code] {
        if (options->template_path.empty() && options->model_path.empty())
            throw CLI::RequiredError("--template or --model");
        auto text = Render(*options, bos->count() > 0, eos->count() > 0);
        if (!text) {
            fmt::print(stderr, "lathe render: {}\n", text.error().message);
            exit_code = 1;
            return;
        }
        bool written = std::fwrite(text->data(), 1, text->size(), stdout) == text->size();
        exit_code = written && std::fflush(stdout) == 0 ? 0 : 1;
    });
}

}  // namespace lathe::app
