// RFC 3986, the part that http needs. (Boost.URL 1.81 aborts on input such as "t:[".)
#include "core/net/url.h"

#include <arpa/inet.h>
#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "core/net/server_message.h"

namespace lathe::net {
namespace {

constexpr size_t kUrlBytesMax = 16384;

bool IsLetter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool IsDigit(char c) {
    return c >= '0' && c <= '9';
}

// What real URLs hold, also those that should have been escaped but for these.
bool MayStandInUrl(char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\';
}

bool MayStandInName(char c) {
    return IsLetter(c) || IsDigit(c) || c == '.' || c == '-' || c == '_';
}

std::string Lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

Status CheckText(std::string_view text) {
    if (text.size() > kUrlBytesMax)
        return InvalidArgument("a URL of {} bytes is longer than the limit of {}", text.size(),
                               kUrlBytesMax);
    if (!std::ranges::all_of(text, MayStandInUrl))
        return InvalidArgument(
            "'{}' is no URL: spaces and characters outside ASCII must be "
            "percent-encoded",
            text);
    return {};
}

// Splits "[::1]:80" and "name:80"; `port` stays as it is if there is none.
Status SplitHost(std::string_view host_and_port, std::string_view text, Url& url) {
    std::string_view port;
    if (host_and_port.starts_with('[')) {
        size_t end = host_and_port.find(']');
        url.host = host_and_port.substr(1, end == std::string_view::npos ? end : end - 1);
        in6_addr address;
        if (end == std::string_view::npos || ::inet_pton(AF_INET6, url.host.c_str(), &address) != 1)
            return InvalidArgument("'{}' has no valid IPv6 address in its brackets", text);
        port = host_and_port.substr(end + 1);
    } else {
        size_t colon = host_and_port.find(':');
        url.host = host_and_port.substr(0, colon);
        if (url.host.empty()) return InvalidArgument("'{}' names no host", text);
        if (!std::ranges::all_of(url.host, MayStandInName))
            return InvalidArgument("'{}' names a host with characters that cannot be in a name",
                                   text);
        if (colon != std::string_view::npos) port = host_and_port.substr(colon);
    }
    if (port.empty() || port == ":") return {};
    const char* end = port.data() + port.size();
    auto [parsed, error] = std::from_chars(port.data() + 1, end, url.port);
    if (port[0] != ':' || error != std::errc() || parsed != end || url.port == 0)
        return InvalidArgument("'{}' has no valid port: 1 to 65535", text);
    return {};
}

// "/a/./b/../c" -> "/a/c". `path` begins with '/'.
std::string WithoutDots(std::string_view path) {
    std::vector<std::string_view> kept;
    bool folder = false;  // the path ends in '/'
    while (!path.empty()) {
        path.remove_prefix(1);
        size_t end = std::min(path.find('/'), path.size());
        std::string_view segment = path.substr(0, end);
        path.remove_prefix(end);
        folder = segment.empty() || segment == "." || segment == "..";
        if (segment == "..") {
            if (!kept.empty()) kept.pop_back();
        } else if (segment != "." && !(segment.empty() && path.empty())) {
            kept.push_back(segment);
        }
    }
    std::string out;
    for (std::string_view segment : kept) out.append("/").append(segment);
    if (folder || out.empty()) out += '/';
    return out;
}

bool HasScheme(std::string_view reference) {
    size_t end = 0;
    while (end < reference.size() &&
           (IsLetter(reference[end]) || IsDigit(reference[end]) ||
            std::string_view("+-.").find(reference[end]) != std::string_view::npos))
        ++end;
    return end > 0 && end < reference.size() && reference[end] == ':' && IsLetter(reference[0]);
}

}  // namespace

Result<Url> Url::Parse(std::string_view text) {
    LATHE_RETURN_IF_ERROR(CheckText(text));
    Url url;
    size_t mark = text.find("://");
    if (mark != std::string_view::npos) url.scheme = Lower(text.substr(0, mark));
    if (url.scheme != "http" && url.scheme != "https")
        return InvalidArgument("'{}' is no URL of the form https://host/path", text);
    url.port = url.secure() ? 443 : 80;

    std::string_view rest = text.substr(mark + 3);
    size_t authority_end = std::min(rest.find_first_of("/?#"), rest.size());
    std::string_view authority = rest.substr(0, authority_end);
    size_t at = authority.rfind('@');
    if (at != std::string_view::npos) {
        if (!PercentDecode(authority.substr(0, at), url.user_info))
            return InvalidArgument("the user and password of a URL for {} are not well encoded",
                                   authority.substr(at + 1));
        authority.remove_prefix(at + 1);
    }
    LATHE_RETURN_IF_ERROR(SplitHost(authority, text, url));

    url.target = rest.substr(authority_end, rest.find('#') - authority_end);
    if (!url.target.starts_with('/')) url.target.insert(0, "/");
    return url;
}

Result<Url> Url::Resolve(std::string_view reference) const {
    LATHE_RETURN_IF_ERROR(CheckText(reference));
    if (HasScheme(reference)) return Parse(reference);
    if (reference.starts_with("//")) return Parse(fmt::format("{}:{}", scheme, reference));
    reference = reference.substr(0, reference.find('#'));
    Url url = *this;
    url.user_info.clear();
    if (reference.empty()) return url;

    std::string_view own_path = std::string_view(target).substr(0, target.find('?'));
    size_t query = std::min(reference.find('?'), reference.size());
    std::string path(reference.substr(0, query));
    if (path.empty())
        path = own_path;
    else if (!path.starts_with('/'))
        path = fmt::format("{}{}", own_path.substr(0, own_path.rfind('/') + 1), path);
    url.target = WithoutDots(path).append(reference.substr(query));
    return url;
}

bool Url::SameOrigin(const Url& other) const {
    return scheme == other.scheme && Lower(host) == Lower(other.host) && port == other.port;
}

std::string Url::Authority() const {
    std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
    if (port == (secure() ? 443 : 80)) return name;
    return fmt::format("{}:{}", name, port);
}

std::string Url::ToString() const {
    return fmt::format("{}://{}{}", scheme, Authority(), target);
}

std::string Url::ForMessages() const {
    std::string text = ToString();
    return text.substr(0, text.find('?'));
}

std::string EncodePath(std::string_view path) {
    static constexpr char kHex[] = "0123456789ABCDEF";
    std::string out;
    for (char c : path) {
        if (IsLetter(c) || IsDigit(c) || std::string_view("-._~/@+,=").find(c) != path.npos) {
            out += c;
        } else {
            auto byte = static_cast<unsigned char>(c);
            out += '%';
            out += kHex[byte >> 4];
            out += kHex[byte & 15];
        }
    }
    return out;
}

std::string BasicCredentials(std::string_view user_info) {
    std::string encoded(4 * ((user_info.size() + 2) / 3) + 1, '\0');
    int length = ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                                   reinterpret_cast<const unsigned char*>(user_info.data()),
                                   static_cast<int>(user_info.size()));
    encoded.resize(static_cast<size_t>(length));
    return "Basic " + encoded;
}

}  // namespace lathe::net
