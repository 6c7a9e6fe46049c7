#include "learn/quant/search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compute/modelfile/printable.h"
#include "support/scratch.h"
#include "support/tiny_model.h"

namespace lathe::quant {
namespace {

using modelfile::ModelPackage;
using testing::HasSubstr;
using testing_support::TinyModel;

class SearchTest : public testing::Test {
protected:
    SearchTest() {
        auto opened = ModelPackage::Open(scratch_.Write("in.gguf", TinyModel("qwen2").Build()));
        EXPECT_TRUE(opened);
        package_.emplace(std::move(*opened));
        source_.emplace(std::move(*Source::Create(*package_)));
        for (int i = 0; i < 40; ++i) windows_[0].push_back(i * 7 % 48);
    }

    std::unique_ptr<Search> Created() {
        auto search =
            Search::Create(*source_, windows_, team_, {.table = AvailableEncodeTables().back()});
        EXPECT_TRUE(search) << search.error().message;
        return search ? std::move(*search) : nullptr;
    }

    testing_support::ScratchDirectory scratch_;
    std::optional<ModelPackage> package_;
    std::optional<Source> source_;
    std::vector<std::vector<model::TokenId>> windows_{1};
    platform::Team team_{2};
};

TEST_F(SearchTest, FindsAPlanThatIsNotLargerAndLosesNoMoreThanTheMixOfThatSize) {
    auto search = Created();
    ASSERT_NE(search, nullptr);
    for (const char* name : {"Q4_0", "Q5_0"}) {
        Plan mix = *PlanMix(*source_, *FindMix(name), {}, false);
        auto found = search->ForSize(*ParseSize(name, *source_));
        ASSERT_TRUE(found) << found.error().message;
        EXPECT_LE(found->FileBytes(*source_), mix.FileBytes(*source_));
        EXPECT_LE(*search->Measure(*found), *search->Measure(mix)) << name;
    }
}

TEST_F(SearchTest, ReachesADivergenceWithLessThanTheFinestTypes) {
    auto search = Created();
    ASSERT_NE(search, nullptr);
    double of_q4 = *search->Measure(*PlanMix(*source_, *FindMix("Q4_0"), {}, false));
    double finest = *search->Measure(*PlanMix(*source_, *FindMix("Q8_0"), {}, false));
    auto found = search->ForDivergence(of_q4);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_LE(*search->Measure(*found), of_q4);
    EXPECT_LT(found->FileBytes(*source_),
              PlanMix(*source_, *FindMix("Q8_0"), {}, false)->FileBytes(*source_));
    auto none = search->ForDivergence(finest / 100);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, Code::kOutOfRange);
    EXPECT_THAT(none.error().message, HasSubstr("the nearest that Q8_0 everywhere reaches"));
}

TEST_F(SearchTest, MeasuringLeavesTheModelAsItWas) {
    auto search = Created();
    ASSERT_NE(search, nullptr);
    Plan exact = *PlanMix(*source_, *FindMix("F32"), {}, false);
    EXPECT_EQ(*search->Measure(exact), 0);
    EXPECT_GT(*search->Measure(*PlanMix(*source_, *FindMix("Q4_0"), {}, false)), 0);
    EXPECT_EQ(*search->Measure(exact), 0);
}

TEST_F(SearchTest, SaysTheSmallestFileThereIs) {
    auto search = Created();
    ASSERT_NE(search, nullptr);
    auto none = search->ForSize(1000);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, Code::kOutOfRange);
    EXPECT_THAT(none.error().message, HasSubstr("the smallest file of this model has"));
}

TEST_F(SearchTest, NeedsAText) {
    auto search = Search::Create(*source_, {}, team_, {.table = AvailableEncodeTables().back()});
    ASSERT_FALSE(search);
    EXPECT_THAT(search.error().message, HasSubstr("text to measure on is empty"));
}

TEST_F(SearchTest, ReadsSizesInTheirUnits) {
    EXPECT_EQ(ParseSize("95MB", *source_), 95'000'000u);
    EXPECT_EQ(ParseSize("1.5MiB", *source_), 1'572'864u);
    EXPECT_EQ(ParseSize("12345", *source_), 12'345u);
    EXPECT_GT(*ParseSize("Q8_0", *source_), *ParseSize("q4_0", *source_));
    for (const char* bad : {"", "MB", "-3MB", "3 parsecs", "1e99GB"})
        EXPECT_THAT(ParseSize(bad, *source_).error().message, HasSubstr("--target-size")) << bad;
}

}  // namespace
}  // namespace lathe::quant
