#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace lathe::net {

// An absolute http or https URL, taken apart. A value.
struct Url {
    std::string scheme;     // "http" or "https"
    std::string host;       // a name or address, without the brackets of IPv6
    uint16_t port = 0;      // never 0 after Parse
    std::string target;     // path and query as sent: begins with '/'
    std::string user_info;  // "user:password", percent-decoded; usually empty

    // Errors (kInvalidArgument) say what is wrong with `text`.
    static Result<Url> Parse(std::string_view text);

    // The URL a `Location: reference` header means. Drops the fragment.
    Result<Url> Resolve(std::string_view reference) const;

    bool secure() const { return scheme == "https"; }
    bool SameOrigin(const Url& other) const;

    // "host:port", without the scheme's default port; IPv6 in brackets.
    std::string Authority() const;

    std::string ToString() const;  // without user_info and fragment
    // For messages: without the query too, which may hold a signature.
    std::string ForMessages() const;
};

// Percent-encodes what may not stand in a path; '/' stays.
std::string EncodePath(std::string_view path);

// The value of an Authorization header for "user:password".
std::string BasicCredentials(std::string_view user_info);

}  // namespace lathe::net
