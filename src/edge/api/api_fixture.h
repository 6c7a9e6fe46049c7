// A served model whose text is known beforehand, for the tests of the API.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "compute/model/top_logits.h"
#include "compute/tokenizer/byte_level.h"
#include "core/net/test_client.h"
#include "edge/api/api.h"

namespace lathe::api {

// Says the alphabet: after a letter comes the next one, after 'z' the end of the turn, after
// anything else 'a'. After '!', which it never says by itself, its logits are broken. Can be
// stopped between steps.
class AlphabetRunner : public engine::ModelRunner {
public:
    static constexpr tokenizer::TokenId kTurnBegin = 256, kTurnEnd = 257;
    static constexpr int32_t kVocabSize = 258, kContext = 256;

    int32_t vocab_size() const override { return kVocabSize; }
    int32_t context_length() const override { return kContext; }
    int32_t page_count() const override { return 512; }
    int32_t page_tokens() const override { return 8; }
    int32_t batch_tokens_max() const override { return 64; }

    static tokenizer::TokenId After(tokenizer::TokenId token) {
        if (token == 'z') return kTurnEnd;
        return token >= 'a' && token < 'z' ? token + 1 : 'a';
    }

    void Forward(std::span<const engine::SequenceSlice> batch,
                 const engine::LogitsVisitor& visit) override {
        {
            std::unique_lock lock(mutex_);
            ++forwards_;
            changed_.notify_all();
            changed_.wait(lock, [this] { return !held_; });
        }
        for (size_t s = 0; s < batch.size(); ++s) {
            auto wanted = batch[s].logits;
            if (wanted == engine::SequenceSlice::Logits::kNone) continue;
            bool all = wanted == engine::SequenceSlice::Logits::kAll;
            for (size_t t = all ? 0 : batch[s].tokens.size() - 1; t < batch[s].tokens.size(); ++t) {
                auto token = batch[s].tokens[t];
                std::vector<float> logits(kVocabSize, token == '!' ? NAN : 0.0f);
                // Clear enough to be certain when greedy, open enough to vary when sampled.
                if (token != '!') {
                    logits[static_cast<size_t>(After(token))] = 6;
                    logits['?'] = 3;
                    logits['!'] = -20;
                }
                model::VisitRow(visit, s, batch[s], t, logits);
            }
        }
    }

    void Hold() {
        std::lock_guard lock(mutex_);
        held_ = true;
    }
    // Waits until a step has begun since Hold.
    void WaitForStep() {
        std::unique_lock lock(mutex_);
        auto seen = forwards_;
        changed_.wait(lock, [&] { return forwards_ > seen || held_in_step(); });
    }
    void Release() {
        std::lock_guard lock(mutex_);
        held_ = false;
        changed_.notify_all();
    }

private:
    bool held_in_step() const { return held_ && forwards_ > 0; }

    std::mutex mutex_;
    std::condition_variable changed_;
    bool held_ = false;  // guarded, as the rest
    uint64_t forwards_ = 0;
};

// One token for each byte, with the byte's number, and two special ones.
inline tokenizer::Tokenizer AlphabetTokenizer() {
    Json vocab;
    for (int byte = 0; byte < 256; ++byte)
        vocab[std::string(tokenizer::ByteLevelCharacter(static_cast<unsigned char>(byte)))] = byte;
    auto special = [](const char* content, int id) {
        return Json{{"id", id},        {"content", content}, {"single_word", false},
                    {"lstrip", false}, {"rstrip", false},    {"normalized", false},
                    {"special", true}};
    };
    Json file = {{"version", "1.0"},
                 {"added_tokens", Json::array({special("<|im_start|>", AlphabetRunner::kTurnBegin),
                                               special("<|im_end|>", AlphabetRunner::kTurnEnd)})},
                 {"normalizer", nullptr},
                 {"pre_tokenizer",
                  {{"type", "ByteLevel"},
                   {"add_prefix_space", false},
                   {"trim_offsets", true},
                   {"use_regex", true}}},
                 {"post_processor", nullptr},
                 {"decoder",
                  {{"type", "ByteLevel"},
                   {"add_prefix_space", true},
                   {"trim_offsets", true},
                   {"use_regex", true}}},
                 {"model",
                  {{"type", "BPE"},
                   {"dropout", nullptr},
                   {"unk_token", nullptr},
                   {"vocab", vocab},
                   {"merges", Json::array()}}}};
    auto made = tokenizer::Tokenizer::FromHuggingFace(file.dump(), R"({"eos_token":"<|im_end|>"})");
    if (!made) {
        ADD_FAILURE() << made.error().message;
        std::abort();
    }
    return std::move(*made);
}

struct ServedOptions {
    engine::EngineOptions engine;
    net::HttpServerOptions server;
    ApiOptions api;
    std::shared_ptr<const Access> access = LoopbackAccess();
    std::string chat_template =
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
};

// An answer without a stream.
struct Answer {
    int status = 0;
    std::string head;
    std::string body;
    Json json;  // of the body, if it is JSON
};

// An answer as a stream: its data lines without the last, which must be [DONE].
struct Stream {
    std::string head;
    std::vector<Json> chunks;
    size_t comments = 0;
};

class Served {
public:
    explicit Served(ServedOptions options = {}) {
        auto runner = std::make_unique<AlphabetRunner>();
        runner_ = runner.get();
        backends::LocalModel::Parts parts{.id = "abc",
                                          .tokenizer = AlphabetTokenizer(),
                                          .chat_template = std::nullopt,
                                          .runner = std::move(runner),
                                          .sampling_defaults = {},
                                          .facts = {{"architecture", "alphabet"}},
                                          .engine = options.engine};
        if (!options.chat_template.empty()) {
            auto parsed = chat::ChatTemplate::Parse(options.chat_template);
            EXPECT_TRUE(parsed) << parsed.error().message;
            parts.chat_template = std::move(*parsed);
        }
        auto model = backends::LocalModel::FromParts(std::move(parts));
        EXPECT_TRUE(model) << model.error().message;
        model_ = std::move(*model);
        api_ =
            std::make_unique<Api>(*model_, options.access, metrics_, telemetry::Log(), options.api);
        options.server.port = 0;
        server_ = std::move(*net::HttpServer::Start(options.server, api_->Hooks(), {}));
        health_ = std::move(*net::HttpServer::Start(options.server, api_->HealthHooks(), {}));
    }
    ~Served() {
        runner_->Release();
        server_.reset();
        health_.reset();
    }

    AlphabetRunner& runner() { return *runner_; }
    engine::Engine& engine() { return model_->engine(); }
    Api& api() { return *api_; }
    net::HttpServer& server() { return *server_; }
    uint16_t port() const { return server_->port(); }
    uint16_t health_port() const { return health_->port(); }
    std::string Metrics() { return metrics_.Serialize(); }

    // Waits until the engine has so many, running or waiting.
    void WaitForRequests(int32_t count) {
        for (;;) {
            auto stats = model_->engine().stats();
            if (stats.running + stats.waiting == count) return;
            std::this_thread::yield();
        }
    }
    // Waits until nothing runs or waits any more.
    void WaitUntilIdle() {
        while (!model_->engine().idle()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }

    static std::string PostText(std::string_view path, const std::string& body) {
        return fmt::format(
            "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            "Content-Length: {}\r\n\r\n{}",
            path, body.size(), body);
    }

    Answer Ask(std::string_view request, uint16_t port = 0) {
        net::TestClient client(port != 0 ? port : this->port());
        client.Send(request);
        auto text = client.ReadResponse();
        Answer answer;
        auto end = text.find("\r\n\r\n");
        if (end == std::string::npos) return answer;
        answer.head = text.substr(0, end + 2);
        answer.body = text.substr(end + 4);
        answer.status = std::atoi(text.c_str() + 9);
        if (auto parsed = ParseJson(answer.body)) answer.json = std::move(*parsed);
        return answer;
    }
    Answer Post(std::string_view path, const Json& body) {
        return Ask(PostText(path, body.dump()));
    }
    Answer Get(std::string_view path, uint16_t port = 0) {
        return Ask(fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", path), port);
    }

    // Sends a request whose answer must be a stream, and reads it to its end.
    Stream PostStream(std::string_view path, Json body) {
        body["stream"] = true;
        net::TestClient client(port());
        client.Send(PostText(path, body.dump()));
        Stream stream;
        stream.head = client.ReadThrough("\r\n\r\n");
        EXPECT_THAT(stream.head, ::testing::HasSubstr("text/event-stream"));
        return ReadEvents(client, std::move(stream));
    }

    static Stream ReadEvents(net::TestClient& client, Stream stream) {
        std::string text = Unchunked(client.ReadThrough("\r\n0\r\n\r\n"));
        bool done = false;
        while (!text.empty()) {
            auto end = text.find("\n\n");
            if (end == std::string::npos) {
                ADD_FAILURE() << "a broken event: " << text;
                break;
            }
            auto event = text.substr(0, end);
            text.erase(0, end + 2);
            EXPECT_FALSE(done) << "after [DONE]: " << event;
            if (event.starts_with(":"))
                ++stream.comments;
            else if (event == "data: [DONE]")
                done = true;
            else
                stream.chunks.push_back(Json::parse(event.substr(6)));
        }
        EXPECT_TRUE(done);
        return stream;
    }

private:
    // The content of a chunked body.
    static std::string Unchunked(std::string_view text) {
        std::string out;
        while (!text.empty()) {
            auto end = text.find("\r\n");
            auto size = std::strtoul(std::string(text.substr(0, end)).c_str(), nullptr, 16);
            out += text.substr(end + 2, size);
            text.remove_prefix(end + 2 + size + 2);
        }
        return out;
    }

    telemetry::Metrics metrics_;
    AlphabetRunner* runner_ = nullptr;
    std::unique_ptr<backends::LocalModel> model_;
    std::unique_ptr<Api> api_;
    std::unique_ptr<net::HttpServer> server_;
    std::unique_ptr<net::HttpServer> health_;
};

inline Json Chat(std::string_view content, const Json& more = Json::object()) {
    Json body = {{"model", "abc"},
                 {"messages", Json::array({{{"role", "user"}, {"content", content}}})},
                 {"temperature", 0}};
    body.update(more);
    return body;
}

inline Json Completion(const Json& prompt, const Json& more = Json::object()) {
    Json body = {{"model", "abc"}, {"prompt", prompt}, {"temperature", 0}};
    body.update(more);
    return body;
}

inline constexpr const char* kChatPath = "/v1/chat/completions";
inline constexpr const char* kCompletionPath = "/v1/completions";
inline constexpr const char* kAlphabet = "abcdefghijklmnopqrstuvwxyz";

}  // namespace lathe::api
