#include "core/net/sse.h"

#include <gtest/gtest.h>

namespace lathe::net {
namespace {

TEST(Sse, WritesOneDataLineAndABlankLine) {
    EXPECT_EQ(SseData(R"({"a":1})"), "data: {\"a\":1}\n\n");
    EXPECT_EQ(SseData(""), "data: \n\n");
}

TEST(Sse, SplitsDataAtEveryKindOfLineBreak) {
    EXPECT_EQ(SseData("a\nb\r\nc\rd"), "data: a\ndata: b\ndata: c\ndata: d\n\n");
    EXPECT_EQ(SseData("a\n"), "data: a\ndata: \n\n");
}

TEST(Sse, NamesEventsAndComments) {
    EXPECT_EQ(SseEvent("error", "x"), "event: error\ndata: x\n\n");
    EXPECT_EQ(SseComment("keep-alive"), ": keep-alive\n\n");
}

}  // namespace
}  // namespace lathe::net
