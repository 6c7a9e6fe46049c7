#include "core/net/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/net/proxy.h"

namespace lathe::net {
namespace {

using testing::HasSubstr;

TEST(Url, TakesAnUrlApartAndPutsItTogether) {
    auto url = Url::Parse("HTTPS://user:p%40ss@Example.org:8443/a%20b?q=1#part");
    ASSERT_TRUE(url) << url.error().message;
    EXPECT_EQ(url->scheme, "https");
    EXPECT_EQ(url->host, "Example.org");
    EXPECT_EQ(url->port, 8443);
    EXPECT_EQ(url->target, "/a%20b?q=1");
    EXPECT_EQ(url->user_info, "user:p@ss");
    EXPECT_EQ(url->ToString(), "https://Example.org:8443/a%20b?q=1");
    EXPECT_EQ(url->ForMessages(), "https://Example.org:8443/a%20b");
}

TEST(Url, KnowsDefaultPortsAndIpv6) {
    EXPECT_EQ(Url::Parse("http://a")->ToString(), "http://a/");
    EXPECT_EQ(Url::Parse("https://a:443?x")->ToString(), "https://a/?x");
    auto v6 = Url::Parse("http://[::1]:8080/x");
    ASSERT_TRUE(v6);
    EXPECT_EQ(v6->host, "::1");
    EXPECT_EQ(v6->Authority(), "[::1]:8080");
}

TEST(Url, RefusesWhatIsNoUrlAndSaysWhy) {
    for (const char* text : {"", "example.org", "ftp://a/b", "http://", "http:///x", "http://a b/",
                             "http://a:0/", "http://a:99999/", "http://a:x/", "https://ü.org/",
                             "http://a/\r\nX: y", "http://a%2fb/", "t:[", "http://[::1",
                             "http://[::1]x/", "http://[x]/", "http:/a/", "file:///etc/passwd"}) {
        auto url = Url::Parse(text);
        ASSERT_FALSE(url) << text;
        EXPECT_EQ(url.error().code, Code::kInvalidArgument);
        EXPECT_THAT(url.error().message, HasSubstr(text));
    }
    EXPECT_FALSE(Url::Parse("http://a/" + std::string(20'000, 'x')));
}

TEST(Url, ResolvesTheReferencesOfRedirects) {
    Url base = *Url::Parse("https://a.org:444/x/y?q");
    EXPECT_EQ(base.Resolve("/z")->ToString(), "https://a.org:444/z");
    EXPECT_EQ(base.Resolve("z?r#f")->ToString(), "https://a.org:444/x/z?r");
    EXPECT_EQ(base.Resolve("../z")->ToString(), "https://a.org:444/z");
    EXPECT_EQ(base.Resolve("../../../z/./w/..")->ToString(), "https://a.org:444/z/");
    EXPECT_EQ(base.Resolve("?r")->ToString(), "https://a.org:444/x/y?r");
    EXPECT_EQ(base.Resolve("#f")->ToString(), "https://a.org:444/x/y?q");
    EXPECT_EQ(base.Resolve("./z:1//w/")->ToString(), "https://a.org:444/x/z:1//w/");
    EXPECT_EQ(base.Resolve("//b.org/z")->ToString(), "https://b.org/z");
    EXPECT_EQ(base.Resolve("http://b.org")->ToString(), "http://b.org/");
    EXPECT_FALSE(base.Resolve("file:///etc/passwd"));
    EXPECT_FALSE(base.Resolve("java script"));
}

TEST(EncodePath, EncodesWhatMayNotStandInAPath) {
    EXPECT_EQ(EncodePath("org/name/a-b_c.d~e"), "org/name/a-b_c.d~e");
    EXPECT_EQ(EncodePath("a b?c#d%"), "a%20b%3Fc%23d%25");
    EXPECT_EQ(EncodePath("模"), "%E6%A8%A1");
}

TEST(ProxySettings, ChoosesByTheSchemeAndRespectsNoProxy) {
    ProxySettings settings{.http_proxy = "proxy:3128",
                           .https_proxy = "http://user:secret@secure:8080",
                           .no_proxy = "localhost, .example.org,10.0.0.7,[::1],other:81"};
    auto uses = [&](std::string_view url) {
        auto proxy = settings.For(*Url::Parse(url));
        return !proxy ? "error" : *proxy ? (*proxy)->host : "none";
    };
    EXPECT_EQ(uses("http://a.org/"), "proxy");
    EXPECT_EQ(uses("https://a.org/"), "secure");
    EXPECT_EQ(uses("https://localhost:9/"), "none");
    EXPECT_EQ(uses("https://Example.org/"), "none");
    EXPECT_EQ(uses("https://x.example.org/"), "none");
    EXPECT_EQ(uses("https://notexample.org/"), "secure");
    EXPECT_EQ(uses("http://10.0.0.7/"), "none");
    EXPECT_EQ(uses("http://[::1]/"), "none");
    EXPECT_EQ(uses("http://other:81/"), "none");
    EXPECT_EQ(uses("http://other:82/"), "proxy");
    settings.no_proxy = "*";
    EXPECT_EQ(uses("http://a.org/"), "none");
}

TEST(ProxySettings, RefusesAProxyItCannotUseWithoutShowingItsPassword) {
    ProxySettings settings{
        .http_proxy = "socks5://user:secret@p:1", .https_proxy = {}, .no_proxy = {}};
    auto proxy = settings.For(*Url::Parse("http://a.org/"));
    ASSERT_FALSE(proxy);
    EXPECT_THAT(proxy.error().message, HasSubstr("http_proxy"));
    EXPECT_THAT(proxy.error().message, testing::Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace lathe::net
