#include "learn/quant/quantize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "compute/model/config.h"
#include "support/scratch.h"
#include "support/tiny_model.h"

namespace lathe::quant {
namespace {

using modelfile::ModelPackage;
using tensor::DType;
using testing::HasSubstr;
using testing_support::GgufBuilder;
using testing_support::ScratchDirectory;
using testing_support::TinyModel;

// A package from a file in a folder of its own, and what is written from it.
class QuantizeTest : public testing::Test {
protected:
    Source Opened(const TinyModel& model) {
        auto opened = ModelPackage::Open(scratch_.Write("in.gguf", model.Build()));
        EXPECT_TRUE(opened) << opened.error().message;
        package_.emplace(std::move(*opened));
        auto source = Source::Create(*package_);
        EXPECT_TRUE(source);
        return std::move(*source);
    }

    Status Write(const Source& source, const Plan& plan, std::stop_token stop = {}) {
        platform::Team team(2);
        return WriteQuantized(source, plan, source.metadata(), out_, team,
                              {.table = AvailableEncodeTables().back(), .stop = stop});
    }

    Plan PlanOf(const Source& source, std::string_view mix) {
        return *PlanMix(source, *FindMix(mix), {}, false);
    }

    ScratchDirectory scratch_;
    std::filesystem::path out_ = scratch_.path() / "out.gguf";
    std::optional<ModelPackage> package_;
};

TEST_F(QuantizeTest, WritesAModelThatIsTheSameButForItsTypes) {
    Source source = Opened(TinyModel("llama"));
    ASSERT_TRUE(Write(source, PlanOf(source, "Q8_0")));
    auto written = ModelPackage::Open(out_);
    ASSERT_TRUE(written) << written.error().message;
    auto config = model::ConfigFromPackage(*written);
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->layer_count, 2u);
    EXPECT_EQ(written->gguf()->GetUnsigned("general.file_type"), 7u);
    EXPECT_EQ(written->gguf()->GetUnsigned("general.quantization_version"), 2u);
    ASSERT_EQ(written->tensors().size(), package_->tensors().size());
    for (const tensor::TensorView& before : package_->tensors()) {
        const tensor::TensorView* after = written->FindTensor(before.name);
        ASSERT_NE(after, nullptr);
        bool matrix = before.shape.size() == 2;
        EXPECT_EQ(after->type, matrix ? DType::kQ8_0 : DType::kF32) << before.name;
        std::vector<float> a(before.element_count()), b(before.element_count());
        tensor::Dequantize(before.type, before.data.data(), a);
        tensor::Dequantize(after->type, after->data.data(), b);
        for (size_t i = 0; i < a.size(); ++i)
            ASSERT_NEAR(a[i], b[i], matrix ? 0.25f / 127 : 0) << before.name << " " << i;
    }
}

TEST_F(QuantizeTest, CopiesWhatHasItsTypeAlready) {
    Source source = Opened(TinyModel("qwen2"));
    ASSERT_TRUE(Write(source, PlanOf(source, "F32")));
    auto written = ModelPackage::Open(out_);
    ASSERT_TRUE(written);
    for (const tensor::TensorView& before : package_->tensors())
        EXPECT_TRUE(std::ranges::equal(before.data, written->FindTensor(before.name)->data))
            << before.name;
}

TEST_F(QuantizeTest, GivesTheSameBytesWhateverTheTeam) {
    Source source = Opened(TinyModel("gemma3"));
    Plan plan = PlanOf(source, "Q4_1");
    std::vector<std::string> files;
    for (int size : {1, 3}) {
        platform::Team team(size);
        ASSERT_TRUE(WriteQuantized(source, plan, source.metadata(), out_, team,
                                   {.table = AvailableEncodeTables().back()}));
        auto package = ModelPackage::Open(out_);
        ASSERT_TRUE(package);
        std::string bytes;
        for (const auto& tensor : package->tensors())
            bytes.append(reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size());
        files.push_back(bytes);
    }
    EXPECT_EQ(files[0], files[1]);
}

TEST_F(QuantizeTest, OverridesWinInTheirOrder) {
    Source source = Opened(TinyModel("llama"));
    std::vector<TypeOverride> overrides = {*ParseOverride("blk.*=q5_1"),
                                           *ParseOverride("blk.1.attn_?.weight=BF16")};
    auto plan = PlanMix(source, *FindMix("Q4_0"), overrides, false);
    ASSERT_TRUE(plan) << plan.error().message;
    for (size_t i = 0; i < plan->types.size(); ++i) {
        const std::string& name = source.tensors()[i].name;
        if (name == "blk.0.attn_q.weight") EXPECT_EQ(plan->types[i], DType::kQ5_1);
        if (name == "blk.1.attn_q.weight") EXPECT_EQ(plan->types[i], DType::kBF16);
        if (name == "blk.1.ffn_up.weight") EXPECT_EQ(plan->types[i], DType::kQ5_1);
        if (name == "blk.1.attn_norm.weight") EXPECT_EQ(plan->types[i], DType::kF32);
    }
}

TEST_F(QuantizeTest, RefusesOverridesThatMeanNothing) {
    Source source = Opened(TinyModel("llama"));
    auto error_of = [&](std::string_view text) {
        auto override = ParseOverride(text);
        if (!override) return override.error().message;
        auto plan = PlanMix(source, *FindMix("Q4_0"), std::vector{*override}, false);
        return plan ? std::string() : plan.error().message;
    };
    EXPECT_THAT(error_of("blk.*"), HasSubstr("PATTERN=TYPE"));
    EXPECT_THAT(error_of("blk.*=Q9"), HasSubstr("none of F32"));
    EXPECT_THAT(error_of("nothing*=Q8_0"), HasSubstr("matches no matrix"));
    EXPECT_THAT(error_of("*_norm.weight=Q8_0"), HasSubstr("matches no matrix"));
    EXPECT_THAT(error_of("blk.0.attn_q.weight=Q4_K"), HasSubstr("Q5_0 would fit"));
}

TEST_F(QuantizeTest, LeavesNothingWhenItIsStopped) {
    Source source = Opened(TinyModel("llama"));
    std::stop_source stop;
    stop.request_stop();
    Status status = Write(source, PlanOf(source, "Q8_0"), stop.get_token());
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Code::kCancelled);
    std::filesystem::remove(scratch_.path() / "in.gguf");
    EXPECT_TRUE(std::filesystem::is_empty(scratch_.path()));
}

TEST_F(QuantizeTest, NamesTheTensorThatCannotBeEncoded) {
    TinyModel model("llama");
    std::string& data = model.tensors["blk.1.ffn_up.weight"].data;
    float bad = std::numeric_limits<float>::quiet_NaN();
    data.replace(400, sizeof bad, GgufBuilder::Bytes(bad));
    Source source = Opened(model);
    Status status = Write(source, PlanOf(source, "Q4_0"));
    ASSERT_FALSE(status);
    EXPECT_THAT(status.error().message, HasSubstr("'blk.1.ffn_up.weight': holds a value"));
    EXPECT_FALSE(std::filesystem::exists(out_));
}

TEST_F(QuantizeTest, KnowsTheSizeOfAPlan) {
    Source source = Opened(TinyModel("gemma2"));
    for (const char* mix : {"Q8_0", "Q4_0", "F16"}) {
        Plan plan = PlanOf(source, mix);
        ASSERT_TRUE(Write(source, plan));
        // What is added to the metadata is not in the plan.
        EXPECT_NEAR(static_cast<double>(std::filesystem::file_size(out_)),
                    static_cast<double>(plan.FileBytes(source)), 128)
            << mix;
    }
}

TEST(Pattern, MatchesWholeNames) {
    EXPECT_TRUE(Matches("blk.*.attn_v.weight", "blk.12.attn_v.weight"));
    EXPECT_TRUE(Matches("*", ""));
    EXPECT_TRUE(Matches("a*b*c", "aXbYbZc"));
    EXPECT_TRUE(Matches("blk.?.x", "blk.1.x"));
    EXPECT_FALSE(Matches("blk.?.x", "blk.12.x"));
    EXPECT_FALSE(Matches("blk", "blk.1"));
    EXPECT_FALSE(Matches("*.bias", "a.weight"));
}

}  // namespace
}  // namespace lathe::quant
