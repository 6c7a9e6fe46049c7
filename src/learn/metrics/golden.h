// The figures of the reference packages, for tests.
#pragma once

#include <gtest/gtest.h>

#include "core/json/json.h"
#include "core/platform/files.h"
#include "support/paths.h"

namespace lathe::metrics {

// tests/golden/metrics/NAME.json
inline Json ReadGolden(std::string_view name) {
    auto text = platform::ReadFile(testing_support::Golden(fmt::format("metrics/{}.json", name)));
    EXPECT_TRUE(text) << text.error().message;
    auto json = ParseJson(*text);
    EXPECT_TRUE(json) << json.error().message;
    return std::move(*json);
}

}  // namespace lathe::metrics
