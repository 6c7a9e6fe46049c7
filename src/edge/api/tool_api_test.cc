#include "edge/api/api_fixture.h"

namespace lathe::api {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

Json Tools() {
    return Json::parse(R"([{"type": "function", "function": {"name": "rain", "parameters": {
        "type": "object", "properties": {"city": {"type": "string", "enum": ["Oslo", "Rome"]}},
        "required": ["city"], "additionalProperties": false}}},
        {"type": "function", "function": {"name": "now"}}])");
}

// Shows names of tools and calls, in the format `marker` stands for.
std::string TemplateWith(std::string_view marker) {
    return fmt::format(
        "{{# {} #}}{{% for t in tools or [] %}}{{{{ t.function.name }}}} {{% endfor %}}"
        "{{% for m in messages %}}<|im_start|>{{{{ m.role }}}}\n{{{{ m.content }}}}"
        "{{% for c in m.tool_calls or [] %}}{{{{ c.function | tojson }}}}{{% endfor %}}"
        "<|im_end|>\n{{% endfor %}}{{% if add_generation_prompt %}}<|im_start|>assistant\n"
        "{{% endif %}}",
        marker);
}

ServedOptions Says(std::string script,
                   std::string_view marker = "<tool_call>{\"name\"}</tool_call>") {
    ServedOptions options;
    options.script = std::move(script);
    options.chat_template = TemplateWith(marker);
    return options;
}

Json Ask(const Json& more = Json::object()) {
    Json body = Chat("hi", {{"tools", Tools()}});
    body.update(more);
    return body;
}

// The calls without their ids, which are new each time.
std::string Named(const Json& calls) {
    std::string text;
    for (const auto& call : calls) {
        EXPECT_THAT(call["id"].get<std::string>(), MatchesRegex("call_[0-9a-f]{24}"));
        EXPECT_EQ(call["type"], "function");
        text += fmt::format("{}({}) ", call["function"]["name"].get<std::string>(),
                            call["function"]["arguments"].get<std::string>());
    }
    return text;
}

constexpr const char* kTwoCalls =
    "Sure.\n<tool_call>\n{\"name\": \"rain\", \"arguments\": {\"city\": \"Oslo\"}}\n</tool_call>\n"
    "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>";

TEST(ToolApi, GivesCallsInPlaceOfTheirText) {
    Served served(Says(kTwoCalls));
    auto answer = served.Post(kChatPath, Ask());
    ASSERT_EQ(answer.status, 200) << answer.body;
    const auto& choice = answer.json["choices"][0];
    EXPECT_EQ(choice["finish_reason"], "tool_calls");
    EXPECT_EQ(choice["message"]["content"], "Sure.");
    EXPECT_EQ(Named(choice["message"]["tool_calls"]), R"(rain({"city": "Oslo"}) now({}) )");
    auto first = served.Post(kChatPath, Ask({{"parallel_tool_calls", false}})).json;
    EXPECT_EQ(Named(first["choices"][0]["message"]["tool_calls"]), R"(rain({"city": "Oslo"}) )");
    // Without tools the text is only text.
    for (const Json& more : {Json{{"tools", nullptr}}, Json{{"tool_choice", "none"}}}) {
        auto plain = served.Post(kChatPath, Ask(more)).json;
        EXPECT_EQ(plain["choices"][0]["message"]["content"], kTwoCalls);
        EXPECT_EQ(plain["choices"][0]["finish_reason"], "stop");
        EXPECT_FALSE(plain["choices"][0]["message"].contains("tool_calls"));
    }
}

TEST(ToolApi, HasNoContentWhereThereIsNothingButACall) {
    Served served(Says("<tool_call>{\"name\": \"now\", \"arguments\": {}}</tool_call>"));
    auto message = served.Post(kChatPath, Ask()).json["choices"][0]["message"];
    EXPECT_EQ(message["content"], nullptr);
    EXPECT_EQ(Named(message["tool_calls"]), "now({}) ");
}

TEST(ToolApi, SaysLengthWhereACallIsCutOff) {
    Served served(Says(kTwoCalls));
    auto choice = served.Post(kChatPath, Ask({{"max_tokens", 59}})).json["choices"][0];
    EXPECT_EQ(choice["finish_reason"], "length");
    EXPECT_EQ(Named(choice["message"]["tool_calls"]), R"(rain({"city": "O) )");
}

TEST(ToolApi, StreamsCallsPieceByPiece) {
    Served served(Says(kTwoCalls));
    auto stream = served.PostStream(kChatPath, Ask({{"n", 2}, {"logprobs", true}}));
    std::map<int, std::string> content, tokens, finish;
    std::map<int, Json> calls;
    for (const auto& chunk : stream.chunks) {
        const auto& choice = chunk["choices"][0];
        int index = choice["index"];
        const auto& delta = choice["delta"];
        content[index] += delta.value("content", "");
        if (!choice["finish_reason"].is_null()) finish[index] = choice["finish_reason"];
        if (choice["logprobs"].is_object())
            for (const auto& token : choice["logprobs"]["content"])
                tokens[index] += token["token"].get<std::string>();
        if (!delta.contains("tool_calls")) continue;
        for (const auto& piece : delta["tool_calls"]) {
            size_t at = piece["index"];
            if (at == calls[index].size()) {
                EXPECT_EQ(piece.size(), 4u);
                calls[index].push_back(piece);
            } else {
                EXPECT_EQ(piece.size(), 2u);
                calls[index][at]["function"]["arguments"].get_ref<std::string&>() +=
                    piece["function"]["arguments"].get<std::string>();
            }
        }
    }
    for (int i : {0, 1}) {
        EXPECT_EQ(content[i], "Sure.");
        EXPECT_EQ(tokens[i], std::string(kTwoCalls) + "<|im_end|>");
        EXPECT_EQ(finish[i], "tool_calls");
        EXPECT_EQ(Named(calls[i]), R"(rain({"city": "Oslo"}) now({}) )");
    }
    EXPECT_NE(calls[0][0]["id"], calls[1][0]["id"]);
    EXPECT_GT(stream.chunks.size(), 20u);
}

TEST(ToolApi, ReadsMarkersThatAreSpecialTokensAndHidesOtherOnes) {
    Served served(Says("a<|im_start|>b [TOOL_CALLS] [{\"name\": \"now\", \"arguments\": {}}]",
                       "[TOOL_CALLS]"));
    auto choice = served.Post(kChatPath, Ask()).json["choices"][0];
    EXPECT_EQ(choice["message"]["content"], "ab");
    EXPECT_EQ(Named(choice["message"]["tool_calls"]), "now({}) ");
    auto plain = served.Post(kChatPath, Ask({{"tool_choice", "none"}})).json["choices"][0];
    EXPECT_EQ(plain["message"]["content"], "ab  [{\"name\": \"now\", \"arguments\": {}}]");
}

TEST(ToolApi, RendersEarlierCallsAndTheirResults) {
    Served served(Says("fine"));
    Json messages = Json::parse(R"([{"role": "user", "content": "hi"},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "call_1", "type": "function",
          "function": {"name": "now", "arguments": "{\"a\": 1}"}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "noon"}])");
    auto answer = served.Post("/tokenize", {{"messages", messages}, {"tools", Tools()}});
    ASSERT_EQ(answer.status, 200) << answer.body;
    auto text = served.Post("/detokenize", {{"tokens", answer.json["tokens"]}}).json["prompt"];
    EXPECT_EQ(text,
              "rain now <|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n{\"name\": \"now\", "
              "\"arguments\": {\"a\": 1}}<|im_end|>\n<|im_start|>tool\nnoon<|im_end|>\n"
              "<|im_start|>assistant\n");
    auto choice = served.Post(kChatPath, Ask({{"messages", messages}})).json["choices"][0];
    EXPECT_EQ(choice["message"]["content"], "fine");
    EXPECT_EQ(choice["finish_reason"], "stop");
}

Json Naming(std::string_view name) {
    return {{"type", "function"}, {"function", {{"name", name}}}};
}

TEST(ToolApi, ForcesCallsOnAModelThatWouldRatherTalk) {
    Served served(Says("I would rather not say anything about that, if I may, or about this."));
    auto message = [&](const Json& more) {
        auto answer = served.Post(kChatPath, Ask(more));
        EXPECT_EQ(answer.status, 200) << answer.body;
        const auto& choice = answer.json["choices"][0];
        EXPECT_EQ(choice["finish_reason"], "tool_calls");
        EXPECT_EQ(choice["message"]["content"], nullptr);
        return choice["message"];
    };
    auto named = message({{"tool_choice", Naming("rain")}});
    ASSERT_EQ(named["tool_calls"].size(), 1u);
    EXPECT_EQ(named["tool_calls"][0]["function"]["name"], "rain");
    auto arguments =
        Json::parse(named["tool_calls"][0]["function"]["arguments"].get_ref<const std::string&>());
    EXPECT_EQ(arguments.size(), 1u);
    EXPECT_TRUE(arguments["city"] == "Oslo" || arguments["city"] == "Rome");
    auto now = message({{"tool_choice", Naming("now")}});
    EXPECT_EQ(Json::parse(now["tool_calls"][0]["function"]["arguments"].get<std::string>()),
              Json::object());
    for (bool parallel : {true, false})
        EXPECT_GE(
            message({{"tool_choice", "required"}, {"parallel_tool_calls", parallel}})["tool_calls"]
                .size(),
            1u);
}

TEST(ToolApi, LetsTheModelFillInAForcedCall) {
    // What is certain is in the prompt: the model goes on from there.
    const std::string script =
        "<tool_call>\n{\"name\": \"rain\", \"arguments\": {\"city\": \"Rome\"}";
    Served served(Says(script));
    for (const Json& choice : {Naming("rain"), Json("required")}) {
        auto answer = served.Post(kChatPath, Ask({{"tool_choice", choice}})).json;
        EXPECT_EQ(Named(answer["choices"][0]["message"]["tool_calls"]),
                  R"(rain({"city": "Rome"}) )");
        auto stream = served.PostStream(kChatPath, Ask({{"tool_choice", choice}}));
        std::string arguments;
        for (const auto& chunk : stream.chunks) {
            const auto& delta = chunk["choices"][0]["delta"];
            EXPECT_EQ(delta.value("content", ""), "");
            if (delta.contains("tool_calls"))
                arguments += delta["tool_calls"][0]["function"]["arguments"].get<std::string>();
        }
        EXPECT_EQ(arguments, R"({"city": "Rome"})");
        EXPECT_EQ(stream.chunks.back()["choices"][0]["finish_reason"], "tool_calls");
    }
}

TEST(ToolApi, NamesASchemaThatCannotBeForced) {
    Served served(Says("fine"));
    Json tools = Tools();
    tools[0]["function"]["parameters"]["properties"]["city"] = {{"type", "place"}};
    auto answer = served.Post(kChatPath, Ask({{"tools", tools}, {"tool_choice", "required"}}));
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.json["error"]["param"], "tools[0].function.parameters");
    // Where nothing is forced the schema is the model's business.
    EXPECT_EQ(served.Post(kChatPath, Ask({{"tools", tools}})).status, 200);
}

TEST(ToolApi, RefusesToolsWhereCallsCannotBeRead) {
    Served unknown(Says("fine", "nothing known"));
    auto answer = unknown.Post(kChatPath, Ask());
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.json["error"]["param"], "tools");
    EXPECT_THAT(answer.body, HasSubstr("--tool-format NAME"));
    EXPECT_EQ(unknown.Post(kChatPath, Ask({{"tool_choice", "none"}})).status, 200);
    auto options = Says(kTwoCalls, "nothing known");
    options.tool_format = "hermes";
    Served told(options);
    auto choice = told.Post(kChatPath, Ask()).json["choices"][0];
    EXPECT_EQ(choice["finish_reason"], "tool_calls");
}

}  // namespace
}  // namespace lathe::api
