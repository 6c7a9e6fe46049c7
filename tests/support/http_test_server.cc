#include "support/http_test_server.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <cstdlib>
#include <optional>

namespace lathe::testing_support {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

std::string Lower(std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

template <typename Stream>
class Connection : public TestConnection {
public:
    Connection(Stream& stream, tcp::socket& socket) : stream_(stream), socket_(socket) {}

    void Send(std::string_view raw) override {
        boost::system::error_code ignored;
        asio::write(stream_, asio::buffer(raw), ignored);
    }

    std::string Receive() override {
        std::string bytes(65536, '\0');
        boost::system::error_code error;
        bytes.resize(stream_.read_some(asio::buffer(bytes), error));
        return bytes;
    }

    void Cut() override {
        boost::system::error_code ignored;
        socket_.set_option(asio::socket_base::linger(true, 0), ignored);
        ::shutdown(socket_.native_handle(), SHUT_RDWR);
    }

    // False if the client left before its request was whole.
    bool ReadRequest(TestRequest& request) {
        std::string text;
        size_t end;
        while ((end = text.find("\r\n\r\n")) == std::string::npos) {
            std::string more = Receive();
            if (more.empty()) return false;
            text += more;
        }
        request.head = text.substr(0, end + 2);
        request.body = text.substr(end + 4);
        size_t space = text.find(' ');
        request.method = text.substr(0, space);
        request.target = text.substr(space + 1, text.find(' ', space + 1) - space - 1);
        std::string length = request.Get("content-length");
        while (!length.empty() && request.body.size() < std::stoul(length)) {
            std::string more = Receive();
            if (more.empty()) return false;
            request.body += more;
        }
        return true;
    }

private:
    Stream& stream_;
    tcp::socket& socket_;
};

}  // namespace

std::string TestRequest::Get(std::string_view name) const {
    std::string key = fmt::format("\r\n{}:", name);
    size_t begin = Lower(head).find(key);
    if (begin == std::string::npos) return "";
    begin = head.find_first_not_of(' ', begin + key.size());
    return head.substr(begin, head.find("\r\n", begin) - begin);
}

void TestConnection::Respond(int status, std::string_view body, std::string_view more_headers) {
    Send(fmt::format("HTTP/1.1 {} Status\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(),
                     more_headers, body));
}

struct HttpTestServer::State {
    Handler handler;
    std::string scheme = "http";
    asio::io_context io;
    tcp::acceptor acceptor{io, {asio::ip::address_v4::loopback(), 0}};
    std::optional<asio::ssl::context> tls;
    uint16_t port = acceptor.local_endpoint().port();

    mutable std::mutex mutex;
    bool closing = false;  // guarded by mutex, as what follows
    std::vector<int> open_descriptors;
    std::vector<TestRequest> requests;
    std::vector<std::jthread> connections;

    std::jthread accepting;  // last: ends first

    void Accept() {
        for (;;) {
            tcp::socket socket(io);
            boost::system::error_code error;
            acceptor.accept(socket, error);
            std::lock_guard lock(mutex);
            if (error || closing) return;
            open_descriptors.push_back(socket.native_handle());
            connections.emplace_back(
                [this, moved = std::move(socket)]() mutable { Serve(std::move(moved)); });
        }
    }

    void Serve(tcp::socket socket) {
        if (tls) {
            asio::ssl::stream<tcp::socket&> stream(socket, *tls);
            boost::system::error_code error;
            stream.handshake(asio::ssl::stream_base::server, error);
            if (!error) {
                ServeOne(stream, socket);
                stream.shutdown(error);
            }
        } else {
            ServeOne(socket, socket);
        }
        std::lock_guard lock(mutex);
        std::erase(open_descriptors, socket.native_handle());
        ::shutdown(socket.native_handle(), SHUT_WR);
        socket.close();
    }

    template <typename Stream>
    void ServeOne(Stream& stream, tcp::socket& socket) {
        Connection<Stream> connection(stream, socket);
        TestRequest request;
        if (!connection.ReadRequest(request)) return;
        {
            std::lock_guard lock(mutex);
            requests.push_back(request);
        }
        handler(request, connection);
    }
};

HttpTestServer::HttpTestServer(Handler handler) : state_(std::make_unique<State>()) {
    state_->handler = std::move(handler);
    state_->accepting = std::jthread([this] { state_->Accept(); });
}

HttpTestServer::HttpTestServer(Handler handler, const TestCertificate& certificate)
    : state_(std::make_unique<State>()) {
    state_->handler = std::move(handler);
    state_->scheme = "https";
    state_->tls.emplace(asio::ssl::context::tls_server);
    state_->tls->use_certificate_chain(asio::buffer(certificate.certificate_pem));
    state_->tls->use_private_key(asio::buffer(certificate.key_pem), asio::ssl::context::pem);
    state_->accepting = std::jthread([this] { state_->Accept(); });
}

HttpTestServer::~HttpTestServer() {
    {
        std::lock_guard lock(state_->mutex);
        state_->closing = true;
        for (int descriptor : state_->open_descriptors) ::shutdown(descriptor, SHUT_RDWR);
        ::shutdown(state_->acceptor.native_handle(), SHUT_RDWR);
    }
    state_->accepting.join();
    std::vector<std::jthread> connections;
    {
        std::lock_guard lock(state_->mutex);
        connections.swap(state_->connections);
    }
    connections.clear();
}

uint16_t HttpTestServer::port() const {
    return state_->port;
}

std::string HttpTestServer::Url(std::string_view path) const {
    return fmt::format("{}://{}:{}{}", state_->scheme, state_->tls ? "localhost" : "127.0.0.1",
                       state_->port, path);
}

std::vector<TestRequest> HttpTestServer::requests() const {
    std::lock_guard lock(state_->mutex);
    return state_->requests;
}

void ServeFile(const TestRequest& request, TestConnection& connection, std::string_view content,
               size_t bytes_max, std::string_view etag) {
    std::string range = request.Get("range");
    std::string if_range = request.Get("if-range");
    size_t first = 0;
    if (range.starts_with("bytes=") && (if_range.empty() || if_range == etag))
        first = std::stoul(range.substr(6));
    if (first >= content.size() && first > 0) {
        connection.Respond(416, "", fmt::format("Content-Range: bytes */{}\r\n", content.size()));
        return;
    }
    std::string_view body = content.substr(first);
    std::string head = first > 0 ? fmt::format(
                                       "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes "
                                       "{}-{}/{}\r\n",
                                       first, content.size() - 1, content.size())
                                 : "HTTP/1.1 200 OK\r\n";
    connection.Send(fmt::format("{}Content-Length: {}\r\nETag: {}\r\nAccept-Ranges: bytes\r\n\r\n",
                                head, body.size(), etag));
    connection.Send(body.substr(0, bytes_max));
}

namespace {

std::string PemOf(auto write) {
    BIO* memory = ::BIO_new(::BIO_s_mem());
    write(memory);
    char* bytes = nullptr;
    long size = ::BIO_get_mem_data(memory, &bytes);
    std::string pem(bytes, static_cast<size_t>(size));
    ::BIO_free(memory);
    return pem;
}

void AddExtension(X509* certificate, X509* issuer, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = ::X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
    ::X509_add_ext(certificate, extension, -1);
    ::X509_EXTENSION_free(extension);
}

X509* NewCertificate(EVP_PKEY* key, const char* name, X509* issuer) {
    X509* certificate = ::X509_new();
    ::X509_set_version(certificate, 2);
    ::ASN1_INTEGER_set(::X509_get_serialNumber(certificate), issuer ? 2 : 1);
    ::X509_gmtime_adj(::X509_getm_notBefore(certificate), -3600);
    ::X509_gmtime_adj(::X509_getm_notAfter(certificate), 86400);
    ::X509_set_pubkey(certificate, key);
    X509_NAME* subject = ::X509_get_subject_name(certificate);
    ::X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                 reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
    ::X509_set_issuer_name(certificate, ::X509_get_subject_name(issuer ? issuer : certificate));
    return certificate;
}

}  // namespace

TestCertificate TestCertificate::For(std::string_view host) {
    EVP_PKEY* authority_key = ::EVP_EC_gen("P-256");
    EVP_PKEY* key = ::EVP_EC_gen("P-256");
    X509* authority = NewCertificate(authority_key, "test authority", nullptr);
    AddExtension(authority, authority, NID_basic_constraints, "critical,CA:TRUE");
    ::X509_sign(authority, authority_key, ::EVP_sha256());
    X509* certificate = NewCertificate(key, "test server", authority);
    bool is_address = !host.empty() && host.find_first_not_of("0123456789.") == host.npos;
    AddExtension(certificate, authority, NID_subject_alt_name,
                 fmt::format("{}:{}", is_address ? "IP" : "DNS", host));
    ::X509_sign(certificate, authority_key, ::EVP_sha256());

    TestCertificate out;
    out.authority_pem = PemOf([&](BIO* bio) { ::PEM_write_bio_X509(bio, authority); });
    out.certificate_pem = PemOf([&](BIO* bio) { ::PEM_write_bio_X509(bio, certificate); });
    out.key_pem = PemOf([&](BIO* bio) {
        ::PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    });
    ::X509_free(certificate);
    ::X509_free(authority);
    ::EVP_PKEY_free(key);
    ::EVP_PKEY_free(authority_key);
    return out;
}

}  // namespace lathe::testing_support
