#include "compute/modelfile/packed_matrix_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "compute/modelfile/model_package.h"
#include "core/platform/files.h"
#include "support/paths.h"
#include "support/safetensors_builder.h"
#include "support/scratch.h"

namespace lathe::modelfile {
namespace {

using tensor::DType;
using testing::HasSubstr;
using testing_support::SafetensorsBuilder;
using testing_support::ScratchDirectory;

PackedTensors TensorsOf(const Safetensors& file) {
    return {file.Find("w.qweight"), file.Find("w.qzeros"), file.Find("w.scales"),
            file.Find("w.g_idx")};
}

std::vector<float> Floats(const std::filesystem::path& path) {
    std::string bytes = *platform::ReadFile(path, 1u << 20);
    std::vector<float> values(bytes.size() / sizeof(float));
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
}

struct GoldenCase {
    const char* name;
    PackingKind kind;
    uint64_t group_size;
    DType type;
};

void PrintTo(const GoldenCase& golden, std::ostream* out) {
    *out << golden.name;
}

class PackedGolden : public testing::TestWithParam<GoldenCase> {};

TEST_P(PackedGolden, GivesTheWeightsThatWerePacked) {
    const GoldenCase& golden = GetParam();
    std::filesystem::path stem = testing_support::Golden(std::string("packed/") + golden.name);
    auto file = Safetensors::Open(stem.string() + ".safetensors");
    ASSERT_TRUE(file) << file.error().message;
    auto source =
        PackedMatrixSource::Create("w", TensorsOf(*file), {golden.kind, golden.group_size});
    ASSERT_TRUE(source) << source.error().message;
    EXPECT_EQ(source->type(), golden.type);
    std::vector<float> expected = Floats(stem.string() + ".f32");
    ASSERT_EQ(source->rows() * source->cols(), expected.size());
    if (golden.type == DType::kF16)
        for (float& value : expected) value = tensor::F16ToF32(tensor::F32ToF16(value));
    tensor::TensorView view = {.name = "w",
                               .type = source->type(),
                               .shape = {source->rows(), source->cols()},
                               .data = {},
                               .source = &*source};
    std::vector<float> got(expected.size());
    tensor::ReadRows(view, 0, got);
    EXPECT_EQ(got, expected);  // to the bit: the types hold scale and codes as they are
    // From the middle on, not at the beginning of a word or tile.
    size_t cols = source->cols();
    std::vector<float> rest((source->rows() - 3) * cols);
    tensor::ReadRows(view, 3, rest);
    EXPECT_TRUE(std::ranges::equal(rest, std::span(expected).subspan(3 * cols)));
}

INSTANTIATE_TEST_SUITE_P(
    Formats, PackedGolden,
    testing::Values(GoldenCase{"gptq-128", PackingKind::kGptq, 128, DType::kQ5_0},
                    GoldenCase{"gptq-symmetric-64", PackingKind::kGptq, 64, DType::kQ4_0},
                    GoldenCase{"gptq-act-order-32", PackingKind::kGptq, 32, DType::kF16},
                    GoldenCase{"gptq-whole", PackingKind::kGptq, 0, DType::kQ5_0},
                    GoldenCase{"gptq_v2-32", PackingKind::kGptqV2, 32, DType::kQ5_0},
                    GoldenCase{"gptq_v2-odd-40", PackingKind::kGptqV2, 40, DType::kF16},
                    GoldenCase{"awq-128", PackingKind::kAwq, 128, DType::kQ5_0},
                    GoldenCase{"awq-32", PackingKind::kAwq, 32, DType::kQ5_0}));

// A GPTQ matrix of 32 inputs and 8 outputs in one group, all zero points 8, and what is
// wrong with it.
struct Small {
    std::vector<uint64_t> qweight = {4, 8}, qzeros = {1, 1}, scales = {1, 8}, g_idx = {32};
    std::string weight_type = "I32", scale_type = "F16";
    uint32_t group = 0;  // of the last input
    std::string without = {};

    std::string Bytes() const {
        auto count = [](const std::vector<uint64_t>& shape) {
            uint64_t product = 1;
            for (uint64_t size : shape) product *= size;
            return product;
        };
        std::string order(count(g_idx) * 4, '\0');
        if (!order.empty()) std::memcpy(order.data() + order.size() - 4, &group, sizeof group);
        std::string scale;  // F16 0x1F1F as well as BF16 0x1F1F and F32 0x1F1F1F1F
        scale.resize(count(scales) * (scale_type == "F32" ? 4 : 2), '\x1f');
        SafetensorsBuilder builder;
        if (without != "qweight")
            builder.Tensor("w.qweight", weight_type, qweight, std::string(count(qweight) * 4, 'a'));
        if (without != "qzeros")
            builder.Tensor("w.qzeros", "I32", qzeros, std::string(count(qzeros) * 4, 'w'));
        if (without != "scales") builder.Tensor("w.scales", scale_type, scales, scale);
        if (without != "g_idx") builder.Tensor("w.g_idx", "I32", g_idx, order);
        return builder.Build();
    }

    std::string Error(PackingKind kind = PackingKind::kGptq, uint64_t group_size = 0) const {
        std::string bytes = Bytes();
        auto file = Safetensors::Parse(std::as_bytes(std::span(bytes)), "small");
        if (!file) return file.error().message;
        auto source = PackedMatrixSource::Create("w", TensorsOf(*file), {kind, group_size});
        return source ? std::string(tensor::Info(source->type()).name) : source.error().message;
    }
};

TEST(PackedMatrixSource, RefusesShapesThatDoNotFitEachOther) {
    EXPECT_EQ(Small().Error(), "Q4_0");
    EXPECT_EQ(Small{.without = "g_idx"}.Error(), "Q4_0");
    EXPECT_THAT(Small{.without = "qweight"}.Error(), HasSubstr("'w.qweight' is missing"));
    EXPECT_THAT(Small{.without = "qzeros"}.Error(), HasSubstr("'w.qzeros' is missing"));
    EXPECT_THAT(Small{.without = "scales"}.Error(), HasSubstr("'w.scales' is missing"));
    EXPECT_THAT((Small{.qweight = {4, 9}}).Error(),
                HasSubstr("'w.qweight' is [4, 9], but the number of outputs must be a multiple"));
    EXPECT_THAT((Small{.qweight = {32}}).Error(), HasSubstr("have two dimensions"));
    EXPECT_THAT((Small{.qweight = {0, 8}}).Error(), HasSubstr("have two dimensions"));
    EXPECT_THAT((Small{.qzeros = {2, 1}}).Error(),
                HasSubstr("'w.qzeros' is [2, 1], but the packed weights and the group size in "
                          "config.json need [1, 1]"));
    EXPECT_THAT((Small{.scales = {8, 1}}).Error(), HasSubstr("'w.scales' is [8, 1]"));
    EXPECT_THAT((Small{.g_idx = {31}}).Error(), HasSubstr("'w.g_idx' is [31]"));
    EXPECT_THAT(Small().Error(PackingKind::kGptq, 16), HasSubstr("need [2, 1]"));
    EXPECT_THAT(Small().Error(PackingKind::kAwq), HasSubstr("'w.qzeros' is [1, 1]"));
    EXPECT_THAT(Small{.weight_type = "F32"}.Error(), HasSubstr("'w.qweight' has type F32"));
    EXPECT_THAT(Small{.scale_type = "I16"}.Error(), HasSubstr("'w.scales' has type I16"));
    EXPECT_THAT(Small{.group = 1}.Error(),
                HasSubstr("'w.g_idx' puts input 31 into group 1, but there are 1 groups"));
    EXPECT_THAT(Small{.group = 0xFFFFFFFF}.Error(), HasSubstr("into group -1"));
}

TEST(PackedMatrixSource, WidensToF32WhereHalvesCannotHoldAScale) {
    EXPECT_EQ(Small{.scale_type = "BF16"}.Error(), "F32");  // 3e-20
    EXPECT_EQ(Small{.scale_type = "F32"}.Error(), "F32");
}

std::string PackingError(const char* section) {
    auto packing = PackingOf(Json{{"quantization_config", *ParseJson(section)}});
    if (!packing) return packing.error().message;
    return *packing ? "packed" : "plain";
}

TEST(Packing, IsReadFromTheConfigAndRefusedByKey) {
    EXPECT_FALSE(PackingOf(Json::object())->has_value());
    EXPECT_EQ(PackingError("null"), "plain");
    auto packing = PackingOf(
        *ParseJson(R"({"quantization_config":{"quant_method":"gptq","bits":4,"group_size":-1}})"));
    ASSERT_TRUE(packing && *packing);
    EXPECT_EQ((*packing)->kind, PackingKind::kGptq);
    EXPECT_EQ((*packing)->group_size, 0u);
    EXPECT_EQ(PackingError(R"({"quant_method":"awq","bits":4,"group_size":128,"version":"GEMM",)"
                           R"("zero_point":true,"modules_to_not_convert":null})"),
              "packed");
    EXPECT_EQ(PackingError(R"({"quant_method":"gptq","bits":4,"group_size":128,)"
                           R"("checkpoint_format":"gptq_v2","dynamic":{"-:.*down.*":{},)"
                           R"("up":{"bits":4,"group_size":128}}})"),
              "packed");
    const std::pair<const char*, const char*> kRefused[] = {
        {"[]", "\"quantization_config\" is not an object"},
        {"{}", "quant_method\" is \"\""},
        {R"({"quant_method":"fp8"})", "only \"gptq\" and \"awq\" are supported"},
        {R"({"quant_method":"gptq"})", "\"quantization_config.bits\" is missing"},
        {R"({"quant_method":"gptq","bits":3})", "bits\" is 3, but only 4 bits"},
        {R"({"quant_method":"gptq","bits":"4"})", "bits\" is \"4\", not an integer"},
        {R"({"quant_method":"gptq","bits":4})", "group_size\" is missing"},
        {R"({"quant_method":"gptq","bits":4,"group_size":0})", "group_size\" is 0"},
        {R"({"quant_method":"gptq","bits":4,"group_size":128,"checkpoint_format":"marlin"})",
         "only \"gptq\" and \"gptq_v2\""},
        {R"({"quant_method":"gptq","bits":4,"group_size":128,"pack_dtype":"int16"})", "int16"},
        {R"({"quant_method":"gptq","bits":4,"group_size":128,"dynamic":{"lm_head":{"bits":8}}})",
         "dynamic\" is {\"lm_head\":{\"bits\":8}}"},
        {R"({"quant_method":"awq","bits":4,"group_size":128,"version":"gemv"})", "only \"gemm\""},
    };
    for (const auto& [section, message] : kRefused)
        EXPECT_THAT(PackingError(section), HasSubstr(message)) << section;
}

TEST(ModelPackage, ShowsPackedMatricesAsOrdinaryOnes) {
    ScratchDirectory folder;
    auto config = [&](const char* section) {
        folder.Write("config.json", std::string(R"({"model_type":"llama","quantization_config":)") +
                                        section + "}");
    };
    config(R"({"quant_method":"gptq","bits":4,"group_size":-1})");
    const std::string name = "model.layers.0.mlp.up_proj.";
    SafetensorsBuilder weights;
    weights.Tensor(name + "qweight", "I32", {4, 8}, std::string(128, '\x99'));
    weights.Tensor(name + "qzeros", "I32", {1, 1}, "wwww");
    weights.Tensor(name + "scales", "F16", {1, 8}, std::string(16, '\x3c'));
    weights.Tensor("model.norm.weight", "F32", {1}, "abcd");
    folder.Write("model.safetensors", weights.Build());
    auto package = ModelPackage::Open(folder.path());
    ASSERT_TRUE(package) << package.error().message;
    ASSERT_EQ(package->tensors().size(), 2u);
    const tensor::TensorView* up = package->FindTensor("blk.0.ffn_up.weight");
    ASSERT_NE(up, nullptr);
    EXPECT_EQ(up->type, DType::kQ4_0);
    EXPECT_EQ(up->shape, (std::vector<uint64_t>{8, 32}));
    EXPECT_EQ(up->byte_count(), 8u * 18);
    ModelPackage moved = std::move(*package);
    moved.DropPages(*moved.FindTensor("blk.0.ffn_up.weight"));
    std::vector<float> row(32);
    tensor::ReadRows(*moved.FindTensor("blk.0.ffn_up.weight"), 7, row);
    EXPECT_THAT(row, testing::Each(tensor::F16ToF32(0x3c3c)));  // 9 - 8 steps

    config(R"({"quant_method":"gptq","bits":4,"group_size":16})");
    auto wrong = ModelPackage::Open(folder.path());
    ASSERT_FALSE(wrong);
    EXPECT_THAT(wrong.error().message, HasSubstr("model.layers.0.mlp.up_proj.qzeros"));
    EXPECT_THAT(wrong.error().message, HasSubstr(folder.path().string()));
    // To be looked at, it opens all the same.
    auto shown = ModelPackage::Open(folder.path(), UnsupportedTypes::kKeep);
    ASSERT_TRUE(shown) << shown.error().message;
    EXPECT_EQ(shown->unsupported_tensors().size(), 2u);
}

}  // namespace
}  // namespace lathe::modelfile
