#include <gtest/gtest.h>

#include "edge/console/console_assets.h"

namespace lathe::console {
namespace {

TEST(ConsoleAssets, AreNoneInABuildWithoutTheConsole) {
    EXPECT_TRUE(ConsoleAssets().empty());
    EXPECT_EQ(FindAsset("/"), nullptr);
}

}  // namespace
}  // namespace lathe::console
