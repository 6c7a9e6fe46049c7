#include "edge/api/parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/platform/files.h"
#include "support/paths.h"

namespace lathe::api {
namespace {

using ::testing::AllOf;
using ::testing::Field;
using ::testing::HasSubstr;

constexpr Parameter kTable[] = {
    {"temperature", Kind::kNumber, Treatment::kHonoured, 0, 2},
    {"n", Kind::kInteger, Treatment::kHonoured, 1, 4},
    {"stop", Kind::kStringOrArray, Treatment::kHonoured, 0, 2},
    {"user", Kind::kString, Treatment::kHarmless},
    {"store", Kind::kBool, Treatment::kOnly, 0, 0, "[false]"},
    {"service_tier", Kind::kString, Treatment::kOnly, 0, 0, R"(["auto","default"])"},
    {"audio", Kind::kObject, Treatment::kRefused, 0, 0, "text only"},
};

Error Refusal(const char* body) {
    auto status = CheckParameters(Json::parse(body), kTable);
    EXPECT_FALSE(status) << body;
    return status ? Error{} : status.error();
}

auto Blames(std::string param, std::string message) {
    return AllOf(Field(&Error::param, param), Field(&Error::message, HasSubstr(message)));
}

TEST(Parameters, AcceptsWhatIsRightOrNull) {
    for (const char* body :
         {"{}", R"({"temperature":0.5,"n":4,"stop":"a","user":"me"})", R"({"n":2.0,"stop":["a"]})",
          R"({"temperature":null,"audio":null,"store":null})",
          R"({"store":false,"service_tier":"default"})"})
        EXPECT_TRUE(CheckParameters(Json::parse(body), kTable)) << body;
}

TEST(Parameters, NamesWhatIsWrongAndTheAllowedRange) {
    EXPECT_THAT(Refusal(R"({"temperature":2.5})"),
                Blames("temperature", "temperature must be from 0 to 2, not 2.5"));
    EXPECT_THAT(Refusal(R"({"temperature":"warm"})"),
                Blames("temperature", "must be a number, not a string"));
    EXPECT_THAT(Refusal(R"({"n":1.5})"), Blames("n", "must be an integer, not 1.5"));
    EXPECT_THAT(Refusal(R"({"n":0})"), Blames("n", "from 1 to 4, not 0"));
    EXPECT_THAT(Refusal(R"({"n":18446744073709551615})"), Blames("n", "must be an integer"));
    EXPECT_THAT(Refusal(R"({"n":1e300})"), Blames("n", "must be an integer"));
    EXPECT_THAT(Refusal(R"({"n":true})"), Blames("n", "must be an integer, not true"));
    EXPECT_THAT(Refusal(R"({"stop":["a","b","c"]})"), Blames("stop", "the length of stop"));
    EXPECT_THAT(Refusal(R"({"user":7})"), Blames("user", "must be a string, not 7"));
}

TEST(Parameters, RefusesRatherThanIgnores) {
    EXPECT_THAT(Refusal(R"({"audio":{}})"), Blames("audio", "not supported: text only"));
    EXPECT_THAT(Refusal(R"({"store":true})"), Blames("store", "only as false"));
    EXPECT_THAT(Refusal(R"({"service_tier":"flex"})"),
                Blames("service_tier", R"(one of ["auto","default"])"));
    EXPECT_THAT(Refusal(R"({"temperatur":1})"),
                Blames("temperatur", "did you mean \"temperature\"?"));
    EXPECT_THAT(Refusal(R"({"xyzzy":1})"), Blames("xyzzy", "docs/api.md"));
    auto long_name = std::string(100'000, 'n');
    auto error = CheckParameters(Json{{long_name, 1}}, kTable).error();
    EXPECT_LT(error.message.size(), 300u);
}

TEST(Parameters, AreAllInTheDocumentation) {
    auto docs = platform::ReadFile(testing_support::SourceTree() / "docs" / "api.md");
    ASSERT_TRUE(docs) << docs.error().message;
    for (auto table :
         {ChatParameters(), CompletionParameters(), TokenizeParameters(), DetokenizeParameters()})
        for (const auto& parameter : table)
            EXPECT_THAT(*docs, HasSubstr(fmt::format("`{}`", parameter.name)));
}

TEST(Parameters, AreNamedOnceInEachTable) {
    for (auto table :
         {ChatParameters(), CompletionParameters(), TokenizeParameters(), DetokenizeParameters()})
        for (size_t i = 0; i < table.size(); ++i)
            for (size_t j = i + 1; j < table.size(); ++j) EXPECT_NE(table[i].name, table[j].name);
}

TEST(ParseBody, TakesOneJsonObject) {
    EXPECT_TRUE(ParseBody(" {\"a\":1} "));
    EXPECT_THAT(ParseBody("").error().message, HasSubstr("empty"));
    EXPECT_THAT(ParseBody(" \n").error().message, HasSubstr("empty"));
    EXPECT_THAT(ParseBody("[1]").error().message, HasSubstr("must be a JSON object, not an array"));
    EXPECT_THAT(ParseBody("{\"a\":").error().message, HasSubstr("not valid JSON"));
    EXPECT_THAT(ParseBody("{\"a\":\"\xff\"}").error().message, HasSubstr("not valid JSON"));
    EXPECT_THAT(ParseBody(std::string(1'000'000, '[')).error().message, HasSubstr("nested deeper"));
}

}  // namespace
}  // namespace lathe::api
