#include "edge/api/access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace lathe::api {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

net::ServerRequest RequestWith(std::vector<net::Header> headers) {
    net::ServerRequest request;
    request.headers = std::move(headers);
    return request;
}

Result<std::unique_ptr<Access>> Keys(std::string_view content) {
    auto path =
        std::filesystem::path(::testing::TempDir()) /
        fmt::format("keys-{}", ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::ofstream(path) << content;
    return KeyFileAccess::Load(path);
}

TEST(KeyFileAccess, AdmitsEveryKeyOfTheFileAndSaysWhich) {
    auto access = Keys("# staff\nfirst-key-0123456789\r\n\n  second-key-0123456789  \n");
    ASSERT_TRUE(access) << access.error().message;
    auto caller =
        (*access)->Admit(RequestWith({{"Authorization", "Bearer second-key-0123456789"}}));
    ASSERT_TRUE(caller);
    EXPECT_EQ(caller->id, "key-2");
    EXPECT_TRUE((*access)->Admit(RequestWith({{"authorization", "bearer first-key-0123456789"}})));
}

TEST(KeyFileAccess, RefusesEverythingElseWithoutRepeatingIt) {
    auto access = Keys("first-key-0123456789\n");
    ASSERT_TRUE(access);
    for (const char* header :
         {"", "Bearer", "Bearer ", "Bearer first-key-012345678", "Bearer first-key-01234567890",
          "Bearer # staff", "Basic first-key-0123456789", "first-key-0123456789"}) {
        auto caller = (*access)->Admit(RequestWith({{"authorization", header}}));
        ASSERT_FALSE(caller) << header;
        EXPECT_EQ(caller.error().status, 401);
        EXPECT_EQ(caller.error().code, "invalid_api_key");
        EXPECT_THAT(caller.error().message, Not(HasSubstr("first-key")));
    }
}

TEST(KeyFileAccess, SaysWhatIsWrongWithTheFile) {
    EXPECT_THAT(Keys("# nothing\n\n").error().message, HasSubstr("holds no key"));
    EXPECT_THAT(Keys("good\ntwo words\n").error().message, HasSubstr("line 2"));
    EXPECT_THAT(KeyFileAccess::Load("/nonexistent/keys").error().message,
                HasSubstr("/nonexistent/keys"));
}

TEST(LoopbackAccess, AdmitsOnlyNamesOfThisMachine) {
    auto access = LoopbackAccess();
    for (const char* host :
         {"localhost", "LOCALHOST:8080", "127.0.0.1:80", "127.8.9.1", "[::1]:80"})
        EXPECT_TRUE(access->Admit(RequestWith({{"host", host}}))) << host;
    for (const char* host : {"evil.example:8080", "127.evil.example", "localhost.evil.example",
                             "10.0.0.1", "[::2]", ":80"}) {
        auto caller = access->Admit(RequestWith({{"host", host}}));
        ASSERT_FALSE(caller) << host;
        EXPECT_EQ(caller.error().status, 403);
        EXPECT_THAT(caller.error().message, HasSubstr("--open"));
    }
}

TEST(OpenAccess, AdmitsAnyone) {
    EXPECT_TRUE(OpenAccess()->Admit(RequestWith({{"host", "anything"}})));
}

}  // namespace
}  // namespace lathe::api
