// Any text as URL and as the Location of a redirect. What is accepted must survive
// being written and read again, and never hold a line break.
#include <cstdint>
#include <string_view>

#include "core/base/check.h"
#include "core/net/url.h"

using lathe::net::Url;

namespace {

void CheckRoundTrip(const Url& url) {
    std::string text = url.ToString();
    LATHE_CHECK(text.find_first_of("\r\n ") == std::string::npos);
    auto again = Url::Parse(text);
    LATHE_CHECK(again.has_value());
    LATHE_CHECK(again->SameOrigin(url));
    LATHE_CHECK(again->target == url.target);
    LATHE_CHECK(url.port != 0 && url.target.starts_with('/'));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    if (auto url = Url::Parse(text)) CheckRoundTrip(*url);
    static const Url kBase = *Url::Parse("https://example.org:8443/a/b?c");
    if (auto url = kBase.Resolve(text)) CheckRoundTrip(*url);
    std::string path = "https://example.org/" + lathe::net::EncodePath(text.substr(0, 1000));
    LATHE_CHECK(Url::Parse(path).has_value());
    return 0;
}
