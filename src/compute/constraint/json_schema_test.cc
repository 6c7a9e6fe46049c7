#include <gmock/gmock.h>

#include "compute/constraint/constraint_fixture.h"

namespace lathe::constraint {
namespace {

using ::testing::HasSubstr;

// Checks which texts a schema allows.
class Schema {
public:
    explicit Schema(std::string_view text)
        : grammar_(CompileOrFail(JsonSchema(Json::parse(text)))) {}
    Schema& Allows(std::string_view text) {
        EXPECT_TRUE(grammar_ && Matches(grammar_, text)) << text;
        return *this;
    }
    Schema& Bars(std::string_view text) {
        EXPECT_FALSE(grammar_ && Matches(grammar_, text)) << text;
        return *this;
    }

private:
    GrammarPtr grammar_;
};

std::string RefusalOf(std::string_view schema) {
    return Refusal(JsonSchema(Json::parse(schema)));
}

TEST(JsonSchema, KnowsTheTypes) {
    Schema(R"({"type":"null"})").Allows("null").Bars("0");
    Schema(R"({"type":"boolean"})").Allows("true").Allows("false").Bars("null");
    Schema(R"({"type":"integer"})").Allows("0").Allows("-12").Bars("01").Bars("1.5").Bars("-");
    Schema(R"({"type":"number"})")
        .Allows("-0.5")
        .Allows("1e10")
        .Allows("2.50E-3")
        .Bars(".5")
        .Bars("1.");
    Schema(R"({"type":"string"})")
        .Allows(R"("a\n\u00e9\\中")")
        .Bars("\"\n\"")
        .Bars(R"("\x")")
        .Bars(R"("\ud800")");
    Schema(R"({"type":["string","null"]})").Allows("null").Allows("\"\"").Bars("1");
    Schema("true").Allows(R"([1,{"a":[]}, "x"])").Allows("null").Bars("[1,]");
    Schema("{}").Allows("{}").Allows("{\n  \"a\": 1,\n  \"b\": [ ]\n}");
}

TEST(JsonSchema, WritesPropertiesInTheirOrderWithTheOptionalOnesLeftOut) {
    Schema(R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"boolean"},
               "c":{"type":"null"}},"required":["b"]})")
        .Allows(R"({"b":true})")
        .Allows(R"({"a": 1, "b": false, "c": null})")
        .Allows("{\n  \"a\": 1,\n  \"b\": false\n}")
        .Allows(R"({"b":true,"c":null})")
        .Bars(R"({"a":1})")
        .Bars(R"({"b":true,"a":1})")
        .Bars(R"({"b":true,"d":1})")
        .Bars(R"({"b":true,})");
}

TEST(JsonSchema, WritesOtherPropertiesWhereTheyAreAllowed) {
    Schema(R"({"properties":{"a":{"type":"integer"}},"additionalProperties":{"type":"null"}})")
        .Allows(R"({"a":1,"x":null,"y":null})")
        .Allows(R"({"x":null})")
        .Allows(R"({"ab":null})")
        .Bars(R"({"a":null})")
        .Bars(R"({"x":1})")
        .Bars(R"({"x":null,"a":1})")
        .Bars(R"({"\u0061":null})");
    Schema(R"({"type":"object"})").Allows(R"({"x":[1]})").Allows("{}");
    Schema(R"({"type":"object","additionalProperties":false})").Allows("{}").Bars(R"({"x":1})");
    Schema(R"({"required":["x"]})").Allows(R"({"x":1})").Bars("{}").Bars(R"({"y":1})");
    Schema(R"({"required":["x"],"additionalProperties":{"type":"null"}})")
        .Allows(R"({"x":null,"y":null})")
        .Bars(R"({"x":1})");
}

TEST(JsonSchema, KnowsPatternsAndNamesOfProperties) {
    Schema(R"({"patternProperties":{"^x_":{"type":"integer"}},"additionalProperties":false})")
        .Allows(R"({"x_a":1,"x_b":2})")
        .Allows("{}")
        .Bars(R"({"y":1})");
    Schema(R"({"properties":{"a":{"type":"null"}},"patternProperties":{"^x":{"type":"integer"}},
               "additionalProperties":{"type":"string"}})")
        .Allows(R"({"a":null,"x1":1,"b":"s"})")
        .Bars(R"({"x1":"s"})")
        .Bars(R"({"a":"s"})");
    Schema(R"({"type":"object","propertyNames":{"pattern":"^[a-c]$"},
               "additionalProperties":{"type":"integer"}})")
        .Allows(R"({"a":1,"c":2})")
        .Bars(R"({"d":1})");
    EXPECT_THAT(RefusalOf(R"({"properties":{"xa":{}},"patternProperties":{"^x":{}}})"),
                HasSubstr("$.patternProperties.^x"));
}

TEST(JsonSchema, CountsPropertiesWhereThatIsPossible) {
    Schema(R"({"properties":{"a":{"type":"null"},"b":{"type":"null"}},"minProperties":1})")
        .Allows(R"({"b":null})")
        .Bars("{}");
    Schema(R"({"type":"object","additionalProperties":{"type":"null"},"maxProperties":2,
               "minProperties":1})")
        .Allows(R"({"b":null})")
        .Allows(R"({"b":null,"c":null})")
        .Bars(R"({"b":null,"c":null,"d":null})")
        .Bars("{}");
    EXPECT_THAT(RefusalOf(R"({"type":"object","minProperties":2})"), HasSubstr("$.minProperties"));
    EXPECT_THAT(RefusalOf(R"({"required":["a","b"],"maxProperties":1})"),
                HasSubstr("$.maxProperties"));
    EXPECT_THAT(RefusalOf(R"({"properties":{"a":{}},"minProperties":2})"),
                HasSubstr("only 1 properties"));
}

TEST(JsonSchema, BoundsArrays) {
    Schema(R"({"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3})")
        .Allows("[1]")
        .Allows("[1, 2,3]")
        .Bars("[]")
        .Bars("[1,2,3,4]")
        .Bars("[1,]")
        .Bars("[\"a\"]");
    Schema(R"({"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"items":false})")
        .Allows("[]")
        .Allows("[1]")
        .Allows(R"([1,"a"])")
        .Bars(R"([1,"a",2])")
        .Bars(R"(["a"])");
    Schema(R"({"prefixItems":[{"type":"integer"}],"items":{"type":"null"},"minItems":2,
               "maxItems":3})")
        .Allows("[1,null]")
        .Allows("[1,null,null]")
        .Bars("[1]")
        .Bars("[1,null,null,null]");
    Schema(R"({"items":[{"type":"integer"}],"additionalItems":false,"minItems":1})")
        .Allows("[7]")
        .Bars("[7,7]");
    Schema(R"({"type":"array","items":{"type":"integer"},"maxItems":0})").Allows("[]").Bars("[1]");
    Schema(R"({"type":"array","uniqueItems":true,"maxItems":1})").Allows("[2]");
    EXPECT_THAT(RefusalOf(R"({"type":"array","uniqueItems":true})"), HasSubstr("$.uniqueItems"));
    EXPECT_THAT(RefusalOf(R"({"type":"array","minItems":3,"maxItems":2})"),
                HasSubstr("$.maxItems"));
}

TEST(JsonSchema, BoundsStrings) {
    Schema(R"({"type":"string","minLength":2,"maxLength":3})")
        .Allows(R"("ab")")
        .Allows(R"("中文\n")")
        .Bars(R"("a")")
        .Bars(R"("abcd")");
    Schema(R"({"maxLength":100})")
        .Allows('"' + std::string(100, 'x') + '"')
        .Bars('"' + std::string(101, 'x') + '"');
    Schema(R"({"pattern":"^[a-z]+$","maxLength":4})")
        .Allows(R"("abcd")")
        .Bars(R"("abcde")")
        .Bars(R"("aB")");
    Schema(R"({"pattern":"b"})").Allows(R"("abc")").Bars(R"("ac")");
    Schema(R"({"allOf":[{"pattern":"^a"},{"pattern":"z$"}]})").Allows(R"("a-z")").Bars(R"("a-y")");
    EXPECT_THAT(RefusalOf(R"({"minLength":3,"maxLength":2})"), HasSubstr("$.maxLength"));
    EXPECT_THAT(RefusalOf(R"j({"properties":{"a":{"pattern":"(?=x)"}}})j"),
                HasSubstr("$.properties.a.pattern"));
}

TEST(JsonSchema, KnowsFormats) {
    Schema(R"({"format":"date"})")
        .Allows(R"("2024-02-28")")
        .Bars(R"("2024-02-30")")
        .Bars(R"("2024-13-01")");
    Schema(R"({"format":"time"})").Allows(R"("23:59:59Z")").Bars(R"("24:00:00Z")");
    Schema(R"({"format":"date-time"})").Allows(R"("2024-12-31T01:02:03.5+08:00")");
    Schema(R"({"format":"duration"})")
        .Allows(R"("P1Y2M3DT4H5M")")
        .Allows(R"("PT5S")")
        .Bars(R"("P")");
    Schema(R"({"format":"uuid"})").Allows(R"("123e4567-e89b-12d3-a456-426614174000")");
    Schema(R"({"format":"ipv4"})").Allows(R"("192.168.0.255")").Bars(R"("1.2.3.256")");
    Schema(R"({"format":"ipv6"})").Allows(R"("1:2:3:4:5:6:7:8")");
    Schema(R"({"format":"email"})").Allows(R"("a.b@example.com")").Bars(R"("a@b")");
    Schema(R"({"format":"hostname"})").Allows(R"("www.example.org")");
    Schema(R"({"format":"uri"})").Allows(R"("https://example.org/a/b?c=d#e")");
    EXPECT_THAT(RefusalOf(R"({"format":"iri"})"), HasSubstr("$.format"));
}

TEST(JsonSchema, BoundsIntegersExactly) {
    struct Case {
        const char* schema;
        int64_t min, max;
    };
    for (auto [schema, min, max] :
         {Case{R"({"type":"integer","minimum":-37,"maximum":120})", -37, 120},
          Case{R"({"type":"integer","exclusiveMinimum":9,"exclusiveMaximum":100})", 10, 99},
          Case{R"({"type":"integer","minimum":1.5,"maximum":12.5})", 2, 12},
          Case{R"({"type":"integer","minimum":-215,"maximum":-8})", -215, -8},
          Case{R"({"type":"integer","minimum":0,"maximum":0})", 0, 0},
          Case{R"({"type":"integer","maximum":-100})", INT64_MIN, -100},
          Case{R"({"type":"integer","minimum":99})", 99, INT64_MAX}}) {
        auto grammar = CompileOrFail(JsonSchema(Json::parse(schema)));
        for (int64_t value = -1100; value <= 1100; ++value)
            ASSERT_EQ(Matches(grammar, std::to_string(value)), min <= value && value <= max)
                << schema << " on " << value;
    }
    Schema(R"({"type":"integer","minimum":-9007199254740991,"maximum":9007199254740991})")
        .Allows("9007199254740991")
        .Bars("9007199254740992")
        .Bars("-9007199254740992");
    EXPECT_THAT(RefusalOf(R"({"type":"integer","minimum":3,"maximum":2})"), HasSubstr("$.minimum"));
    EXPECT_THAT(RefusalOf(R"({"type":"integer","minimum":1.2,"maximum":1.8})"),
                HasSubstr("matches no text"));
}

TEST(JsonSchema, BoundsNumbers) {
    Schema(R"({"type":"number","minimum":-1.25,"exclusiveMaximum":3.5})")
        .Allows("-1.25")
        .Allows("-1.2")
        .Allows("0")
        .Allows("3.49")
        .Allows("3")
        .Bars("3.5")
        .Bars("3.50")
        .Bars("-1.26")
        .Bars("-2")
        .Bars("10");
    Schema(R"({"type":"number","exclusiveMinimum":0,"maximum":1})")
        .Allows("0.001")
        .Allows("1")
        .Allows("1.0")
        .Bars("0")
        .Bars("0.0")
        .Bars("-0.5")
        .Bars("1.01");
    Schema(R"({"minimum":100})").Allows("100").Allows("2500.5").Bars("99.9");
    Schema(R"({"type":"integer","multipleOf":5,"minimum":0,"maximum":40})")
        .Allows("0")
        .Allows("35")
        .Bars("36")
        .Bars("45");
    Schema(R"({"type":"integer","multipleOf":4})").Allows("-1024").Allows("8").Bars("1022");
    EXPECT_THAT(RefusalOf(R"({"type":"number","multipleOf":0.1})"), HasSubstr("$.multipleOf"));
    EXPECT_THAT(RefusalOf(R"({"type":"integer","multipleOf":7})"), HasSubstr("$.multipleOf"));
}

TEST(JsonSchema, KnowsConstantsAndEnumerations) {
    Schema(R"({"enum":["a\"b",1,null,{"x":[1,2]}]})")
        .Allows(R"("a\"b")")
        .Allows("1")
        .Allows("null")
        .Allows(R"({"x": [1, 2]})")
        .Allows(R"({"x":[1,2]})")
        .Bars("2");
    Schema(R"({"const":"x"})").Allows(R"("x")").Bars(R"("y")");
    Schema(R"({"enum":["a",1],"type":"string"})").Allows(R"("a")").Bars("1");
    Schema(R"({"enum":["a","b"],"const":"b"})").Allows(R"("b")").Bars(R"("a")");
    EXPECT_THAT(RefusalOf(R"({"enum":["a"],"minLength":2})"), HasSubstr("$.minLength"));
    EXPECT_THAT(RefusalOf(R"({"enum":[]})"), HasSubstr("matches no text"));
}

TEST(JsonSchema, CombinesAlternatives) {
    Schema(R"({"anyOf":[{"type":"integer"},{"type":"string","maxLength":1}]})")
        .Allows("1")
        .Allows(R"("a")")
        .Bars(R"("ab")");
    Schema(R"({"type":"object","properties":{"k":{"type":"integer"}},"required":["k"],
               "anyOf":[{"properties":{"a":{"type":"null"}},"required":["a"]},
                        {"properties":{"b":{"type":"null"}},"required":["b"]}]})")
        .Allows(R"({"k":1,"a":null})")
        .Allows(R"({"k":1,"b":null})")
        .Bars(R"({"k":1})")
        .Bars(R"({"a":null})");
    Schema(R"({"oneOf":[{"type":"object","properties":{"t":{"const":"x"},"v":{"type":"null"}},
                         "required":["t","v"]},
                        {"type":"object","properties":{"t":{"const":"y"}},"required":["t"]},
                        {"type":"integer"}]})")
        .Allows(R"({"t":"x","v":null})")
        .Allows(R"({"t":"y"})")
        .Allows("3")
        .Bars(R"({"t":"x"})");
    EXPECT_THAT(RefusalOf(R"({"oneOf":[{"type":"integer"},{"minimum":3}]})"), HasSubstr("$.oneOf"));
}

TEST(JsonSchema, MergesAllOf) {
    Schema(R"({"allOf":[{"type":"object","properties":{"a":{"type":"number"}},"required":["a"]},
                        {"properties":{"a":{"minimum":3},"b":{"type":"null"}}}]})")
        .Allows(R"({"a":3,"b":null})")
        .Allows(R"({"a":4})")
        .Bars(R"({"a":2})")
        .Bars(R"({"b":null})");
    Schema(R"({"allOf":[{"properties":{"a":{}},"additionalProperties":false},
                        {"properties":{"b":{}}}]})")
        .Allows("{}")
        .Allows(R"({"a":1})")
        .Bars(R"({"b":1})");
    Schema(R"({"$ref":"#/$defs/n","maximum":5,"$defs":{"n":{"type":"integer","minimum":2}}})")
        .Allows("2")
        .Allows("5")
        .Bars("6")
        .Bars("1");
    EXPECT_THAT(RefusalOf(R"({"allOf":[{"type":"string"},{"type":"integer"}]})"),
                HasSubstr("matches no text"));
    EXPECT_THAT(RefusalOf(R"({"allOf":[{"format":"date"},{"format":"time"}]})"),
                HasSubstr("$.format"));
}

TEST(JsonSchema, FollowsReferences) {
    Schema(R"({"$ref":"#/$defs/node","$defs":{"node":{"type":"object",
               "properties":{"v":{"type":"integer"},
                             "next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},
               "required":["v","next"]}}})")
        .Allows(R"({"v":1,"next":{"v":2,"next":null}})")
        .Bars(R"({"v":1,"next":{"v":2}})");
    Schema(R"({"type":"array","items":{"$ref":"#"},"maxItems":2})")
        .Allows("[[],[[],[]]]")
        .Bars("[1]");
    Schema(R"({"items":{"$ref":"#/definitions/a~1b%20c"},"type":"array",
               "definitions":{"a/b c":{"type":"null"}}})")
        .Allows("[null]");
    EXPECT_THAT(RefusalOf(R"({"$ref":"#/$defs/x"})"), HasSubstr("no schema at \"#/$defs/x\""));
    EXPECT_THAT(RefusalOf(R"({"$ref":"http://x/y"})"), HasSubstr("$.$ref"));
    EXPECT_THAT(RefusalOf(R"({"$ref":"#"})"), HasSubstr("matches no text"));
    EXPECT_THAT(RefusalOf(R"({"anyOf":[{"$ref":"#"},{"type":"null"}]})"),
                HasSubstr("may begin with itself"));
    EXPECT_THAT(RefusalOf(R"({"allOf":[{"$ref":"#"},{"type":"null"}]})"),
                HasSubstr("nested too deeply"));
}

TEST(JsonSchema, LetsNullableAddNull) {
    Schema(R"({"type":"integer","nullable":true})").Allows("null").Allows("1");
    Schema(R"({"enum":["a"],"nullable":true})").Allows("null").Allows(R"("a")");
}

TEST(JsonSchema, IgnoresAnnotationsAndNamesWhatItRefuses) {
    Schema(R"({"type":"null","title":"t","description":"d","default":1,"examples":[1],
               "$schema":"s","$id":"i","deprecated":true,"x-order":1})")
        .Allows("null");
    EXPECT_THAT(RefusalOf(R"({"properties":{"a":{"items":{"not":{}}}}})"),
                HasSubstr("$.properties.a.items.not: the keyword \"not\" is not supported"));
    EXPECT_THAT(RefusalOf(R"({"if":{}})"), HasSubstr("$.if"));
    EXPECT_THAT(RefusalOf(R"({"contains":{}})"), HasSubstr("$.contains"));
    EXPECT_THAT(RefusalOf(R"({"type":"text"})"), HasSubstr("$.type"));
    EXPECT_THAT(RefusalOf(R"({"required":"a"})"), HasSubstr("$.required"));
    EXPECT_THAT(RefusalOf(R"({"minLength":-1})"), HasSubstr("$.minLength"));
    EXPECT_THAT(RefusalOf(R"({"items":3})"), HasSubstr("$.items"));
    EXPECT_THAT(RefusalOf("3"), HasSubstr("an object, true or false"));
    EXPECT_THAT(RefusalOf("false"), HasSubstr("matches no text"));
}

TEST(JsonSchema, BoundsItsOwnWork) {
    Json deep = true;
    for (int i = 0; i < 110; ++i) deep = Json{{"items", deep}};
    EXPECT_THAT(Refusal(JsonSchema(deep)), HasSubstr("nested"));
    EXPECT_THAT(RefusalOf(R"({"type":"string","maxLength":1000000})"), HasSubstr("$.maxLength"));
    EXPECT_THAT(RefusalOf(R"({"type":"array","items":{"type":"array","items":{"enum":["abc","abd"]},
                              "minItems":2000},"minItems":2000})"),
                HasSubstr("too large"));
}

TEST(JsonObject, IsAnyObjectAndNothingElse) {
    auto grammar = CompileOrFail(JsonObject());
    EXPECT_TRUE(Matches(grammar, R"({"a":[1,{"b":null}]})"));
    EXPECT_TRUE(Matches(grammar, "{}"));
    EXPECT_FALSE(Matches(grammar, "[]"));
    EXPECT_FALSE(Matches(grammar, "{} "));
}

}  // namespace
}  // namespace lathe::constraint
