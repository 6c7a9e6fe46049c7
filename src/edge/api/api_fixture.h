// A served model whose text is known beforehand, for the tests of the API.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
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
// anything else 'a'. After '!', which it never says by itself, its logits are broken. With a
// script it says that instead, after "assistant\n". Can be stopped between steps.
class AlphabetRunner : public engine::ModelRunner {
public:
    static constexpr tokenizer::TokenId kTurnBegin = 256, kTurnEnd = 257, kToolCalls = 258;
    static constexpr int32_t kVocabSize = 258, kContext = 256;

    explicit AlphabetRunner(std::vector<tokenizer::TokenId> script = {})
        : script_(std::move(script)) {}

    // One token more where a script may use it.
    int32_t vocab_size() const override { return kVocabSize + (script_.empty() ? 0 : 1); }
    int32_t context_length() const override { return kContext; }
    int32_t page_count() const override { return 512; }
    int32_t page_tokens() const override { return 8; }
    int32_t batch_tokens_max() const override { return 64; }

    static tokenizer::TokenId After(tokenizer::TokenId token) {
        if (token == 'z') return kTurnEnd;
        return token >= 'a' && token < 'z' ? token + 1 : 'a';
    }

    void CopyPage(uint32_t, uint32_t) override {}
    void Forward(std::span<const engine::SequenceSlice> batch,
                 const engine::LogitsVisitor& visit) override {
        {
            std::unique_lock lock(mutex_);
            ++forwards_;
            changed_.notify_all();
            changed_.wait(lock, [this] { return !held_; });
        }
        for (size_t s = 0; s < batch.size(); ++s) {
            // Any page may be another sequence's next time: what was there is known by page.
            for (size_t t = 0; t < batch[s].tokens.size(); ++t) {
                auto position = static_cast<size_t>(batch[s].position) + t;
                auto page = batch[s].pages[position / page_tokens()];
                slots_[page][position % page_tokens()] = batch[s].tokens[t];
            }
            auto wanted = batch[s].logits;
            if (wanted == engine::SequenceSlice::Logits::kNone) continue;
            bool all = wanted == engine::SequenceSlice::Logits::kAll;
            for (size_t t = all ? 0 : batch[s].tokens.size() - 1; t < batch[s].tokens.size(); ++t) {
                auto token = batch[s].tokens[t];
                std::vector<float> logits(static_cast<size_t>(vocab_size()),
                                          token == '!' ? NAN : 0.0f);
                // Clear enough to be certain when greedy, open enough to vary when sampled.
                if (token != '!') {
                    logits[static_cast<size_t>(script_.empty() ? After(token)
                                                               : Scripted(batch[s], t))] = 6;
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
    // What the script says after token `t` of the slice.
    tokenizer::TokenId Scripted(const engine::SequenceSlice& slice, size_t t) {
        std::vector<tokenizer::TokenId> history;
        for (size_t i = 0; i <= static_cast<size_t>(slice.position) + t; ++i)
            history.push_back(slots_[slice.pages[i / page_tokens()]][i % page_tokens()]);
        constexpr std::string_view kCue = "assistant\n";
        auto cue = std::ranges::find_end(history, kCue);
        auto said = static_cast<size_t>(history.end() - cue.end());
        return cue.empty() || said >= script_.size() ? kTurnEnd : script_[said];
    }

    bool held_in_step() const { return held_ && forwards_ > 0; }

    std::mutex mutex_;
    std::condition_variable changed_;
    bool held_ = false;  // guarded, as the rest
    uint64_t forwards_ = 0;
    std::vector<tokenizer::TokenId> script_;
    std::map<uint32_t, std::map<size_t, tokenizer::TokenId>> slots_;  // by page
};

// One token for each byte, with the byte's number, and two special ones; with a call
// token also "[TOOL_CALLS]".
enum class CallToken : uint8_t { kNo, kYes };
inline tokenizer::Tokenizer AlphabetTokenizer(CallToken call_token = CallToken::kNo) {
    Json vocab;
    for (int byte = 0; byte < 256; ++byte)
        vocab[std::string(tokenizer::ByteLevelCharacter(static_cast<unsigned char>(byte)))] = byte;
    auto special = [](const char* content, int id) {
        return Json{{"id", id},        {"content", content}, {"single_word", false},
                    {"lstrip", false}, {"rstrip", false},    {"normalized", false},
                    {"special", true}};
    };
    Json added = Json::array({special("<|im_start|>", AlphabetRunner::kTurnBegin),
                              special("<|im_end|>", AlphabetRunner::kTurnEnd)});
    if (call_token == CallToken::kYes)
        added.push_back(special("[TOOL_CALLS]", AlphabetRunner::kToolCalls));
    Json file = {{"version", "1.0"},
                 {"added_tokens", added},
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
    std::string script;  // "": the alphabet
    std::string tool_format;
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
        auto tokenizer =
            AlphabetTokenizer(options.script.empty() ? CallToken::kNo : CallToken::kYes);
        auto runner = std::make_unique<AlphabetRunner>(
            tokenizer.Encode(options.script, {.add_special = false}));
        runner_ = runner.get();
        backends::LocalModel::Parts parts{.id = "abc",
                                          .tokenizer = std::move(tokenizer),
                                          .chat_template = std::nullopt,
                                          .tool_format = options.tool_format,
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
