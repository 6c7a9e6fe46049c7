#include "learn/eval/server_subject.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>

#include "core/platform/files.h"
#include "learn/eval/image_part.h"
#include "learn/eval/server_reply.h"
#include "support/http_test_server.h"
#include "support/scratch.h"

namespace lathe::eval {
namespace {

using ::testing::HasSubstr;
using testing_support::HttpTestServer;
using testing_support::ScratchDirectory;
using testing_support::TestConnection;
using testing_support::TestRequest;

constexpr const char* kModels = R"({"data":[{"id":"small"}]})";

ModelRequest Scored(std::string context, std::string continuation) {
    return {.kind = ModelRequest::Kind::kLoglikelihood,
            .context = std::move(context),
            .continuation = std::move(continuation)};
}

// A server whose model has a token per character, each less likely than the one before.
Json CharacterEcho(const Json& prompt) {
    Json tokens = Json::array(), logprobs = Json::array(), top = Json::array();
    std::string text = prompt.get<std::string>() + "!";
    for (size_t i = 0; i < text.size(); ++i) {
        std::string token(1, text[i]);
        double value = -0.5 * static_cast<double>(i);
        tokens.push_back(token);
        logprobs.push_back(i == 0 ? Json() : Json(value));
        top.push_back(i == 0 ? Json() : Json{{token, value}, {"?", token == "b" ? 0 : -99}});
    }
    return Json{{"tokens", tokens}, {"token_logprobs", logprobs}, {"top_logprobs", top}};
}

std::string CharacterModel(const TestRequest& request) {
    Json body = *ParseJson(request.body);
    Json choices = Json::array();
    if (body.contains("echo")) {
        for (const Json& prompt : body["prompt"])
            choices.push_back(
                {{"index", choices.size()}, {"logprobs", CharacterEcho(prompt)}, {"text", ""}});
        std::reverse(choices.begin(), choices.end());  // `index` tells
    } else if (body.contains("messages")) {
        choices.push_back({{"message", {{"content", body["messages"].back()["content"]}}}});
    } else {
        choices.push_back({{"text", body["prompt"].get<std::string>() + " then; more"}});
    }
    return DumpJson(Json{{"choices", choices}});
}

HttpTestServer::Handler Healthy() {
    return [](const TestRequest& request, TestConnection& connection) {
        bool list = request.target.ends_with("/models");
        connection.Respond(200, list ? kModels : CharacterModel(request));
    };
}

std::unique_ptr<ServerSubject> ConnectTo(const HttpTestServer& server,
                                         ServerSubjectOptions options = {}) {
    options.url = server.Url("/v1/");
    options.retry_delay = std::chrono::milliseconds(1);
    auto subject = ServerSubject::Connect(std::move(options));
    if (!subject) ADD_FAILURE() << subject.error().message;
    return subject ? *std::move(subject) : nullptr;
}

struct Asked {
    std::map<size_t, std::vector<ModelAnswer>> answers;
    Status status;
};

Asked Ask(ServerSubject& subject, const std::vector<Question>& questions) {
    Asked asked;
    asked.status = subject.Ask(questions,
                               [&](size_t index, std::vector<ModelAnswer> answers) -> Status {
                                   asked.answers[index] = std::move(answers);
                                   return {};
                               },
                               {});
    return asked;
}

TEST(ServerSubject, ScoresTheChoicesOfAQuestionInOneRequest) {
    HttpTestServer server(Healthy());
    auto subject = ConnectTo(server, {.api_key = "secret"});
    EXPECT_EQ(subject->identity()["model"], "small");
    std::vector<Question> questions;
    for (size_t i = 0; i < 20; ++i)
        questions.push_back({.document = i, .requests = {Scored("Q ", " aa"), Scored("Q ", "b")}});
    Asked asked = Ask(*subject, questions);
    ASSERT_TRUE(asked.status) << asked.status.error().message;
    ASSERT_EQ(asked.answers.size(), 20u);
    for (const auto& [index, answers] : asked.answers) {
        ASSERT_EQ(answers.size(), 2u);
        // "Q" stands; then two spaces and the letters at 1, 2, 3, 4.
        EXPECT_DOUBLE_EQ(answers[0].loglikelihood, -0.5 * (1 + 2 + 3 + 4));
        EXPECT_TRUE(answers[0].is_greedy);
        EXPECT_DOUBLE_EQ(answers[1].loglikelihood, -0.5 * (1 + 2));
        EXPECT_FALSE(answers[1].is_greedy);
    }
    EXPECT_EQ(server.requests().size(), 21u);
    EXPECT_EQ(server.requests()[1].Get("authorization"), "Bearer secret");
}

TEST(ServerSubject, GeneratesAndStopsAtStringsThatTheServerDoesNotKnow) {
    HttpTestServer server(Healthy());
    GenerationConfig config{.until = {";"}, .tokens_max = 7, .as_written = {}};
    ModelRequest request{.kind = ModelRequest::Kind::kGenerate, .context = "one"};
    auto subject = ConnectTo(server);
    Asked asked = Ask(*subject, {{.requests = {request}, .repeats = 2, .generation = &config}});
    ASSERT_TRUE(asked.status) << asked.status.error().message;
    ASSERT_EQ(asked.answers[0].size(), 2u);
    EXPECT_EQ(asked.answers[0][1].text, "one then");
    Json body = *ParseJson(server.requests().back().body);
    EXPECT_EQ(body["max_tokens"], 7);
    EXPECT_EQ(body["stop"], Json::array({";"}));
}

TEST(ServerSubject, SendsConversationsAsMessages) {
    HttpTestServer server(Healthy());
    GenerationConfig config;
    auto subject = ConnectTo(server, {.chat = true});
    auto prompt = subject->RenderChat(
        {.messages = Json::array({{{"role", "system"}, {"content", "Be brief."}},
                                  {{"role", "user"}, {"content", "hello"}}})});
    ASSERT_TRUE(prompt);
    ModelRequest request{.kind = ModelRequest::Kind::kGenerate, .context = *prompt};
    Asked asked = Ask(*subject, {{.requests = {request}, .generation = &config}});
    ASSERT_TRUE(asked.status) << asked.status.error().message;
    EXPECT_EQ(asked.answers[0][0].text, "hello");
    EXPECT_EQ(ParseJson(server.requests().back().body)->at("messages").size(), 2u);
    Asked scored = Ask(*subject, {{.document = 4, .requests = {Scored("Q", " a")}}});
    EXPECT_THAT(scored.status.error().message, HasSubstr("document 4: choices cannot be scored"));
}

TEST(ServerSubject, ShowsImagesBeforeTheText) {
    HttpTestServer server(Healthy());
    GenerationConfig config;
    ModelRequest request{.kind = ModelRequest::Kind::kGenerate,
                         .context = R"([{"role":"user","content":"<image>What is it?"}])",
                         .images = {"data:image/png;base64,iVBORw0K"}};
    Asked asked =
        Ask(*ConnectTo(server, {.chat = true}), {{.requests = {request}, .generation = &config}});
    Json parts = ParseJson(server.requests().back().body)->at("messages").back()["content"];
    EXPECT_EQ(parts, Json::parse(R"([{"type":"image_url","image_url":{
        "url":"data:image/png;base64,iVBORw0K"}},{"type":"text","text":"What is it?"}])"));
    asked = Ask(*ConnectTo(server), {{.requests = {request}, .generation = &config}});
    EXPECT_THAT(asked.status.error().message, HasSubstr("--apply-chat-template"));
}

TEST(ImageUrl, TakesUrlsBase64AndFiles) {
    ScratchDirectory scratch;
    EXPECT_EQ(*ImageUrl("https://host/a.png", ""), "https://host/a.png");
    EXPECT_EQ(*ImageUrl("iVBORw0KGgo=", ""), "data:image/png;base64,iVBORw0KGgo=");
    ASSERT_TRUE(platform::WriteFileAtomically(scratch.path() / "a", "\xff\xd8\xff!"));
    EXPECT_EQ(*ImageUrl("a", scratch.path()), "data:image/jpeg;base64,/9j/IQ==");
    ASSERT_TRUE(platform::WriteFileAtomically(scratch.path() / "b", "text"));
    EXPECT_THAT(ImageUrl("b", scratch.path()).error().message, HasSubstr("no PNG, JPEG"));
    EXPECT_FALSE(ImageUrl("missing", scratch.path()));
}

TEST(ServerSubject, AsksAgainWhileARefusalMayPass) {
    std::atomic<int> asked_before = 0;
    HttpTestServer server([&](const TestRequest& request, TestConnection& connection) {
        switch (asked_before++) {
            case 1:
                return connection.Respond(429, R"({"error":{"message":"slow down"}})",
                                          "Retry-After: 0\r\n");
            case 2:
                return connection.Cut();
            case 3:
                return connection.Respond(503, "");
            default:
                return Healthy()(request, connection);
        }
    });
    auto subject = ConnectTo(server, {.concurrency = 1});
    Asked asked = Ask(*subject, {{.requests = {Scored("Q", " a")}}});
    EXPECT_TRUE(asked.status) << asked.status.error().message;
    EXPECT_EQ(asked.answers.size(), 1u);
    EXPECT_EQ(server.requests().size(), 5u);
}

TEST(ServerSubject, KeepsWhatWasAnsweredWhenTheServerDies) {
    std::atomic<int> asked_before = 0;
    HttpTestServer server([&](const TestRequest& request, TestConnection& connection) {
        if (asked_before++ > 3) return connection.Cut();
        Healthy()(request, connection);
    });
    auto subject = ConnectTo(server, {.concurrency = 1, .attempts_max = 2});
    std::vector<Question> questions;
    for (size_t i = 0; i < 9; ++i)
        questions.push_back({.document = i, .requests = {Scored("Q", " a")}});
    Asked asked = Ask(*subject, questions);
    ASSERT_FALSE(asked.status);
    EXPECT_THAT(asked.status.error().message, HasSubstr("document 3: asked 2 times"));
    EXPECT_EQ(asked.answers.size(), 3u);
}

TEST(ServerSubject, SaysWhatIsWrongWithTheServer) {
    HttpTestServer server([](const TestRequest& request, TestConnection& connection) {
        if (request.target == "/v1/models") return connection.Respond(200, kModels);
        if (request.target == "/wrong/models") return connection.Respond(404, "page not found");
        connection.Respond(200, R"({"choices":[{"text":"no scores"}]})");
    });
    auto wrong = ServerSubject::Connect({.url = server.Url("/wrong")});
    ASSERT_FALSE(wrong);
    EXPECT_THAT(wrong.error().message, HasSubstr("404: page not found (an address that ends in"));
    auto other = ServerSubject::Connect({.url = server.Url("/v1"), .model = "large"});
    ASSERT_FALSE(other);
    EXPECT_THAT(other.error().message, HasSubstr("has no model large; it has small"));
    Asked asked = Ask(*ConnectTo(server), {{.requests = {Scored("Q", " a")}}});
    ASSERT_FALSE(asked.status);
    EXPECT_THAT(asked.status.error().message, HasSubstr("does not score prompts"));
    ModelRequest rolling{.kind = ModelRequest::Kind::kRolling, .context = "text"};
    asked = Ask(*ConnectTo(server), {{.requests = {rolling}}});
    EXPECT_THAT(asked.status.error().message, HasSubstr("tokenizer"));
}

TEST(ServerReply, FindsTheContinuationBehindABeginToken) {
    std::vector<ModelRequest> asked = {Scored("Qé ", " ab")};
    constexpr const char* kReply = R"({"choices":[{"logprobs":{
        "tokens":["<s>","Qé"," "," a","b","!"],
        "token_logprobs":[null,-7,-1,-2,-4,-9],
        "top_logprobs":[null,{"Q":-1},{" ":-1},{" a":-2},{"b":-4},{"!":-9}]}}]})";
    auto answers = ParseScored(kReply, asked);
    ASSERT_TRUE(answers) << answers.error().message;
    EXPECT_DOUBLE_EQ((*answers)[0].loglikelihood, -7);
    EXPECT_TRUE((*answers)[0].is_greedy);
}

}  // namespace
}  // namespace lathe::eval
