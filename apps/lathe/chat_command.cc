#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <iostream>

#include "core/platform/files.h"
#include "model_options.h"

namespace lathe::app {
namespace {

struct ChatOptions {
    ModelOptions model;
    sampling::SamplingParams sampling;
    std::string system;
    int tokens_max = 1024;
};

// Ctrl-C while an answer streams stops the answer, not the program.
std::atomic<bool> interrupted{false};
void OnInterrupt(int) {
    interrupted = true;
}

constexpr const char* kHelp =
    "/help            this list\n"
    "/reset           forget the conversation\n"
    "/system TEXT     set the system prompt and start anew\n"
    "/again           another answer to the last question\n"
    "/set NAME VALUE  temperature, top_p, top_k, min_p, seed, max_tokens\n"
    "/history         show the conversation\n"
    "/save FILE       write it as JSON\n"
    "/quit            leave (also Ctrl-D)\n"
    "End a line with \\ to go on in the next. Ctrl-C stops an answer.\n";

class ChatSession {
public:
    ChatSession(const backends::LocalModel& model, const ChatOptions& options)
        : model_(model), options_(options) {
        Reset();
    }

    // Reads, answers, until the input ends.
    void Loop(bool interactive) {
        for (std::string line; ReadLine(interactive, line);) {
            if (line.empty()) continue;
            if (line[0] == '/') {
                if (!Command(line)) return;
            } else {
                messages_.push_back({{"role", "user"}, {"content", line}});
                Answer();
            }
        }
    }

private:
    void Reset() {
        messages_ = Json::array();
        if (!options_.system.empty())
            messages_.push_back({{"role", "system"}, {"content", options_.system}});
    }

    static bool ReadLine(bool interactive, std::string& line) {
        line.clear();
        for (std::string part;;) {
            if (interactive) fmt::print("{}", line.empty() ? "> " : ". ");
            std::fflush(stdout);
            if (!std::getline(std::cin, part)) return !line.empty();
            bool more = part.ends_with('\\');
            if (more) part.back() = '\n';
            line += part;
            if (!more) return true;
        }
    }

    // False ends the session.
    bool Command(const std::string& line) {
        size_t space = line.find(' ');
        std::string name = line.substr(0, space);
        std::string rest = space == std::string::npos ? "" : line.substr(space + 1);
        if (name == "/quit" || name == "/exit") return false;
        if (name == "/help") {
            fmt::print("{}", kHelp);
        } else if (name == "/reset") {
            Reset();
        } else if (name == "/system") {
            options_.system = rest;
            Reset();
        } else if (name == "/again") {
            Again();
        } else if (name == "/set") {
            Set(rest);
        } else if (name == "/history") {
            for (const Json& message : messages_)
                fmt::print("[{}] {}\n", message["role"].get<std::string>(),
                           message["content"].get<std::string>());
        } else if (name == "/save") {
            Status saved = platform::WriteFileAtomically(rest, DumpJson(messages_, 2) + "\n");
            if (!saved) Fail(saved.error());
        } else {
            fmt::print("no command {}; /help lists them\n", name);
        }
        return true;
    }

    void Again() {
        if (!messages_.empty() && messages_.back()["role"] == "assistant")
            messages_.erase(messages_.size() - 1);
        if (messages_.empty() || messages_.back()["role"] != "user")
            fmt::print("nothing was asked yet\n");
        else
            Answer();
    }

    void Set(const std::string& assignment) {
        size_t space = assignment.find(' ');
        std::string name = assignment.substr(0, space);
        char* end = nullptr;
        const char* text = space == std::string::npos ? "" : assignment.c_str() + space + 1;
        double value = std::strtod(text, &end);
        sampling::SamplingParams changed = options_.sampling;
        int tokens_max = options_.tokens_max;
        bool known = true;
        if (name == "temperature")
            changed.temperature = static_cast<float>(value);
        else if (name == "top_p")
            changed.top_p = static_cast<float>(value);
        else if (name == "top_k")
            changed.top_k = static_cast<int32_t>(value);
        else if (name == "min_p")
            changed.min_p = static_cast<float>(value);
        else if (name == "seed")
            changed.seed = static_cast<uint64_t>(value);
        else if (name == "max_tokens")
            tokens_max = static_cast<int>(value);
        else
            known = false;
        if (!known || end == text || *end != '\0') {
            fmt::print("give /set NAME NUMBER; /help lists the names\n");
            return;
        }
        Status valid = sampling::Validate(changed, model_.tokenizer().vocab_size());
        if (!valid || tokens_max < 1) {
            fmt::print("{}\n", valid ? "max_tokens is at least 1" : valid.error().message);
            return;
        }
        options_.sampling = changed;
        options_.tokens_max = tokens_max;
    }

    void Answer() {
        chat::RenderInput input;
        input.messages = messages_;
        auto rendered = model_.RenderChat(std::move(input));
        if (!rendered) return GiveUp(rendered.error());
        engine::GenerationRequest request;
        request.prompt = model_.tokenizer().Encode(*rendered, {.add_special = false});
        request.sampling = options_.sampling;
        request.tokens_max = options_.tokens_max;
        EventQueue events;
        interrupted = false;
        auto start = std::chrono::steady_clock::now();
        auto id = model_.engine().Submit(std::move(request), events.Sink());
        if (!id) return GiveUp(id.error());
        std::string text;
        double first_s = 0;
        auto elapsed = [&] {
            return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        };
        engine::GenerationEvent event;
        do {
            event = events.Pop();
            if (first_s == 0 && !event.tokens.empty()) first_s = elapsed();
            fmt::print("{}", event.text);
            std::fflush(stdout);
            text += event.text;
            if (interrupted) model_.engine().Cancel(*id);
        } while (!event.last);
        if (event.finish == engine::FinishReason::kError) return GiveUp(event.error);
        int count = event.usage.completion_tokens;
        double decode_s = elapsed() - first_s;
        fmt::print(stderr, "\n[{} tokens, {:.1f} tok/s, first after {:.0f} ms]\n", count,
                   count > 1 && decode_s > 0 ? (count - 1) / decode_s : 0.0, first_s * 1e3);
        messages_.push_back({{"role", "assistant"}, {"content", text}});
    }

    // Takes the question back, so that the conversation stays answerable.
    void GiveUp(const Error& error) {
        Fail(error);
        if (!messages_.empty() && messages_.back()["role"] == "user")
            messages_.erase(messages_.size() - 1);
    }

    const backends::LocalModel& model_;
    ChatOptions options_;
    Json messages_;
};

int Run(const ChatOptions& options) {
    bool interactive = ::isatty(STDIN_FILENO) != 0;
    if (interactive) fmt::print(stderr, "loading {} ...\n", options.model.model);
    auto model = LoadModel(options.model);
    if (!model) return Fail(model.error());
    if (!(*model)->chat_template())
        return Fail(
            {Code::kFailedPrecondition,
             fmt::format("{} has no chat template; give one with --template FILE", (*model)->id()),
             ""});
    if (interactive) {
        std::signal(SIGINT, OnInterrupt);
        fmt::print("{}: /help lists commands, Ctrl-D leaves\n", (*model)->id());
    }
    ChatSession(**model, options).Loop(interactive);
    return 0;
}

}  // namespace

void AddChatCommand(CLI::App& app, int& exit_code) {
    auto options = std::make_shared<ChatOptions>();
    options->sampling.temperature = 0.7f;
    options->sampling.top_p = 0.95f;
    CLI::App* command = app.add_subcommand("chat", "Talk with a model in the terminal");
    AddModelOptions(*command, options->model);
    AddSamplingOptions(*command, options->sampling);
    command->add_option("--system", options->system, "System prompt");
    command->add_option("-n,--max-tokens", options->tokens_max, "Longest answer in tokens")
        ->check(CLI::Range(1, 1 << 24))
        ->capture_default_str();
    command->callback([options, &exit_code] { exit_code = Run(*options); });
}

}  // namespace lathe::app
