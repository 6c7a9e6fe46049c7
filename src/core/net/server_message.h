// What a server receives and sends. Values, no threads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::net {

struct Header {
    std::string name;
    std::string value;
};

struct ServerRequest {
    std::string method;  // as sent: "GET"
    std::string path;    // percent-decoded, begins with '/'; "*" for OPTIONS *
    std::string query;   // after '?', as sent
    std::vector<Header> headers;
    std::string body;
    std::string peer;  // "127.0.0.1:43210"

    // Value of the first header with this name in whatever case; "" if there is none.
    std::string_view Get(std::string_view name) const;
};

struct ServerResponse {
    int status = 200;
    std::vector<Header> headers;  // without length, connection and date: the server adds them
    std::string body;
};

// A request that cannot be served at the level of HTTP itself.
struct HttpError {
    int status = 400;
    std::string message;
};

// "Not Found"
std::string_view ReasonPhrase(int status);

// Equal but for the case of ASCII letters, as header names are compared.
bool EqualsIgnoringCase(std::string_view a, std::string_view b);

// "a%20b" -> "a b". False for a broken escape or an escaped NUL.
bool PercentDecode(std::string_view text, std::string& out);

}  // namespace lathe::net
