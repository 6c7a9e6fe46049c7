// Hugging Face folders to GGUF files, on a real model and its tokenizer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compute/model/reference.h"
#include "compute/tokenizer/tokenizer.h"
#include "learn/quant/quantize.h"
#include "support/hf_export.h"
#include "support/paths.h"
#include "support/scratch.h"

namespace lathe::quant {
namespace {

using modelfile::ModelPackage;

TEST(Folder, BecomesTheFileItWasExportedFrom) {
    testing_support::ScratchDirectory scratch;
    auto original = ModelPackage::Open(testing_support::ModelFile("smollm2-135m"));
    ASSERT_TRUE(original) << original.error().message;
    testing_support::ExportHfFolder(*original->gguf(), tensor::DType::kF32, scratch.path() / "hf");
    auto folder = ModelPackage::Open(scratch.path() / "hf");
    ASSERT_TRUE(folder) << folder.error().message;
    auto source = Source::Create(*folder);
    ASSERT_TRUE(source) << source.error().message;
    auto plan = PlanMix(*source, *FindMix("F32"), {}, false);
    ASSERT_TRUE(plan);
    platform::Team team(2);
    Status status = WriteQuantized(*source, *plan, source->metadata(), scratch.path() / "out.gguf",
                                   team, {.table = AvailableEncodeTables().back()});
    ASSERT_TRUE(status) << status.error().message;
    auto written = ModelPackage::Open(scratch.path() / "out.gguf");
    ASSERT_TRUE(written) << written.error().message;
    ASSERT_EQ(written->tensors().size(), original->tensors().size());
    for (const tensor::TensorView& before : original->tensors()) {
        const tensor::TensorView* after = written->FindTensor(before.name);
        ASSERT_NE(after, nullptr) << before.name;
        std::vector<float> expected(before.element_count()), got(before.element_count());
        tensor::Dequantize(before.type, before.data.data(), expected);
        tensor::Dequantize(after->type, after->data.data(), got);
        ASSERT_TRUE(got == expected) << before.name;
    }
    auto a = tokenizer::Tokenizer::FromPackage(*original);
    auto b = tokenizer::Tokenizer::FromPackage(*written);
    ASSERT_TRUE(a && b);
    EXPECT_EQ(written->gguf()->GetString("tokenizer.ggml.pre"), "smollm");
    EXPECT_EQ(written->ChatTemplateSource(), original->ChatTemplateSource());
    for (const char* text : {"Hello, world! 12345", "<|im_start|>user\nHi<|im_end|>", "caf\u00E9"})
        EXPECT_EQ(a->Encode(text), b->Encode(text)) << text;
}

}  // namespace
}  // namespace lathe::quant
