#include "eval/eval_subject.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "learn/eval/engine_subject.h"
#include "learn/eval/hash.h"
#include "service/registry/model_store.h"

namespace lathe::app {
namespace {

Result<std::string> Fingerprint(const std::filesystem::path& file) {
    constexpr size_t kPart = 1u << 20;
    std::ifstream stream(file, std::ios::binary);
    std::error_code failed;
    uint64_t size = std::filesystem::file_size(file, failed);
    std::string bytes = std::to_string(size) + ":";
    std::string part(std::min<uint64_t>(kPart, size), '\0');
    for (uint64_t begin : {uint64_t{0}, size - part.size()}) {
        stream.seekg(static_cast<std::streamoff>(begin));
        stream.read(part.data(), static_cast<std::streamsize>(part.size()));
        bytes += part;
    }
    if (failed || !stream) return MakeError(Code::kInternal, "cannot read {}", file.string());
    return eval::HashText(bytes).substr(0, 32);
}

Result<Json> IdentityOf(const ModelOptions& options, const backends::LocalModel& model) {
    LATHE_TRY(auto path, registry::ResolveModel(options.model));
    LATHE_TRY(std::string fingerprint, FingerprintOfModel(path));
    Json identity{{"model", model.id()},
                  {"fingerprint", fingerprint},
                  {"activations", options.activations},
                  {"kv_type", options.kv_type},
                  {"context_length", model.engine().context_length()}};
    identity["chat_template_sha"] = model.chat_template()
                                        ? Json(eval::HashText(model.chat_template()->source()))
                                        : Json(nullptr);
    return identity;
}

Result<std::string> RenderConversation(const backends::LocalModel& model,
                                       const eval::Conversation& conversation) {
    chat::RenderInput input;
    input.messages = conversation.messages;
    input.add_generation_prompt = conversation.add_generation_prompt;
    return model.RenderChat(std::move(input));
}

}  // namespace

Result<std::string> FingerprintOfModel(const std::filesystem::path& path) {
    if (!std::filesystem::is_directory(path)) return Fingerprint(path);
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(path))
        if (entry.path().extension() == ".safetensors" || entry.path().extension() == ".json")
            files.push_back(entry.path());
    std::ranges::sort(files);
    std::string all;
    for (const auto& file : files) {
        LATHE_TRY(std::string one, Fingerprint(file));
        all += file.filename().string() + " " + one + "\n";
    }
    return eval::HashText(all).substr(0, 32);
}

Result<OpenedSubject> OpenLocalSubject(const ModelOptions& options, bool shares_prefixes) {
    engine::EngineOptions engine;
    engine.sequences_max = 128;
    engine.tokens_per_step_max = 512;
    engine.shares_prefixes = shares_prefixes;
    OpenedSubject opened;
    LATHE_TRY(opened.model, LoadModel(options, engine));
    const backends::LocalModel& model = *opened.model;
    eval::EngineSubjectOptions subject;
    subject.engine = &opened.model->engine();
    subject.tokenizer = &opened.model->tokenizer();
    LATHE_TRY(subject.identity, IdentityOf(options, model));
    if (model.chat_template()) {
        subject.chat_template = model.chat_template()->source();
        subject.render_chat = [&model](const eval::Conversation& conversation) {
            return RenderConversation(model, conversation);
        };
    }
    opened.subject = std::make_unique<eval::EngineSubject>(std::move(subject));
    return opened;
}

void AddSubjectOptions(CLI::App& command, SubjectOptions& options) {
    AddModelOptions(command, options.model);
    command.add_flag("--no-prefix-cache", options.no_prefix_cache,
                     "Questions that begin alike do not share what was computed");
    command.add_option("--server", options.server,
                       "Instead of a model of this machine: an OpenAI-compatible server, its "
                       "address as far as /v1; --model names one of its models");
    command.add_option("--api-key-env", options.api_key_env,
                       "With --server: the environment's variable that holds the key");
    command.add_option("--concurrency", options.concurrency, "With --server, requests at a time")
        ->check(CLI::Range(1, 1024))
        ->capture_default_str();
    command
        .add_option("--ca-file", options.ca_file,
                    "With --server: a PEM file of authorities to trust besides the system's")
        ->check(CLI::ExistingFile);
    command.parse_complete_callback(
        [&command, &options] { options.model_given = command.count("--model") > 0; });
}

Result<OpenedSubject> OpenSubject(const SubjectOptions& options, bool chat) {
    if (options.server.empty()) return OpenLocalSubject(options.model, !options.no_prefix_cache);
    eval::ServerSubjectOptions server{.url = options.server};
    if (options.model_given) server.model = options.model.model;
    server.chat = chat;
    server.concurrency = options.concurrency;
    server.ca_file = options.ca_file;
    return OpenServerSubject(std::move(server), options.api_key_env);
}

Result<OpenedSubject> OpenServerSubject(eval::ServerSubjectOptions options,
                                        const std::string& api_key_env) {
    if (!api_key_env.empty()) {
        const char* key = std::getenv(api_key_env.c_str());
        if (!key || !*key)
            return InvalidParam("api-key-env", "the environment has no variable {}", api_key_env);
        options.api_key = key;
    }
    OpenedSubject opened;
    LATHE_TRY(opened.subject, eval::ServerSubject::Connect(std::move(options)));
    return opened;
}

}  // namespace lathe::app
