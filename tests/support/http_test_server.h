// A web server for tests that does what the test's handler says, faults included:
// raw bytes, cut connections, silence. One thread per connection, blocking.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace lathe::testing_support {

struct TestRequest {
    std::string method;
    std::string target;
    std::string head;  // request line and headers as received
    std::string body;

    // Value of the header with this lower-case name, "" if absent.
    std::string Get(std::string_view name) const;
};

// The server's end of one connection, for the handler. Sending to a client that has
// gone does nothing.
class TestConnection {
public:
    virtual ~TestConnection() = default;
    virtual void Send(std::string_view raw) = 0;
    // Bytes the client sends after its request; "" when it has closed.
    virtual std::string Receive() = 0;
    // Ends the connection without further ado (no TLS goodbye, TCP reset).
    virtual void Cut() = 0;
    // Says nothing until the client or the server goes.
    void StayDumb() {
        while (!Receive().empty()) {
        }
    }
    // A whole response.
    void Respond(int status, std::string_view body, std::string_view more_headers = "");
};

// A self-signed authority and a certificate of it for `host`, made on the spot.
struct TestCertificate {
    std::string authority_pem;
    std::string certificate_pem;
    std::string key_pem;

    static TestCertificate For(std::string_view host);
};

class HttpTestServer {
public:
    using Handler = std::function<void(const TestRequest&, TestConnection&)>;

    explicit HttpTestServer(Handler handler);
    HttpTestServer(Handler handler, const TestCertificate& certificate);  // https
    // Cuts what is open and waits for the handlers.
    ~HttpTestServer();

    uint16_t port() const;
    // "http://127.0.0.1:PORT" or "https://localhost:PORT", then `path`.
    std::string Url(std::string_view path = "") const;
    // All requests so far, in the order they came.
    std::vector<TestRequest> requests() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

// A response to GET of `content` as a good file server gives it: ETag "v1", ranges
// with If-Range. It ends after `bytes_max` bytes of the body, whatever it has promised.
void ServeFile(const TestRequest& request, TestConnection& connection, std::string_view content,
               size_t bytes_max = SIZE_MAX, std::string_view etag = "\"v1\"");

}  // namespace lathe::testing_support
