#include "core/base/html.h"

#include <gtest/gtest.h>

namespace lathe {
namespace {

TEST(EscapeHtml, LeavesNothingThatEndsATextOrAnAttribute) {
    EXPECT_EQ(EscapeHtml("a<b>&\"c\"'d' 中文"), "a&lt;b&gt;&amp;&quot;c&quot;&#39;d&#39; 中文");
}

}  // namespace
}  // namespace lathe
