#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <iterator>

#include "model_options.h"

namespace lathe::app {
namespace {

struct GenerateOptions {
    ModelOptions model;
    sampling::SamplingParams sampling;
    std::string prompt;
    std::vector<std::string> stop;
    int tokens_max = 256;
    bool chat = false;
    bool echo = false;
    bool ignore_eos = false;
    bool stats = false;
    bool json = false;
};

Result<std::vector<tokenizer::TokenId>> PromptTokens(const backends::LocalModel& model,
                                                     const GenerateOptions& options) {
    if (!options.chat) return model.tokenizer().Encode(options.prompt);
    if (!model.chat_template())
        return MakeError(Code::kFailedPrecondition,
                         "{} has no chat template; give one with --template FILE or leave out "
                         "--chat",
                         model.id());
    chat::RenderInput input;
    input.messages = Json::array({{{"role", "user"}, {"content", options.prompt}}});
    LATHE_TRY(std::string rendered, model.RenderChat(std::move(input)));
    return model.tokenizer().Encode(rendered, {.add_special = false});
}

std::string_view FinishName(engine::FinishReason reason) {
    switch (reason) {
        case engine::FinishReason::kStop:
            return "stop";
        case engine::FinishReason::kLength:
            return "length";
        case engine::FinishReason::kCancelled:
            return "cancelled";
        case engine::FinishReason::kError:
            return "error";
    }
    return "error";
}

Result<int> Run(GenerateOptions options) {
    if (options.prompt == "-") options.prompt.assign(std::istreambuf_iterator<char>(std::cin), {});
    LATHE_TRY(auto model, LoadModel(options.model));
    LATHE_TRY(auto prompt, PromptTokens(*model, options));
    engine::GenerationRequest request;
    request.prompt = std::move(prompt);
    request.sampling = options.sampling;
    request.tokens_max = options.tokens_max;
    request.stop = options.stop;
    request.ignore_eos = options.ignore_eos;

    EventQueue events;
    auto start = std::chrono::steady_clock::now();
    LATHE_TRY(auto id, model->engine().Submit(std::move(request), events.Sink()));
    (void)id;
    if (options.echo && !options.json) std::fputs(options.prompt.c_str(), stdout);
    std::string text;
    engine::GenerationEvent event;
    double first_token_s = 0;
    auto elapsed = [&] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    };
    do {
        event = events.Pop();
        if (first_token_s == 0 && !event.tokens.empty()) first_token_s = elapsed();
        text += event.text;
        if (!options.json) {
            std::fwrite(event.text.data(), 1, event.text.size(), stdout);
            std::fflush(stdout);
        }
    } while (!event.last);
    if (event.finish == engine::FinishReason::kError) return std::unexpected(event.error);
    double total_s = elapsed();
    double decode_s = total_s - first_token_s;
    int generated = event.usage.completion_tokens;
    if (options.json) {
        Json out{{"text", text},
                 {"finish_reason", FinishName(*event.finish)},
                 {"prompt_tokens", event.usage.prompt_tokens},
                 {"completion_tokens", generated},
                 {"first_token_seconds", first_token_s},
                 {"total_seconds", total_s}};
        fmt::print("{}\n", DumpJson(out, 2));
    } else {
        std::fputc('\n', stdout);
    }
    if (options.stats)
        fmt::print(stderr,
                   "{} prompt tokens, first token after {:.0f} ms; {} tokens, {:.1f} tok/s\n",
                   event.usage.prompt_tokens, first_token_s * 1e3, generated,
                   generated > 1 && decode_s > 0 ? (generated - 1) / decode_s : 0.0);
    return 0;
}

}  // namespace

void AddGenerateCommand(CLI::App& app, int& exit_code) {
    auto options = std::make_shared<GenerateOptions>();
    CLI::App* command = app.add_subcommand("generate", "Continue a prompt, or answer it (--chat)");
    AddModelOptions(*command, options->model);
    AddSamplingOptions(*command, options->sampling);
    command->add_option("prompt", options->prompt, "The prompt; - reads standard input")
        ->required();
    command->add_option("-n,--max-tokens", options->tokens_max, "Longest answer in tokens")
        ->check(CLI::Range(1, 1 << 24))
        ->capture_default_str();
    command->add_option("--stop", options->stop, "Stop before this text (may be repeated)");
    command->add_flag("--chat", options->chat, "Put the prompt into the model's chat template");
    command->add_flag("--echo", options->echo, "Print the prompt first");
    command->add_flag("--ignore-eos", options->ignore_eos, "Go on past the model's end");
    command->add_flag("--stats", options->stats, "Say how fast it was, on standard error");
    command->add_flag("--json", options->json, "Print one JSON object");
    command->callback([options, &exit_code] {
        auto result = Run(*options);
        exit_code = result ? *result : Fail(result.error());
    });
}

}  // namespace lathe::app
