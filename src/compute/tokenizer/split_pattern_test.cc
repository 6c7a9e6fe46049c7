#include "compute/tokenizer/split_pattern.h"

#include <gtest/gtest.h>

#include "compute/tokenizer/presets.h"

namespace lathe::tokenizer {
namespace {

TEST(SplitPattern, EveryPresetCompiles) {
    for (const BpePreset& preset : BpePresets())
        for (std::string_view expression : preset.expressions) {
            auto pattern = SplitPattern::Compile(expression);
            EXPECT_TRUE(pattern) << pattern.error().message;
        }
}

}  // namespace
}  // namespace lathe::tokenizer
