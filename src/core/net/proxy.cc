#include "core/net/proxy.h"

#include <cstdlib>

namespace lathe::net {
namespace {

std::string Variable(const char* name, const char* alternative) {
    for (const char* key : {name, alternative}) {
        const char* value = key ? std::getenv(key) : nullptr;
        if (value && *value) return value;
    }
    return "";
}

std::string Lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

// True if `entry` of no_proxy covers the host: the same name, or a domain it is in.
bool Covers(std::string_view entry, const Url& url) {
    std::string pattern = Lower(entry);
    std::string host = Lower(url.host);
    if (pattern == "*") return true;
    std::string with_port = fmt::format("{}:{}", host, url.port);
    if (pattern.starts_with("*.")) pattern.erase(0, 1);
    if (pattern.starts_with("[") && pattern.ends_with("]"))
        pattern = pattern.substr(1, pattern.size() - 2);
    std::string_view domain = pattern;
    if (domain.starts_with('.')) domain.remove_prefix(1);
    if (domain.empty()) return false;
    for (const std::string& name : {host, with_port}) {
        if (name == domain) return true;
        if (name.size() > domain.size() && name.ends_with(domain) &&
            name[name.size() - domain.size() - 1] == '.')
            return true;
    }
    return false;
}

}  // namespace

ProxySettings ProxySettings::FromEnvironment() {
    ProxySettings settings;
    std::string all = Variable("all_proxy", "ALL_PROXY");
    settings.http_proxy = Variable("http_proxy", nullptr);
    settings.https_proxy = Variable("https_proxy", "HTTPS_PROXY");
    if (settings.http_proxy.empty()) settings.http_proxy = all;
    if (settings.https_proxy.empty()) settings.https_proxy = all;
    settings.no_proxy = Variable("no_proxy", "NO_PROXY");
    return settings;
}

Result<std::optional<Url>> ProxySettings::For(const Url& url) const {
    std::string setting = url.secure() ? https_proxy : http_proxy;
    if (setting.empty()) return std::nullopt;
    std::string_view rest = no_proxy;
    while (!rest.empty()) {
        size_t end = rest.find_first_of(", ");
        std::string_view entry = rest.substr(0, end);
        if (!entry.empty() && Covers(entry, url)) return std::nullopt;
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    }
    if (setting.find("://") == std::string::npos) setting = "http://" + setting;
    auto proxy = Url::Parse(setting);
    if (!proxy || proxy->secure())
        return InvalidArgument(
            "the {} setting is not usable: only proxies of the form http://host:port are supported",
            url.secure() ? "https_proxy" : "http_proxy");
    return *proxy;
}

}  // namespace lathe::net
