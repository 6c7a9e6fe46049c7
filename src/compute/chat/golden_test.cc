// Published templates, and snippets of every feature, against what jinja2 renders.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "compute/chat/chat_template.h"
#include "support/paths.h"

namespace lathe::chat {
namespace {

Json GoldenJson(std::string_view name) {
    std::ifstream stream(testing_support::Golden(name), std::ios::binary);
    std::stringstream text;
    text << stream.rdbuf();
    auto json = ParseJson(text.str());
    EXPECT_TRUE(json.has_value()) << name << ": " << json.error().message;
    return json ? *std::move(json) : Json::array();
}

// "TemplateError: message" -> "message"
std::string WithoutType(const std::string& error) {
    size_t colon = error.find(": ");
    return colon == std::string::npos ? error : error.substr(colon + 2);
}

TEST(Golden, PublishedTemplatesRenderToTheByte) {
    const Json golden = GoldenJson("chat-templates.json");
    ASSERT_EQ(golden.size(), 36u);
    size_t cases = 0;
    for (const Json& entry : golden) {
        const auto name = entry["name"].get<std::string>();
        auto parsed = ChatTemplate::Parse(entry["template"].get<std::string>());
        ASSERT_TRUE(parsed.has_value()) << name << ": " << parsed.error().message;
        for (const Json& one : entry["cases"]) {
            SCOPED_TRACE(name + ", " + one["case"].get<std::string>());
            ++cases;
            RenderInput input;
            input.messages = one["messages"];
            input.tools = one["tools"];
            input.add_generation_prompt = one["add_generation_prompt"].get<bool>();
            input.bos_token = entry["bos_token"].get<std::string>();
            input.eos_token = entry["eos_token"].get<std::string>();
            auto rendered = parsed->Render(input);
            if (one.contains("error")) {
                ASSERT_FALSE(rendered.has_value()) << *rendered;
                EXPECT_EQ(rendered.error().code, Code::kInvalidArgument);
                EXPECT_TRUE(rendered.error().message.contains(WithoutType(one["error"])))
                    << rendered.error().message << "\nexpected: " << one["error"];
            } else {
                ASSERT_TRUE(rendered.has_value()) << rendered.error().message;
                EXPECT_EQ(*rendered, one["rendered"].get<std::string>());
            }
        }
    }
    EXPECT_EQ(cases, 360u);
}

TEST(Golden, SnippetsOfEveryFeatureRenderAsJinja2DoesIt) {
    const Json golden = GoldenJson("jinja-snippets.json");
    size_t snippets = 0;
    for (const Json& group : golden["groups"]) {
        for (const Json& one : group["snippets"]) {
            const auto source = one["template"].get<std::string>();
            SCOPED_TRACE(group["group"].get<std::string>() + ": " + source);
            ++snippets;
            RenderInput input;
            input.messages = golden["messages"];
            input.tools = golden["tools"];
            input.bos_token = golden["bos_token"].get<std::string>();
            input.eos_token = golden["eos_token"].get<std::string>();
            input.extra = golden["extra"];
            auto parsed = ChatTemplate::Parse(source);
            auto rendered = parsed ? parsed->Render(input)
                                   : Result<std::string>(std::unexpected(parsed.error()));
            if (one.contains("error")) {
                EXPECT_FALSE(rendered.has_value()) << *rendered << "\nexpected " << one["error"];
                continue;
            }
            EXPECT_TRUE(rendered.has_value()) << rendered.error().message;
            if (rendered) EXPECT_EQ(*rendered, one["rendered"].get<std::string>());
        }
    }
    EXPECT_GE(snippets, 400u);
}

}  // namespace
}  // namespace lathe::chat
