#include "compute/chat/chat_template.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace lathe::chat {
namespace {

Result<std::string> RenderWith(std::string_view source, const RenderInput& input,
                               const TemplateLimits& limits = {}) {
    auto parsed = ChatTemplate::Parse(source, limits);
    if (!parsed) return std::unexpected(parsed.error());
    return parsed->Render(input);
}

std::string Rendered(std::string_view source, const RenderInput& input = {}) {
    auto text = RenderWith(source, input);
    EXPECT_TRUE(text.has_value()) << text.error().message;
    return text.value_or("");
}

std::string ErrorOf(std::string_view source, const TemplateLimits& limits = {}) {
    auto text = RenderWith(source, {}, limits);
    EXPECT_FALSE(text.has_value()) << "rendered: " << text->substr(0, 200);
    if (text) return "";
    EXPECT_EQ(text.error().code, Code::kInvalidArgument);
    return text.error().message;
}

std::string Repeated(std::string_view part, size_t count) {
    std::string text;
    for (size_t i = 0; i < count; ++i) text += part;
    return text;
}

TEST(ChatTemplate, ErrorsNameTheLineOfTheTemplate) {
    EXPECT_EQ(ErrorOf("a\nb\n{{ missing.x }}\n"), "chat template, line 3: 'missing' is undefined");
    EXPECT_EQ(ErrorOf("a\n{% for i in [1] %}\n{% if %}{% endfor %}"),
              "chat template, line 3: expected an expression, found '%}'");
    EXPECT_EQ(ErrorOf("\n{% macro f() %}\n{{ 1 / 0 }}{% endmacro %}\n{{ f() }}"),
              "chat template, line 3: division by zero");
    EXPECT_EQ(ErrorOf("{% for i in [1] %}\n\n"),
              "chat template, line 2: the template ends, but {% endfor %} is missing for line 1");
    EXPECT_EQ(ErrorOf("\n\n{{ raise_exception('Only user and assistant roles') }}"),
              "chat template, line 3: Only user and assistant roles");
    EXPECT_EQ(
        ErrorOf("{#\n\n#}\n{%- include 'x' %}"),
        "chat template, line 4: {% include %} is not supported: a chat template stands alone");
}

// As task files of evaluations are written: plain jinja2 with StrictUndefined.
constexpr TemplateStyle kPlain{.what = "task template",
                               .trims_blocks = false,
                               .keeps_trailing_newline = true,
                               .strict_undefined = true};

std::string RenderedPlain(std::string_view source, const Json& names = Json::object()) {
    auto parsed = ChatTemplate::Parse(source, {}, kPlain);
    if (!parsed) return "error: " + parsed.error().message;
    auto text = parsed->RenderNames(names);
    return text ? *text : "error: " + text.error().message;
}

TEST(ChatTemplate, InThePlainStyleKeepsLineBreaksAndIndentation) {
    EXPECT_EQ(RenderedPlain("a\n  {% if true %}\nb\n  {% endif %}\nc\n"), "a\n  \nb\n  \nc\n");
    EXPECT_EQ(RenderedPlain("a {%- if true -%} b {%- endif %}"), "ab");
    EXPECT_EQ(Rendered("a\n  {% if true %}\nb\n  {% endif %}\nc\n"), "a\nb\nc");
}

TEST(ChatTemplate, InTheStrictStyleANameWithoutAValueIsAnErrorWhereverItIsUsed) {
    Json names{{"column", "x"}, {"choices", {"a", "b"}}};
    EXPECT_EQ(RenderedPlain("{{column}}: {{choices[1]}}", names), "x: b");
    for (std::string_view source :
         {"\n{{ lost }}", "\n{% if lost %}{% endif %}", "\n{{ lost == 1 }}", "\n{{ [lost] }}",
          "\n{% for x in lost %}{% endfor %}", "\n{{ lost | length }}", "\n{{ 'a' ~ lost }}"})
        EXPECT_EQ(RenderedPlain(source, names), "error: task template, line 2: 'lost' is undefined")
            << source;
    EXPECT_EQ(RenderedPlain("{{ choices[7] }}", names),
              "error: task template, line 1: list object has no element 7");
    EXPECT_EQ(RenderedPlain("{{ lost is defined }} {{ lost is undefined }} "
                            "{{ lost | default('d') }}",
                            names),
              "False True d");
}

TEST(ChatTemplate, RendersNamesThatAConversationHas) {
    EXPECT_EQ(RenderedPlain("{{messages}} {{tools}}", {{"messages", "m"}, {"tools", 3}}), "m 3");
    EXPECT_EQ(RenderedPlain("{{bos_token}}"),
              "error: task template, line 1: 'bos_token' is undefined");
}

TEST(ChatTemplate, KeepsItsSource) {
    auto parsed = ChatTemplate::Parse("{{ 1 }}\r\n");
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->source(), "{{ 1 }}\r\n");
}

TEST(ChatTemplate, RefusesSourcesThatAreNotUtf8OrTooLong) {
    EXPECT_EQ(ErrorOf("ab\xff"), "the chat template is not valid UTF-8 at byte 2");
    TemplateLimits limits;
    limits.source_bytes_max = 10;
    EXPECT_EQ(ErrorOf("12345678901", limits), "the chat template is longer than 10 bytes");
}

TEST(ChatTemplate, PassesExtraNamesOnButNotOverTheConversation) {
    RenderInput input;
    input.extra = Json{{"enable_thinking", false}, {"bos_token", "<bos>"}};
    input.bos_token = "<s>";
    EXPECT_EQ(Rendered("{{ bos_token }}{{ enable_thinking }}{{ documents is none }}", input),
              "<bos>FalseTrue");
    input.extra = Json{{"messages", 5}};
    auto text = RenderWith("x", input);
    ASSERT_FALSE(text.has_value());
    EXPECT_EQ(text.error().param, "messages");
}

TEST(ChatTemplate, ReplacesInvalidUtf8OfTheInput) {
    RenderInput input;
    input.messages = Json::array({Json{{"role", "user"}, {"content", "a\xff\xe4\xb8"}}});
    input.eos_token = "\x80";
    EXPECT_EQ(Rendered("{{ messages[0].content }}{{ eos_token }}", input), "a\uFFFD\uFFFD\uFFFD");
}

TEST(ChatTemplate, ShowsTheGivenTime) {
    RenderInput input;
    input.now =
        std::chrono::system_clock::from_time_t(1'700'000'000) + std::chrono::microseconds(1234);
    std::time_t seconds = 1'700'000'000;
    std::tm local{};
    localtime_r(&seconds, &local);
    char expected[64];
    std::strftime(expected, sizeof expected, "%d %b %Y %H:%M", &local);
    EXPECT_EQ(Rendered("{{ strftime_now('%d %b %Y %H:%M') }}", input), expected);
    EXPECT_EQ(Rendered("{{ strftime_now('%f|%z%Z|100%|%%f') }}", input), "001234||100%|%f");
    EXPECT_TRUE(ErrorOf("{{ strftime_now('%9999d') }}").contains("too long"));
}

TEST(ChatTemplate, OneTemplateRendersInManyThreads) {
    auto parsed = ChatTemplate::Parse(
        "{% macro f(x, y='dflt') %}{{ x }}{{ y }}{% endmacro %}"
        "{% for m in messages %}{{ f(m.content ~ 'const') }}{{ ['a', 'b'] | join }}{% endfor %}");
    ASSERT_TRUE(parsed.has_value());
    std::vector<std::string> results(8);
    {
        std::vector<std::jthread> threads;
        for (size_t i = 0; i < results.size(); ++i)
            threads.emplace_back([&, i] {
                RenderInput input;
                input.messages = Json::array({Json{{"content", std::to_string(i)}}});
                for (int round = 0; round < 50; ++round)
                    results[i] = parsed->Render(input).value_or("failed");
            });
    }
    for (size_t i = 0; i < results.size(); ++i)
        EXPECT_EQ(results[i], std::to_string(i) + "constdfltab");
}

TEST(Sandbox, StopsLoopsAfterTheStepsAllowed) {
    std::string loops =
        Repeated("{% for i in range(100000) %}", 4) + "x" + Repeated("{% endfor %}", 4);
    EXPECT_TRUE(ErrorOf(loops).contains("more than 10000000 steps"));
    EXPECT_TRUE(ErrorOf(Repeated("{% for i in range(100000) %}", 4) + Repeated("{% endfor %}", 4))
                    .contains("steps"));
    EXPECT_TRUE(ErrorOf("{% for i in range(99999) %}{% set x = range(99999) | sum %}{% endfor %}")
                    .contains("steps"));
    EXPECT_TRUE(ErrorOf("{% for i in range(99999) %}{% if 'x' in range(99999) | list %}{% endif %}"
                        "{% endfor %}")
                    .contains("steps"));
}

TEST(Sandbox, StopsRecursion) {
    EXPECT_EQ(ErrorOf("{% macro f() %}{{ f() }}{% endmacro %}\n{{ f() }}"),
              "chat template, line 1: macros call each other more than 200 levels deep");
    EXPECT_TRUE(
        ErrorOf("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}").contains("200 levels"));
    std::string deep_body =
        Repeated("{% if true %}", 90) + "{{ f() }}" + Repeated("{% endif %}", 90);
    EXPECT_TRUE(ErrorOf("{% macro f() %}" + deep_body + "{% endmacro %}{{ f() }}")
                    .contains("nests too deep"));
    EXPECT_TRUE(
        ErrorOf("{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}").contains("too deep"));
}

TEST(Sandbox, StopsTextsAndListsThatMultiply) {
    for (std::string_view source : {
             "{{ 'a' * 10**9 }}",
             "{{ 'ab' * (2**62) }}",
             "{{ [1] * 10**9 }}",
             "{{ (1, 2) * 10**18 }}",
             "{{ 'a'.center(10**10) }}",
             "{{ 'a'.ljust(10**18) }}",
             "{{ '5'.zfill(10**10) }}",
             "{{ 'a\tb'.expandtabs(10**10) }}",
             "{{ 'a\nb' | indent(10**10) }}",
             "{{ '%2000000000d' % 1 }}",
             "{{ '%.2000000000d' % 1 }}",
             "{{ '{:2000000000}'.format(1) }}",
             "{{ [[1]] | tojson(indent=10**10) }}",
             "{{ ('a' * 10**6) | replace('a', 'b' * 10**6) | length }}",
             "{{ ('a' * 10**5).join('b' * 10**5) | length }}",
             "{% set ns = namespace(s='aaaaaaaa') %}{% for i in range(64) %}"
             "{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
             "{% set ns = namespace(l=[0]) %}{% for i in range(64) %}"
             "{% set ns.l = ns.l + ns.l %}{% endfor %}",
             "{% set ns = namespace(l=[0]) %}{% for i in range(64) %}"
             "{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l | tojson }}",
             "{{ (['a' * 1000] * 10**6) | join }}",
             "{{ [1] | slice(10**12) | list }}",
             "{{ [1] | batch(10**12, 'x') | list }}",
         }) {
        std::string message = ErrorOf(source);
        EXPECT_TRUE(message.contains("bytes of memory") || message.contains("steps") ||
                    message.contains("longer than"))
            << source << "\n"
            << message;
    }
    EXPECT_TRUE(ErrorOf("{{ range(10**9) }}").contains("Range too big"));
    EXPECT_TRUE(ErrorOf("{{ '%.2000000000f' % 1 }}").contains("precision above 1000"));
    EXPECT_TRUE(ErrorOf("{{ 2 ** 1000 }}").contains("127 bits"));
}

TEST(Sandbox, StopsOutputThatGrowsTooLong) {
    TemplateLimits limits;
    limits.output_bytes_max = 1000;
    EXPECT_EQ(ErrorOf("{% for i in range(300) %}{{ 'abcd' }}{% endfor %}", limits),
              "chat template, line 1: the rendered text is longer than 1000 bytes");
    auto fits = RenderWith("{% for i in range(250) %}abcd{% endfor %}", {}, limits);
    ASSERT_TRUE(fits.has_value());
    EXPECT_EQ(fits->size(), 1000u);
}

TEST(Sandbox, RefusesSourcesThatNestTooDeep) {
    constexpr size_t kMany = 300'000;
    for (const std::string& source : {
             "{{ " + Repeated("[", kMany) + Repeated("]", kMany) + " }}",
             "{{ " + Repeated("(", kMany) + "1" + Repeated(")", kMany) + " }}",
             "{{ " + Repeated("{1:", kMany / 2) + "1" + Repeated("}", kMany / 2) + " }}",
             "{{ " + Repeated("not ", kMany / 2) + "1 }}",
             "{{ " + Repeated("-", kMany) + "1 }}",
             "{{ x" + Repeated(".x", kMany) + " }}",
             "{{ x" + Repeated("[0]", kMany) + " }}",
             "{{ x" + Repeated("()", kMany) + " }}",
             "{{ x" + Repeated("|e", kMany) + " }}",
             "{{ x" + Repeated(" if x", kMany / 2) + " }}",
             "{{ " + Repeated("1 if 1 else ", kMany / 6) + "1 }}",
             "{{ " + Repeated("x(", kMany) + Repeated(")", kMany) + " }}",
             "{{ " + Repeated("x[", kMany) + Repeated("]", kMany) + " }}",
             Repeated("{% if 1 %}", kMany / 6),
             Repeated("{% for i in x %}", kMany / 6),
             Repeated("{% set x %}", kMany / 6),
             Repeated("{% macro f() %}", kMany / 6),
             "{% for " + Repeated("(", kMany) + "x" + Repeated(")", kMany) + " in y %}{% endfor %}",
         }) {
        std::string message = ErrorOf(source);
        EXPECT_TRUE(message.contains("nested deeper than 200 levels"))
            << source.substr(0, 40) << message;
    }
}

TEST(Sandbox, TakesLongSourcesThatDoNotNest) {
    constexpr size_t kMany = 20'000;
    EXPECT_EQ(Rendered("{{ 1" + Repeated("+1", kMany) + " }}"), std::to_string(kMany + 1));
    EXPECT_EQ(Rendered("{{ ''" + Repeated("~'a'", kMany) + " }}"), Repeated("a", kMany));
    EXPECT_EQ(Rendered("{{ 1" + Repeated(" and 1", kMany) + " }}"), "1");
    EXPECT_EQ(Rendered("{% if 0 %}" + Repeated("{% elif 0 %}x", 500) + "{% else %}y{% endif %}"),
              "y");
    EXPECT_TRUE(ErrorOf("{% set a = 1 %}" + Repeated("{% if a %}{% set b = a %}{% endif %}", 10) +
                        Repeated("{{ a", 1))
                    .contains("expected '}}'"));
}

TEST(Sandbox, ValuesCannotNestWithoutBound) {
    EXPECT_TRUE(ErrorOf("{% set ns = namespace(l=[]) %}{% for i in range(5000) %}"
                        "{% set ns.l = [ns.l] %}{% endfor %}")
                    .contains("nests deeper than 400 levels"));
    EXPECT_TRUE(ErrorOf("{% set ns = namespace(l={}) %}{% for i in range(5000) %}"
                        "{% set ns.l = {'x': ns.l} %}{% endfor %}")
                    .contains("nests deeper than 400 levels"));
    EXPECT_TRUE(ErrorOf("{% set ns = namespace(l=[1]) %}{% for i in range(5000) %}"
                        "{% set ns.l = ns.l | map('abs') %}{% endfor %}{{ ns.l | list }}")
                    .contains("nests deeper than 400 levels"));
    // Chains through what may change are no nesting, and must come apart again.
    EXPECT_EQ(
        Rendered("{% set ns = namespace(h=none) %}{% for i in range(50000) %}"
                 "{% set ns.h = namespace(next=ns.h) %}{% endfor %}{{ ns.h.next.next is none }}"),
        "False");
    EXPECT_EQ(
        Rendered("{% set ns = namespace(l=[1]) %}{% for i in range(50000) %}{% for x in [ns.l] %}"
                 "{% set ns.l = loop %}{% endfor %}{% endfor %}{{ ns.l.index }}"),
        "1");
    EXPECT_EQ(
        Rendered("{% set ns = namespace(f=none) %}{% for i in range(2000) %}{% macro f() %}{{ i }}"
                 "{% endmacro %}{% set ns.f = [f, namespace(g=ns.f)] %}{% endfor %}x"
                 "{% set ns.me = ns %}"),
        "x");
}

TEST(Sandbox, LargeDictsAreQuickAndTheirCopiesPaidFor) {
    EXPECT_EQ(Rendered("{{ {}.fromkeys(range(50000)) | length }}"), "50000");
    EXPECT_TRUE(ErrorOf("{% set ns = namespace(d={}) %}{% for i in range(50000) %}"
                        "{% set ns.d = dict(ns.d, **{i ~ '': i}) %}{% endfor %}")
                    .contains("steps"));
}

TEST(Sandbox, HasNoWayOutToTheHost) {
    for (std::string_view source :
         {"{{ ''.__class__.__mro__ }}", "{{ messages.__class__.__init__() }}",
          "{{ range.__globals__.x }}", "{{ raise_exception.__code__.co_code }}",
          "{{ '{0.__class__.__mro__}'.format(1) }}", "{{ messages.append(1) }}",
          "{{ {}.update({'a': 1}) }}", "{% set messages.x = 1 %}"})
        EXPECT_FALSE(ErrorOf(source).empty()) << source;
}

TEST(Sandbox, FreesWhatItUsed) {
    TemplateLimits limits;
    limits.memory_bytes_max = 1u << 20;
    // Each round needs 100 kB, all rounds together far more than the limit.
    auto text = RenderWith(
        "{% for i in range(500) %}{% set x = 'a' * 100000 %}"
        "{% set y = [x] * 10 %}{% endfor %}done",
        {}, limits);
    EXPECT_EQ(text.value_or(text.error().message), "done");
}

}  // namespace
}  // namespace lathe::chat
