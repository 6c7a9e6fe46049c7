#pragma once

#include <chrono>
#include <string>

#include "core/net/http_client.h"
#include "learn/eval/subject.h"

namespace lathe::eval {

struct ServerSubjectOptions {
    std::string url{};    // ends in /v1, as OpenAI's clients want it
    std::string model{};  // "": the server's only one
    std::string api_key{};
    // Prompts are conversations for /chat/completions, which puts them into its template.
    // Choices cannot be scored then.
    bool chat = false;
    int concurrency = 8;  // requests at a time
    int attempts_max = 6;
    std::chrono::milliseconds retry_delay{500};  // doubled each time, if the server names none
    std::chrono::milliseconds answer_timeout{600'000};  // for one answer
    std::filesystem::path ca_file{};                    // trusted besides the system's
};

// A model behind an OpenAI-compatible server (Lathe, vLLM, llama.cpp and the like).
// Choices are scored by /completions with `echo` and `logprobs`, all of a question in one
// request. Refusals that may pass (408, 429, 5xx, no connection) are asked again.
//
// One thread, which has others of its own while it asks.
class ServerSubject : public Subject {
public:
    // Asks the server for its models. Errors: it is not there, or has no such model (says
    // which there are).
    static Result<std::unique_ptr<ServerSubject>> Connect(ServerSubjectOptions options);

    Json identity() const override;
    // The conversation as JSON, which Ask sends as messages. kFailedPrecondition unless
    // `chat`.
    Result<std::string> RenderChat(const Conversation& conversation) const override;
    std::string chat_template() const override { return ""; }
    Status Ask(std::span<const Question> questions, const Sink& sink,
               std::stop_token stop) override;

private:
    class Asking;

    ServerSubject(ServerSubjectOptions options, net::HttpClient client)
        : options_(std::move(options)), client_(std::move(client)) {}

    Status FindModel();
    Result<std::string> Send(const char* path, const Json* body, std::stop_token stop) const;
    Result<std::string> SendOnce(const char* path, const Json* body, std::stop_token stop,
                                 std::chrono::milliseconds& wait) const;
    Result<std::vector<ModelAnswer>> Answer(const Question& question, std::stop_token stop) const;
    Result<std::vector<ModelAnswer>> Score(const Question& question, std::stop_token stop) const;
    Result<ModelAnswer> Generate(const Question& question, size_t request, size_t repeat,
                                 std::stop_token stop) const;

    ServerSubjectOptions options_;
    net::HttpClient client_;
};

}  // namespace lathe::eval
