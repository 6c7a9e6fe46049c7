#include "service/registry/wheel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "support/zip_builder.h"

namespace lathe::registry {
namespace {

using testing::HasSubstr;
using testing_support::ZipBuilder;
using testing_support::ZipMember;

struct Extracted {
    Status status;
    std::string content;
};

Extracted Extract(std::string_view archive, std::string_view member, uint64_t bytes_max = 1 << 20) {
    Extracted out;
    out.status = ExtractZipMember(std::as_bytes(std::span(archive)), member, bytes_max,
                                  [&](std::span<const char> bytes) -> Status {
                                      out.content.append(bytes.data(), bytes.size());
                                      return {};
                                  });
    return out;
}

std::string LongText() {
    std::string text;
    for (int i = 0; i < 50'000; ++i) text += std::to_string(i * 7919 % 10'007);
    return text;
}

TEST(ExtractZipMember, UnpacksStoredAndDeflatedMembers) {
    std::string archive = ZipBuilder()
                              .Add({.name = "a/stored", .content = "plain"})
                              .Add({.name = "a/deflated", .content = LongText(), .deflate = true})
                              .Build("a comment at the end");
    EXPECT_EQ(Extract(archive, "a/stored").content, "plain");
    Extracted deflated = Extract(archive, "a/deflated");
    ASSERT_TRUE(deflated.status) << deflated.status.error().message;
    EXPECT_EQ(deflated.content, LongText());
    EXPECT_EQ(Extract(archive, "a").status.error().code, Code::kNotFound);
}

TEST(ExtractZipMember, RefusesMoreThanIsAllowed) {
    std::string archive =
        ZipBuilder().Add({.name = "x", .content = LongText(), .deflate = true}).Build();
    Extracted out = Extract(archive, "x", 1000);
    EXPECT_THAT(out.status.error().message, HasSubstr("more than the 1000"));
    EXPECT_TRUE(out.content.empty());
}

TEST(ExtractZipMember, NoticesAMemberThatIsNotWhatItsHeaderSays) {
    auto message = [](ZipMember member) {
        std::string archive = ZipBuilder().Add(std::move(member)).Build();
        Extracted out = Extract(archive, "x");
        return out.status ? std::string("accepted") : out.status.error().message;
    };
    EXPECT_THAT(message({.name = "x", .content = "abc", .crc_change = 1}), HasSubstr("checksum"));
    EXPECT_THAT(message({.name = "x", .content = LongText(), .deflate = true, .bytes_change = -1}),
                HasSubstr("longer than stated"));
    EXPECT_THAT(message({.name = "x", .content = LongText(), .deflate = true, .bytes_change = 1}),
                HasSubstr("shorter than stated"));
    EXPECT_THAT(message({.name = "x", .content = "abc", .method = 99}), HasSubstr("method"));
}

TEST(ExtractZipMember, RefusesEveryTruncation) {
    std::string archive =
        ZipBuilder().Add({.name = "x", .content = LongText(), .deflate = true}).Build();
    for (size_t size = 0; size < archive.size(); size += size < 200 ? 1 : 997) {
        Extracted out = Extract(std::string_view(archive).substr(0, size), "x");
        EXPECT_EQ(out.status.error().code, Code::kDataLoss) << size;
    }
}

TEST(ExtractZipMember, SurvivesDamageAnywhere) {
    std::string archive =
        ZipBuilder().Add({.name = "x", .content = "some text", .deflate = true}).Build();
    for (size_t at = 0; at < archive.size(); ++at) {
        for (int bit = 0; bit < 8; ++bit) {
            std::string damaged = archive;
            damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
            Extracted out = Extract(damaged, "x");
            if (out.status) EXPECT_EQ(out.content, "some text");
        }
    }
}

TEST(ExtractZipMember, ReturnsTheErrorOfTheWriter) {
    std::string archive = ZipBuilder().Add({.name = "x", .content = "abc"}).Build();
    auto status = ExtractZipMember(std::as_bytes(std::span(archive)), "x", 10,
                                   [](std::span<const char>) -> Status {
                                       return MakeError(Code::kResourceExhausted, "disk full");
                                   });
    EXPECT_EQ(status.error().message, "disk full");
}

}  // namespace
}  // namespace lathe::registry
