// Whatever a mask lets through is valid: random schemas, random texts, and a validator that
// knows nothing of grammars.
#include <algorithm>
#include <cmath>
#include <regex>

#include "compute/constraint/constraint_fixture.h"

namespace lathe::constraint {
namespace {

size_t CodePoints(const std::string& text) {
    return static_cast<size_t>(
        std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

// The plainest validator of the keywords that RandomSchema writes.
class Validator {
public:
    explicit Validator(const Json& root) : root_(root) {}

    bool Valid(const Json& schema, const Json& value) const {
        if (schema.is_boolean()) return schema.get<bool>();
        for (const auto& [name, argument] : schema.items())
            if (!Holds(name, argument, schema, value)) return false;
        return true;
    }

private:
    bool Holds(const std::string& name, const Json& argument, const Json& schema,
               const Json& value) const {
        if (name == "$ref")
            return Valid(root_.at(Json::json_pointer(argument.get<std::string>().substr(1))),
                         value);
        if (name == "type") return HasType(argument, value);
        if (name == "const") return value == argument;
        if (name == "enum") return std::ranges::find(argument, value) != argument.end();
        if (name == "anyOf" || name == "oneOf" || name == "allOf") {
            auto count =
                std::ranges::count_if(argument, [&](const Json& one) { return Valid(one, value); });
            if (name == "anyOf") return count > 0;
            return name == "oneOf" ? count == 1 : count == std::ssize(argument);
        }
        if (value.is_string()) return HoldsForString(name, argument, value.get<std::string>());
        if (value.is_number()) return HoldsForNumber(name, argument, value.get<double>());
        if (value.is_array()) return HoldsForArray(name, argument, schema, value);
        if (value.is_object()) return HoldsForObject(name, argument, schema, value);
        return true;
    }

    static bool HasType(const Json& type, const Json& value) {
        if (type.is_array())
            return std::ranges::any_of(type, [&](const Json& one) { return HasType(one, value); });
        if (type == "integer")
            return value.is_number() && std::floor(value.get<double>()) == value.get<double>();
        if (type == "number") return value.is_number();
        return type == value.type_name();
    }

    static bool HoldsForString(const std::string& name, const Json& argument,
                               const std::string& text) {
        if (name == "minLength") return CodePoints(text) >= argument.get<size_t>();
        if (name == "maxLength") return CodePoints(text) <= argument.get<size_t>();
        if (name == "pattern")
            return std::regex_search(text, std::regex(argument.get<std::string>()));
        return true;
    }

    static bool HoldsForNumber(const std::string& name, const Json& argument, double value) {
        if (name == "minimum") return value >= argument.get<double>();
        if (name == "maximum") return value <= argument.get<double>();
        if (name == "exclusiveMinimum") return value > argument.get<double>();
        if (name == "exclusiveMaximum") return value < argument.get<double>();
        if (name == "multipleOf") return std::fmod(value, argument.get<double>()) == 0;
        return true;
    }

    bool HoldsForArray(const std::string& name, const Json& argument, const Json& schema,
                       const Json& value) const {
        if (name == "minItems") return value.size() >= argument.get<size_t>();
        if (name == "maxItems") return value.size() <= argument.get<size_t>();
        size_t prefix = schema.value("prefixItems", Json::array()).size();
        for (size_t i = 0; i < value.size(); ++i) {
            if (name == "prefixItems" && i < prefix && !Valid(argument[i], value[i])) return false;
            if (name == "items" && i >= prefix && !Valid(argument, value[i])) return false;
        }
        return true;
    }

    bool HoldsForObject(const std::string& name, const Json& argument, const Json& schema,
                        const Json& value) const {
        if (name == "required")
            return std::ranges::all_of(
                argument, [&](const Json& key) { return value.contains(key.get<std::string>()); });
        if (name == "minProperties") return value.size() >= argument.get<size_t>();
        if (name == "maxProperties") return value.size() <= argument.get<size_t>();
        Json properties = schema.value("properties", Json::object());
        for (const auto& [key, member] : value.items()) {
            if (name == "properties" && properties.contains(key) && !Valid(properties[key], member))
                return false;
            if (name == "additionalProperties" && !properties.contains(key) &&
                !Valid(argument, member))
                return false;
        }
        return true;
    }

    const Json& root_;
};

class RandomSchema {
public:
    explicit RandomSchema(uint32_t seed) : random_(seed) {}

    Json Make() {
        Json schema = Object(2);
        schema["$defs"]["leaf"] = Make(0);
        schema["$defs"]["list"] = Json::parse(
            R"({"type":"object","properties":{"v":{"$ref":"#/$defs/leaf"},
                "next":{"anyOf":[{"type":"null"},{"$ref":"#/$defs/list"}]}},"required":["v"]})");
        return schema;
    }

private:
    int Pick(int count) { return static_cast<int>(random_() % static_cast<uint32_t>(count)); }
    bool Coin() { return Pick(2) == 0; }

    Json Make(int depth) {
        switch (Pick(depth > 0 ? 12 : 7)) {
            case 0:
                return {{"type", "boolean"}};
            case 1:
                return {{"type", Json::array({"integer", "null"})}};
            case 2:
                return {{"enum", Json::array({"a", 1, nullptr, Json::array({"b", 2.5})})}};
            case 3:
            case 4:
                return String();
            case 5:
            case 6:
                return Number();
            case 7:
                return {{"$ref", Coin() ? "#/$defs/leaf" : "#/$defs/list"}};
            case 8:
                return {{"anyOf", Json::array({Make(depth - 1), Make(depth - 1)})}};
            case 9:
                return {{"allOf", Json::array({Object(depth - 1), Json{{"type", "object"}}})}};
            case 10:
                return Array(depth - 1);
            default:
                return Object(depth - 1);
        }
    }

    Json String() {
        Json schema = {{"type", "string"}};
        if (Coin()) schema["minLength"] = Pick(4);
        if (Coin()) schema["maxLength"] = 4 + Pick(40);
        constexpr const char* kPatterns[] = {"^[a-f]+$", "a", "^(ab|cd)*", "[0-9]{2}$"};
        if (Pick(3) == 0) schema["pattern"] = kPatterns[Pick(4)];
        return schema;
    }

    Json Number() {
        Json schema = {{"type", Coin() ? "integer" : "number"}};
        int low = Pick(300) - 150;
        int high = low + 1 + Pick(200);
        bool whole = schema["type"] == "integer";
        if (Coin())
            schema["minimum"] = whole ? Json(low) : Json(low / 4.0);
        else if (Coin())
            schema["exclusiveMinimum"] = low - 2;
        if (Coin())
            schema["maximum"] = whole ? Json(high + 10) : Json(high + 0.125);
        else if (Coin())
            schema["exclusiveMaximum"] = high + 20;
        if (whole && Pick(4) == 0) schema["multipleOf"] = 5;
        return schema;
    }

    Json Array(int depth) {
        Json schema = {{"type", "array"}, {"items", Make(depth)}};
        if (Coin()) schema["minItems"] = Pick(3);
        schema["maxItems"] = 2 + Pick(3);
        if (Pick(3) == 0) schema["prefixItems"] = Json::array({Make(0)});
        return schema;
    }

    Json Object(int depth) {
        Json schema = {{"type", "object"}, {"properties", Json::object()}};
        for (const char* name : {"a", "b", "c d", "\u00e9\"\n"}) {
            if (Pick(3) == 0) continue;
            schema["properties"][name] = Make(depth);
            if (Coin()) schema["required"].push_back(name);
        }
        if (Pick(3) == 0) schema["additionalProperties"] = Coin() ? Make(0) : Json(false);
        return schema;
    }

    std::mt19937 random_;
};

std::vector<std::string> SmallVocabulary() {
    std::vector<std::string> texts;
    for (char c : std::string("{}[]\"\\:, \n-.0123456789abcdeflnrstuvxE")) texts.emplace_back(1, c);
    for (const char* text : {"\"a\"", "\":", "\",", "\"}", "}}", "]}", "ab", "true", "null", "\xc3",
                             "\xa9", "\u00e9", "\\u00", "\\n", "12", "0.5", "},", "\": \"", "\"\n"})
        texts.emplace_back(text);
    return texts;
}

TEST(JsonSchema, LetsOnlyValidTextsThrough) {
    const std::vector<std::string> texts = SmallVocabulary();
    const TokenTrie trie(texts);
    std::mt19937 random(5);
    int finished = 0;
    for (uint32_t seed = 0; seed < 120; ++seed) {
        Json schema = RandomSchema(seed).Make();
        auto expression = JsonSchema(schema);
        ASSERT_TRUE(expression.has_value()) << expression.error().message << "\n" << schema;
        auto grammar = Compile(*expression);
        if (!grammar) {  // a pattern and a length may contradict each other
            EXPECT_NE(grammar.error().message.find("no text"), std::string::npos)
                << grammar.error().message << "\n"
                << schema;
            continue;
        }
        for (int run = 0; run < 10; ++run) {
            auto text = RandomText(*grammar, trie, texts, random, 600);
            if (!text) continue;
            ++finished;
            auto value = ParseJson(*text);
            ASSERT_TRUE(value.has_value()) << *text << "\n" << value.error().message;
            ASSERT_TRUE(Validator(schema).Valid(schema, *value)) << *text << "\n" << schema;
        }
    }
    EXPECT_GT(finished, 600);
}

}  // namespace
}  // namespace lathe::constraint
