// A blocking TCP client for the tests of servers: sends bytes, reads what comes.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace lathe::net {

class TestClient {
public:
    explicit TestClient(uint16_t port, int receive_buffer = 0)
        : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        if (receive_buffer > 0)
            ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
        timeval limit{.tv_sec = 60, .tv_usec = 0};  // so that a hang fails instead
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connected_ =
            ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
    }
    ~TestClient() { Close(); }
    TestClient(const TestClient&) = delete;
    TestClient& operator=(const TestClient&) = delete;

    bool connected() const { return connected_; }

    // False once the server does not take bytes any more.
    bool Send(std::string_view bytes) {
        while (!bytes.empty()) {
            ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (count <= 0) return false;
            bytes.remove_prefix(static_cast<size_t>(count));
        }
        return true;
    }
    void HalfClose() { ::shutdown(socket_, SHUT_WR); }
    void Close() {
        if (socket_ >= 0) ::close(socket_);
        socket_ = -1;
    }
    void Reset() {
        linger hard{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
        Close();
    }

    // Reads until `mark` has come; returns everything through it. "" if the server closes first.
    std::string ReadThrough(std::string_view mark) {
        size_t found;
        while ((found = pending_.find(mark)) == std::string::npos)
            if (!Receive()) return {};
        return Take(found + mark.size());
    }
    std::string ReadBytes(size_t count) {
        while (pending_.size() < count)
            if (!Receive()) return {};
        return Take(count);
    }
    // Everything until the server closes the connection.
    std::string ReadAll() {
        while (Receive()) {
        }
        return Take(pending_.size());
    }
    // Head and body of one response with a content-length.
    std::string ReadResponse() {
        auto head = ReadThrough("\r\n\r\n");
        auto at = head.find("content-length: ");
        if (at == std::string::npos) return head;
        return head + ReadBytes(std::strtoul(head.c_str() + at + 16, nullptr, 10));
    }

private:
    bool Receive() {
        char buffer[16384];
        ssize_t count = ::recv(socket_, buffer, sizeof(buffer), 0);
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            ADD_FAILURE() << "nothing came for 60 s; so far: " << pending_;
        if (count <= 0) return false;
        pending_.append(buffer, static_cast<size_t>(count));
        return true;
    }
    std::string Take(size_t count) {
        std::string out = pending_.substr(0, count);
        pending_.erase(0, count);
        return out;
    }

    int socket_;
    bool connected_ = false;
    std::string pending_;
};

}  // namespace lathe::net
