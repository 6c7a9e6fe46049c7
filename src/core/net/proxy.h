#pragma once

#include <optional>
#include <string>

#include "core/net/url.h"

namespace lathe::net {

// Which proxy a request goes through, as curl reads it from the environment. A value.
struct ProxySettings {
    std::string http_proxy;   // for http URLs, e.g. "http://proxy.example:3128"
    std::string https_proxy;  // for https URLs, through CONNECT
    std::string no_proxy;     // "localhost,.example.org,10.0.0.7" or "*"

    // http_proxy, https_proxy or HTTPS_PROXY, all_proxy or ALL_PROXY for either, and
    // no_proxy or NO_PROXY. (Not HTTP_PROXY: CGI servers let a client set it.)
    static ProxySettings FromEnvironment();

    // The proxy for `url`, or nothing. Error: the setting is not an http:// URL.
    Result<std::optional<Url>> For(const Url& url) const;
};

}  // namespace lathe::net
