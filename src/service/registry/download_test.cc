#include "service/registry/download.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <fstream>

#include "core/platform/files.h"
#include "support/http_test_server.h"
#include "support/scratch.h"

namespace lathe::registry {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing_support::HttpTestServer;
using testing_support::ScratchDirectory;
using testing_support::ServeFile;
using testing_support::TestConnection;
using testing_support::TestRequest;

std::string Checksum(std::string_view content) {
    Sha256 hash;
    hash.Update(content);
    return hash.Finish();
}

// A file that is no repetition of itself.
std::string MakeContent(size_t bytes) {
    std::string content = "GGUF";
    uint32_t state = 1;
    while (content.size() < bytes) {
        state = state * 1664525 + 1013904223;
        content += static_cast<char>(state >> 24);
    }
    return content;
}

// A folder, a client and what is said on the way.
class DownloadTest : public testing::Test {
protected:
    net::HttpClient client_ =
        std::move(net::HttpClient::Create({.stall_timeout = milliseconds(300)})).value();
    ScratchDirectory folder_;
    std::vector<std::string> said_;
    std::unique_ptr<telemetry::ProgressDisplay> display_ = telemetry::ProgressDisplay::Callback(
        {.on_event = [](const telemetry::ProgressEvent&) {},
         .on_line = [this](std::string_view line) { said_.emplace_back(line); }});
    std::stop_source stop_;
    std::string content_ = MakeContent(3'000'000);
    std::filesystem::path target_ = folder_.path() / "model" / "x.gguf";

    TransferContext Context(int retries_max = 3) {
        return {client_, *display_, stop_.get_token(), retries_max, milliseconds(1)};
    }
    DownloadRequest Request(const HttpTestServer& server, bool with_checksum = true) {
        return {.url = server.Url("/x.gguf?signature=1"),
                .target = target_,
                .bytes = with_checksum ? content_.size() : 0,
                .sha256 = with_checksum ? Checksum(content_) : ""};
    }
    std::filesystem::path PartPath() const { return target_.string() + ".part"; }
    std::string TargetContent() const { return platform::ReadFile(target_).value_or("(none)"); }
    void ExpectWhole() {
        EXPECT_EQ(TargetContent() == content_, true);
        EXPECT_FALSE(std::filesystem::exists(PartPath()));
        EXPECT_FALSE(std::filesystem::exists(PartPath().string() + ".json"));
    }
    // Serves content_, cutting the first `cuts` answers after `cut_bytes` each.
    HttpTestServer::Handler Cutting(int cuts, size_t cut_bytes) {
        return [this, cuts, cut_bytes, served = std::make_shared<std::atomic<int>>(0)](
                   const TestRequest& request, TestConnection& connection) {
            ServeFile(request, connection, content_, (*served)++ < cuts ? cut_bytes : SIZE_MAX);
        };
    }
    // Leaves a part as a stopped download does.
    void StopAfter(size_t bytes, bool with_checksum = true) {
        HttpTestServer server(Cutting(100, bytes));
        ASSERT_FALSE(Download(Request(server, with_checksum), Context(0)));
        ASSERT_EQ(std::filesystem::file_size(PartPath()), bytes);
    }
};

TEST_F(DownloadTest, BringsAFileAndRemembersThatItIsWhole) {
    HttpTestServer server(Cutting(0, 0));
    auto facts = Download(Request(server), Context());
    ASSERT_TRUE(facts) << facts.error().message;
    EXPECT_EQ(facts->bytes, content_.size());
    EXPECT_EQ(facts->sha256, Checksum(content_));
    ExpectWhole();
    EXPECT_TRUE(std::filesystem::exists(folder_.path() / "model" / ".x.gguf.verified"));
    EXPECT_TRUE(FileHasSha256(target_, content_.size(), Checksum(content_)).value());
    EXPECT_FALSE(FileHasSha256(target_, content_.size(), Checksum("other")).value());
}

TEST_F(DownloadTest, GoesOnWhereAConnectionBroke) {
    HttpTestServer server(Cutting(2, 1'000'000));
    auto facts = Download(Request(server), Context());
    ASSERT_TRUE(facts) << facts.error().message;
    ExpectWhole();
    auto requests = server.requests();
    ASSERT_THAT(requests, SizeIs(3));
    EXPECT_EQ(requests[0].Get("range"), "");
    EXPECT_EQ(requests[1].Get("range"), "bytes=1000000-");
    EXPECT_EQ(requests[1].Get("if-range"), "\"v1\"");
    EXPECT_EQ(requests[2].Get("range"), "bytes=2000000-");
}

TEST_F(DownloadTest, GoesOnWithThePartOfAnEarlierCallAlsoWithoutAChecksum) {
    HttpTestServer server([this, calls = std::make_shared<std::atomic<int>>(0)](
                              const TestRequest& request, TestConnection& connection) {
        ServeFile(request, connection, content_, (*calls)++ == 0 ? 1'000'000 : SIZE_MAX);
    });
    ASSERT_FALSE(Download(Request(server, false), Context(0)));
    ASSERT_TRUE(Download(Request(server, false), Context(0)));
    ExpectWhole();
    EXPECT_EQ(server.requests()[1].Get("range"), "bytes=1000000-");
}

TEST_F(DownloadTest, StartsOverWhenTheFileHasChangedMeanwhile) {
    std::string newer = MakeContent(2'000'000) + "newer";
    HttpTestServer server([&, calls = std::make_shared<std::atomic<int>>(0)](
                              const TestRequest& request, TestConnection& connection) {
        if ((*calls)++ == 0)
            ServeFile(request, connection, content_, 1'000'000);
        else
            ServeFile(request, connection, newer, SIZE_MAX, "\"v2\"");
    });
    ASSERT_FALSE(Download(Request(server, false), Context(0)));
    auto facts = Download(Request(server, false), Context(0));
    ASSERT_TRUE(facts) << facts.error().message;
    EXPECT_EQ(facts->sha256, Checksum(newer));
}

TEST_F(DownloadTest, StartsOverWhenTheServerKnowsNoRanges) {
    StopAfter(1'000'000);
    HttpTestServer server([this](const TestRequest&, TestConnection& connection) {
        connection.Respond(200, content_);
    });
    ASSERT_TRUE(Download(Request(server), Context(0)));
    ExpectWhole();
    EXPECT_THAT(said_, testing::Contains(HasSubstr("starting over")));
}

TEST_F(DownloadTest, UsesAPartFromAnotherServerIfTheChecksumIsKnown) {
    StopAfter(1'000'000);
    HttpTestServer other(Cutting(0, 0));
    ASSERT_TRUE(Download(Request(other), Context(0)));
    ExpectWhole();
    EXPECT_EQ(other.requests()[0].Get("range"), "bytes=1000000-");
    EXPECT_EQ(other.requests()[0].Get("if-range"), "");
}

TEST_F(DownloadTest, UsesNoPartFromAnotherServerWithoutAChecksum) {
    StopAfter(1'000'000, false);
    HttpTestServer other(Cutting(0, 0));
    ASSERT_TRUE(Download(Request(other, false), Context(0)));
    EXPECT_EQ(other.requests()[0].Get("range"), "");
}

TEST_F(DownloadTest, FetchesAgainWhatTurnsOutDamaged) {
    StopAfter(1'000'000);
    {
        std::fstream part(PartPath(), std::ios::in | std::ios::out | std::ios::binary);
        part.seekp(500'000);
        part << "damage";
    }
    HttpTestServer server(Cutting(0, 0));
    auto facts = Download(Request(server), Context(0));
    ASSERT_TRUE(facts) << facts.error().message;
    ExpectWhole();
    ASSERT_THAT(server.requests(), SizeIs(2));
    EXPECT_EQ(server.requests()[1].Get("range"), "");
}

TEST_F(DownloadTest, AcceptsAPartThatOnlyLackedItsName) {
    StopAfter(1'000'000);
    std::ofstream(PartPath(), std::ios::binary) << content_;
    HttpTestServer server(Cutting(0, 0));
    ASSERT_TRUE(Download(Request(server), Context(0)));
    ExpectWhole();
    EXPECT_THAT(server.requests(), IsEmpty());
}

TEST_F(DownloadTest, DropsAPartLongerThanTheFile) {
    StopAfter(1'000'000);
    std::ofstream(PartPath(), std::ios::binary) << content_ << "more";
    HttpTestServer server(Cutting(0, 0));
    ASSERT_TRUE(Download(Request(server), Context(0)));
    ExpectWhole();
}

TEST_F(DownloadTest, StartsOverAfterAnAnswerToAnotherRange) {
    for (std::string_view answer :
         {"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n\r\n",
          "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-9/10\r\nContent-Length: "
          "5\r\n\r\nxxxxx",
          "HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\n\r\nxxxxx"}) {
        std::filesystem::remove(target_);
        StopAfter(1'000'000);
        HttpTestServer server([&](const TestRequest& request, TestConnection& connection) {
            if (!request.Get("range").empty()) return connection.Send(answer);
            ServeFile(request, connection, content_);
        });
        auto facts = Download(Request(server), Context(1));
        ASSERT_TRUE(facts) << facts.error().message;
        ExpectWhole();
    }
}

TEST_F(DownloadTest, RefusesAFileWithTheWrongChecksumAndLeavesNothing) {
    std::string wrong = content_;
    wrong[1'500'000] ^= 1;
    HttpTestServer server([&](const TestRequest& request, TestConnection& connection) {
        ServeFile(request, connection, wrong);
    });
    auto facts = Download(Request(server), Context());
    ASSERT_FALSE(facts);
    EXPECT_EQ(facts.error().code, Code::kDataLoss);
    EXPECT_THAT(facts.error().message,
                AllOf(HasSubstr(Checksum(wrong)), HasSubstr(Checksum(content_))));
    EXPECT_FALSE(std::filesystem::exists(target_));
    EXPECT_FALSE(std::filesystem::exists(PartPath()));
    EXPECT_THAT(server.requests(), SizeIs(1));
}

TEST_F(DownloadTest, RefusesAFileOfAnotherSizeBeforeFetchingIt) {
    HttpTestServer server([&](const TestRequest& request, TestConnection& connection) {
        ServeFile(request, connection, content_ + "x");
    });
    auto facts = Download(Request(server), Context());
    ASSERT_FALSE(facts);
    EXPECT_THAT(facts.error().message, HasSubstr("3000001 bytes instead of 3000000"));
}

TEST_F(DownloadTest, RefusesABrowsersPageInPlaceOfAModel) {
    HttpTestServer server([](const TestRequest&, TestConnection& connection) {
        connection.Respond(200, "<html>Please log in</html>");
    });
    auto facts = Download(Request(server, false), Context());
    ASSERT_FALSE(facts);
    EXPECT_THAT(facts.error().message, HasSubstr("no GGUF file"));
    EXPECT_FALSE(std::filesystem::exists(target_));
}

TEST_F(DownloadTest, RefusesAnEncodedBody) {
    HttpTestServer server([this](const TestRequest&, TestConnection& connection) {
        connection.Respond(200, content_, "Content-Encoding: gzip\r\n");
    });
    EXPECT_THAT(Download(Request(server), Context()).error().message, HasSubstr("gzip"));
}

TEST_F(DownloadTest, SaysWhatARefusalMeans) {
    for (auto [status, code] : {std::pair{404, Code::kNotFound},
                                {403, Code::kPermissionDenied},
                                {401, Code::kPermissionDenied},
                                {503, Code::kUnavailable}}) {
        HttpTestServer server([&, reply = status](const TestRequest&, TestConnection& connection) {
            connection.Respond(reply, "");
        });
        auto facts = Download(Request(server), Context(0));
        ASSERT_FALSE(facts);
        EXPECT_EQ(facts.error().code, code);
        EXPECT_THAT(facts.error().message,
                    AllOf(HasSubstr(fmt::format("{}", status)), HasSubstr("/x.gguf"),
                          testing::Not(HasSubstr("signature"))));
    }
}

TEST_F(DownloadTest, TriesAgainWhenTheServerIsBusy) {
    std::atomic<int> calls = 0;
    HttpTestServer server([&](const TestRequest& request, TestConnection& connection) {
        if (calls++ == 0) return connection.Respond(503, "", "Retry-After: 0\r\n");
        ServeFile(request, connection, content_);
    });
    ASSERT_TRUE(Download(Request(server), Context()));
    ExpectWhole();
}

TEST_F(DownloadTest, KeepsThePartOfAServerThatStalls) {
    HttpTestServer server([this](const TestRequest& request, TestConnection& connection) {
        if (!request.Get("range").empty()) return connection.StayDumb();
        connection.Send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nETag: \"v1\"\r\n\r\n",
                                    content_.size()));
        connection.Send(std::string_view(content_).substr(0, 700'000));
        connection.StayDumb();
    });
    auto facts = Download(Request(server), Context(1));
    ASSERT_FALSE(facts);
    EXPECT_EQ(facts.error().code, Code::kDeadlineExceeded);
    EXPECT_THAT(facts.error().message, HasSubstr("stall timeout"));
    EXPECT_EQ(std::filesystem::file_size(PartPath()), 700'000u);
    EXPECT_EQ(server.requests()[1].Get("range"), "bytes=700000-");
}

TEST_F(DownloadTest, TakesAnAnswerWithoutALength) {
    HttpTestServer server([this](const TestRequest&, TestConnection& connection) {
        connection.Send("HTTP/1.1 200 OK\r\n\r\n" + content_);
    });
    ASSERT_TRUE(Download(Request(server), Context()));
    ExpectWhole();
    HttpTestServer shorter([this](const TestRequest&, TestConnection& connection) {
        connection.Send("HTTP/1.1 200 OK\r\n\r\n" + content_.substr(0, 1000));
    });
    std::filesystem::remove(target_);
    EXPECT_FALSE(Download(Request(shorter), Context(0)));
    EXPECT_FALSE(std::filesystem::exists(target_));
}

TEST_F(DownloadTest, ChecksWhatTheHubStatesOnItsRedirectToAnotherHost) {
    std::string served = content_;
    HttpTestServer cdn([&](const TestRequest& request, TestConnection& connection) {
        ServeFile(request, connection, served);
    });
    HttpTestServer hub([&](const TestRequest&, TestConnection& connection) {
        connection.Respond(
            302, "",
            fmt::format("Location: {}\r\nX-Linked-ETag: \"{}\"\r\nX-Linked-Size: {}\r\n",
                        cdn.Url("/blob"), Checksum(content_), content_.size()));
    });
    ASSERT_TRUE(Download(Request(hub, false), Context()));
    ExpectWhole();
    std::filesystem::remove(target_);
    served[2'000'000] ^= 1;
    auto facts = Download(Request(hub, false), Context());
    ASSERT_FALSE(facts);
    EXPECT_EQ(facts.error().code, Code::kDataLoss);
    EXPECT_FALSE(std::filesystem::exists(target_));
}

TEST_F(DownloadTest, StopsOnRequestAndKeepsThePart) {
    HttpTestServer server([this](const TestRequest& request, TestConnection& connection) {
        ServeFile(request, connection, content_, 1'000'000);
        stop_.request_stop();
    });
    auto facts = Download(Request(server), Context());
    ASSERT_FALSE(facts);
    EXPECT_EQ(facts.error().code, Code::kCancelled);
    EXPECT_TRUE(std::filesystem::exists(PartPath()));
    EXPECT_FALSE(std::filesystem::exists(target_));
}

TEST_F(DownloadTest, SaysHowMuchSpaceIsMissingBeforeItBegins) {
    HttpTestServer server([](const TestRequest&, TestConnection& connection) {
        connection.Send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000000000\r\n\r\nGGUF");
        connection.StayDumb();
    });
    auto facts = Download(Request(server, false), Context());
    ASSERT_FALSE(facts);
    EXPECT_EQ(facts.error().code, Code::kResourceExhausted);
    EXPECT_THAT(facts.error().message, AllOf(HasSubstr("1000 PB more needed"), HasSubstr(" free"),
                                             HasSubstr("LATHE_HOME")));
}

TEST_F(DownloadTest, SaysSoWhenTheDiskFillsUpMeanwhileAndGoesOnLater) {
    HttpTestServer server(Cutting(0, 0));
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    rlimit small{1'200'000, before.rlim_max};  // what a full disk does, without one
    ::setrlimit(RLIMIT_FSIZE, &small);
    auto facts = Download(Request(server), Context());
    ::setrlimit(RLIMIT_FSIZE, &before);
    ASSERT_FALSE(facts);
    EXPECT_EQ(facts.error().code, Code::kResourceExhausted);
    EXPECT_THAT(facts.error().message, AllOf(HasSubstr("1.8 MB more needed for x.gguf")));
    EXPECT_EQ(std::filesystem::file_size(PartPath()), 1'200'000u);

    ASSERT_TRUE(Download(Request(server), Context()));
    ExpectWhole();
    EXPECT_EQ(server.requests()[1].Get("range"), "bytes=1200000-");
}

TEST_F(DownloadTest, CopiesAFileOfThisMachine) {
    auto from = folder_.Write("elsewhere.gguf", content_);
    DownloadRequest request{.url = {}, .target = target_, .sha256 = Checksum(content_)};
    ASSERT_TRUE(CopyIn(from, request, Context()));
    ExpectWhole();
    std::filesystem::remove(target_);
    request.sha256 = Checksum("x");
    EXPECT_EQ(CopyIn(from, request, Context()).error().code, Code::kDataLoss);
    EXPECT_FALSE(std::filesystem::exists(target_));
    EXPECT_EQ(CopyIn(folder_.path() / "none", request, Context()).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace lathe::registry
