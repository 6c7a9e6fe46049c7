#include <cmath>

#include "edge/api/api_fixture.h"

namespace lathe::api {
namespace {

using ::testing::HasSubstr;

// Of the next letter, and of '?'.
const double kLikely = 6 - std::log(std::exp(6) + std::exp(3) + 255);
const double kSecond = kLikely - 3;
const double kOther = kLikely - 6;

TEST(CompletionApi, ContinuesEveryFormOfPrompt) {
    Served served;
    auto texts = [&](const Json& prompt, Json more = {{"max_tokens", 2}}) {
        auto answer = served.Post(kCompletionPath, Completion(prompt, more));
        EXPECT_EQ(answer.status, 200) << answer.body;
        Json out = Json::array();
        for (const auto& choice : answer.json["choices"]) {
            EXPECT_EQ(choice["index"], out.size());
            out.push_back(choice["text"]);
        }
        return out.dump();
    };
    EXPECT_EQ(texts("xa"), R"(["bc"])");
    EXPECT_EQ(texts({'x', 'c'}), R"(["de"])");
    EXPECT_EQ(texts({"a", "c"}), R"(["bc","de"])");
    EXPECT_EQ(texts(Json::array({{'a'}, {'x', 'c'}})), R"(["bc","de"])");
    EXPECT_EQ(texts({"a", "c"}, {{"max_tokens", 1}, {"n", 2}}), R"(["b","b","d","d"])");
    EXPECT_EQ(texts("l", Json::object()), R"(["mnopqrstuvwxyz"])");    // 14 letters, then the end
    EXPECT_EQ(texts("a", Json::object()), R"(["bcdefghijklmnopq"])");  // 16 by default
    EXPECT_EQ(texts("", {{"max_tokens", 1}}), R"(["a"])");             // from the end-of-turn token
    EXPECT_EQ(texts("y", {{"max_tokens", 3}, {"ignore_eos", true}}), R"(["za"])");
}

TEST(CompletionApi, EchoesThePromptWithItsLogprobs) {
    Served served;
    auto json =
        served
            .Post(kCompletionPath,
                  Completion("abx",
                             {{"max_tokens", 1}, {"echo", true}, {"logprobs", 1}, {"seed", 1234}}))
            .json;
    EXPECT_EQ(json["object"], "text_completion");
    const auto& choice = json["choices"][0];
    EXPECT_EQ(choice["text"], "abxy");
    EXPECT_EQ(choice["finish_reason"], "length");
    const auto& logprobs = choice["logprobs"];
    EXPECT_EQ(logprobs["tokens"].dump(), R"(["a","b","x","y"])");
    EXPECT_EQ(logprobs["text_offset"].dump(), "[0,1,2,3]");
    ASSERT_EQ(logprobs["token_logprobs"].size(), 4u);
    EXPECT_EQ(logprobs["token_logprobs"][0], nullptr);
    EXPECT_NEAR(logprobs["token_logprobs"][1].get<double>(), kLikely, 1e-4);
    EXPECT_NEAR(logprobs["token_logprobs"][2].get<double>(), kOther, 1e-4);
    EXPECT_NEAR(logprobs["token_logprobs"][3].get<double>(), kLikely, 1e-4);
    const auto& tops = logprobs["top_logprobs"];
    ASSERT_EQ(tops.size(), 4u);
    EXPECT_EQ(tops[0], nullptr);
    EXPECT_EQ(tops[1].size(), 1u);
    // "x" was none of the best, so that it stands beside them.
    ASSERT_EQ(tops[2].size(), 2u);
    EXPECT_NEAR(tops[2]["c"].get<double>(), kLikely, 1e-4);
    EXPECT_NEAR(tops[2]["x"].get<double>(), kOther, 1e-4);
    EXPECT_EQ(json["usage"]["prompt_tokens"], 3);
}

TEST(CompletionApi, KeepsTheEndTokenInTheLogprobsSoThatHarnessesCanCutIt) {
    Served served;
    auto json =
        served
            .Post(kCompletionPath,
                  Completion({{'y', 'z'}}, {{"max_tokens", 1}, {"echo", true}, {"logprobs", 1}}))
            .json;
    const auto& choice = json["choices"][0];
    EXPECT_EQ(choice["text"], "yz");
    EXPECT_EQ(choice["finish_reason"], "stop");
    EXPECT_EQ(choice["logprobs"]["tokens"].dump(), R"(["y","z","<|im_end|>"])");
}

TEST(CompletionApi, ScoresAPromptAloneWithMaxTokensZero) {
    Served served;
    auto json = served
                    .Post(kCompletionPath,
                          Completion("abc", {{"max_tokens", 0}, {"echo", true}, {"logprobs", 2}}))
                    .json;
    const auto& choice = json["choices"][0];
    EXPECT_EQ(choice["text"], "abc");
    EXPECT_EQ(choice["logprobs"]["token_logprobs"].size(), 3u);
    EXPECT_NEAR(choice["logprobs"]["top_logprobs"][1]["?"].get<double>(), kSecond, 1e-4);
    EXPECT_EQ(json["usage"]["completion_tokens"], 0);
}

TEST(CompletionApi, ScoresManyPromptsInOneRequest) {
    Served served;
    Json prompts = Json::array();
    for (int i = 0; i < 20; ++i) prompts.push_back(Json::array({'a' + i, 'b' + i, '#'}));
    auto json = served
                    .Post(kCompletionPath,
                          Completion(prompts, {{"max_tokens", 1}, {"echo", true}, {"logprobs", 1}}))
                    .json;
    ASSERT_EQ(json["choices"].size(), 20u);
    for (int i = 0; i < 20; ++i) {
        const auto& choice = json["choices"][i];
        EXPECT_EQ(choice["index"], i);
        EXPECT_EQ(choice["text"], fmt::format("{}{}#a", char('a' + i), char('b' + i)));
        EXPECT_NEAR(choice["logprobs"]["token_logprobs"][1].get<double>(), kLikely, 1e-4);
        EXPECT_NEAR(choice["logprobs"]["token_logprobs"][2].get<double>(), kOther, 1e-4);
    }
    EXPECT_EQ(json["usage"]["prompt_tokens"], 60);
    EXPECT_EQ(json["usage"]["completion_tokens"], 20);
}

TEST(CompletionApi, CountsOffsetsInCharactersAndNamesCutOnesByTheirBytes) {
    Served served;
    auto json = served
                    .Post(kCompletionPath,
                          Completion("é#", {{"max_tokens", 1}, {"echo", true}, {"logprobs", 0}}))
                    .json;
    const auto& logprobs = json["choices"][0]["logprobs"];
    EXPECT_EQ(json["choices"][0]["text"], "é#a");
    EXPECT_EQ(logprobs["tokens"].dump(), R"(["bytes:\\xc3","bytes:\\xa9","#","a"])");
    EXPECT_EQ(logprobs["text_offset"].dump(), "[0,0,1,2]");
    EXPECT_EQ(logprobs["top_logprobs"][3].size(), 1u);
    auto ids = served.Post(
        kCompletionPath,
        Completion("#",
                   {{"max_tokens", 1}, {"logprobs", 1}, {"return_tokens_as_token_ids", true}}));
    EXPECT_EQ(ids.json["choices"][0]["logprobs"]["tokens"].dump(), R"(["token_id:97"])");
}

TEST(CompletionApi, StreamsWithEchoLogprobsAndUsage) {
    Served served;
    auto stream = served.PostStream(
        kCompletionPath, Completion({"ab", "mn"}, {{"max_tokens", 3},
                                                   {"echo", true},
                                                   {"logprobs", 1},
                                                   {"stream_options", {{"include_usage", true}}}}));
    std::map<int, std::string> text, tokens, offsets;
    std::map<int, int> finishes;
    for (const auto& chunk : stream.chunks) {
        EXPECT_EQ(chunk["object"], "text_completion");
        for (const auto& choice : chunk["choices"]) {
            int index = choice["index"];
            text[index] += choice["text"].get<std::string>();
            finishes[index] += choice["finish_reason"] == "length";
            if (!choice["logprobs"].is_object()) continue;
            for (const auto& token : choice["logprobs"]["tokens"]) tokens[index] += token;
            for (const auto& offset : choice["logprobs"]["text_offset"])
                offsets[index] += offset.dump();
        }
    }
    EXPECT_EQ(text[0], "abcde");
    EXPECT_EQ(text[1], "mnopq");
    EXPECT_EQ(tokens[1], "mnopq");
    EXPECT_EQ(offsets[0], "01234");
    EXPECT_EQ(finishes[0] + finishes[1], 2);
    EXPECT_EQ(stream.chunks.back()["usage"]["completion_tokens"], 6);
}

TEST(CompletionApi, RefusesAPromptThatDoesNotFit) {
    Served served;
    auto answer = served.Post(kCompletionPath, Completion(std::string(256, 'q')));
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.json["error"]["code"], "context_length_exceeded");
    EXPECT_EQ(answer.json["error"]["param"], "prompt");
    auto scored = served.Post(
        kCompletionPath, Completion(std::string(256, 'q'), {{"max_tokens", 0}, {"echo", true}}));
    EXPECT_EQ(scored.status, 200) << scored.body;
    auto full =
        served.Post(kCompletionPath, Completion(std::string(250, 'q'), {{"max_tokens", 100}}));
    EXPECT_EQ(full.json["usage"]["completion_tokens"], 6);
    EXPECT_EQ(full.json["choices"][0]["finish_reason"], "length");
}

TEST(ModelApi, TellsOfItsModel) {
    Served served;
    auto list = served.Get("/v1/models").json;
    EXPECT_EQ(list["object"], "list");
    ASSERT_EQ(list["data"].size(), 1u);
    EXPECT_EQ(list["data"][0]["id"], "abc");
    EXPECT_EQ(list["data"][0]["max_model_len"], 256);
    EXPECT_EQ(served.Get("/v1/models/abc").json, list["data"][0]);
    EXPECT_EQ(served.Get("/v1/models/abc/facts").json["architecture"], "alphabet");
    auto missing = served.Get("/v1/models/xyz");
    EXPECT_EQ(missing.status, 404);
    EXPECT_EQ(missing.json["error"]["code"], "model_not_found");
    EXPECT_EQ(served.Get("/v1/models/xyz/facts").status, 404);
}

TEST(ModelApi, TokenizesAndBack) {
    Served served;
    auto tokens = served.Post("/tokenize", {{"model", "abc"},
                                            {"prompt", "aé<|im_end|>"},
                                            {"add_special_tokens", false},
                                            {"return_token_strs", true}});
    EXPECT_EQ(tokens.body, R"({"tokens":[97,195,169,257],"count":4,"max_model_len":256,)"
                           R"("token_strs":["a","bytes:\\xc3","bytes:\\xa9","<|im_end|>"]})");
    auto chat = served.Post("/tokenize", {{"messages", Chat("hi")["messages"]}});
    EXPECT_EQ(chat.json["count"], 21);
    auto back = served.Post("/detokenize", {{"model", "abc"}, {"tokens", {97, 195, 169, 257}}});
    EXPECT_EQ(back.body, R"({"prompt":"aé<|im_end|>"})");
    EXPECT_EQ(served.Post("/detokenize", {{"tokens", {258}}}).json["error"]["param"], "tokens");
    EXPECT_EQ(served.Post("/tokenize", {{"model", "abc"}}).status, 400);
    EXPECT_EQ(served.Post("/tokenize", {{"model", "x"}, {"prompt", ""}}).status, 404);
    EXPECT_EQ(served.Post("/tokenize", {{"prompt", ""}}).json["count"], 0);
}

TEST(ModelApi, TellsHarnessesOfItsTokenizer) {
    ServedOptions options;
    Served served(options);
    auto info = served.Get("/tokenizer_info").json;
    EXPECT_EQ(info["bos_token"], nullptr);
    EXPECT_EQ(info["eos_token"], "<|im_end|>");
    EXPECT_EQ(info["vocab_size"], 258);
    EXPECT_EQ(info["model_max_length"], 256);
    EXPECT_EQ(info["chat_template"], options.chat_template);
    // Which is how harnesses look up the token's number.
    auto ids =
        served.Post("/tokenize", {{"prompt", info["eos_token"]}, {"add_special_tokens", false}});
    EXPECT_EQ(ids.json["tokens"].dump(), "[257]");
}

TEST(ModelApi, ShowsVllmsMetrics) {
    Served served;
    served.Post(kCompletionPath, Completion("a", {{"max_tokens", 5}}));
    served.Post(kCompletionPath, Completion("y"));
    auto answer = served.Get("/metrics");
    EXPECT_THAT(answer.head, HasSubstr("text/plain; version=0.0.4"));
    for (const char* line :
         {"vllm:num_requests_running{model_name=\"abc\"} 0\n",
          "vllm:num_requests_waiting{model_name=\"abc\"} 0\n",
          "vllm:kv_cache_usage_perc{model_name=\"abc\"} 0\n",
          "vllm:prompt_tokens_total{model_name=\"abc\"} 2\n",
          "vllm:generation_tokens_total{model_name=\"abc\"} 7\n",
          "vllm:request_success_total{finished_reason=\"length\",model_name=\"abc\"} 1\n",
          "vllm:request_success_total{finished_reason=\"stop\",model_name=\"abc\"} 1\n",
          "vllm:time_to_first_token_seconds_count{model_name=\"abc\"} 2\n",
          "vllm:inter_token_latency_seconds_count{model_name=\"abc\"} 5\n",
          "vllm:e2e_request_latency_seconds_count{model_name=\"abc\"} 2\n",
          "vllm:request_queue_time_seconds_count{model_name=\"abc\"} 2\n",
          "vllm:request_prefill_time_seconds_count{model_name=\"abc\"} 2\n",
          "vllm:request_decode_time_seconds_count{model_name=\"abc\"} 2\n",
          "vllm:prefix_cache_queries_total{model_name=\"abc\"} 2\n",
          "vllm:prefix_cache_hits_total{model_name=\"abc\"} 0\n",
          "vllm:spec_decode_num_draft_tokens_total{model_name=\"abc\"} ",
          "vllm:spec_decode_num_accepted_tokens_total{model_name=\"abc\"} ",
          "process_resident_memory_bytes "})
        EXPECT_THAT(answer.body, HasSubstr(line));
}

}  // namespace
}  // namespace lathe::api
