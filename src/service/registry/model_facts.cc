#include "service/registry/model_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "compute/model/runner.h"

namespace lathe::registry {
namespace {

using model::ModelConfig;
using modelfile::ModelPackage;

struct TypeTotals {
    std::string type;
    uint64_t tensors = 0;
    uint64_t elements = 0;
    uint64_t bytes = 0;
};

uint64_t Product(std::span<const uint64_t> shape) {
    uint64_t product = 1;
    for (uint64_t size : shape) product *= size;
    return product;
}

// Most bytes first.
std::vector<TypeTotals> TotalsByType(const ModelPackage& package) {
    std::map<std::string, TypeTotals, std::less<>> totals;
    auto add = [&](std::string_view type, uint64_t elements, uint64_t bytes) {
        TypeTotals& entry = totals[std::string(type)];
        entry.type = type;
        entry.tensors += 1;
        entry.elements += elements;
        entry.bytes += bytes;
    };
    for (const tensor::TensorView& view : package.tensors())
        add(tensor::Info(view.type).name, view.element_count(), view.byte_count());
    for (const auto& tensor : package.unsupported_tensors())
        add(tensor.type_name, tensor.bytes ? Product(tensor.shape) : 0, tensor.bytes);
    std::vector<TypeTotals> sorted;
    for (auto& [type, entry] : totals) sorted.push_back(std::move(entry));
    std::ranges::sort(sorted, [](const TypeTotals& a, const TypeTotals& b) {
        return std::tie(b.bytes, a.type) < std::tie(a.bytes, b.type);
    });
    return sorted;
}

Json OrNull(const std::string& text) {
    return text.empty() ? Json() : Json(text);
}

std::string ArchitectureName(const ModelPackage& package) {
    if (package.gguf())
        return std::string(package.gguf()->GetString("general.architecture").value_or(""));
    auto type = package.hf()->config().find("model_type");
    bool stated = type != package.hf()->config().end() && type->is_string();
    return stated ? type->get<std::string>() : "";
}

std::string_view ScalingName(model::RopeScaling scaling) {
    switch (scaling) {
        case model::RopeScaling::kNone:
            return "none";
        case model::RopeScaling::kLinear:
            return "linear";
        case model::RopeScaling::kLlama3:
            return "llama3";
        case model::RopeScaling::kYarn:
            return "yarn";
    }
    return "none";
}

Json RopeFacts(const ModelPackage& package, const model::RopeConfig& rope) {
    bool has_factors = package.FindTensor("rope_freqs.weight") != nullptr;
    std::string_view scaling = has_factors ? "llama3" : ScalingName(rope.scaling);
    Json facts = {{"base", rope.base}, {"scaling", scaling}};
    if (rope.scaling != model::RopeScaling::kNone) facts["factor"] = rope.factor;
    return facts;
}

Json TokenFact(const tokenizer::Tokenizer& tokenizer, tokenizer::TokenId id) {
    return {{"id", id}, {"text", tokenizer.TokenBytes(id)}};
}

Json TokenizerFacts(const tokenizer::Tokenizer& tokenizer) {
    auto or_null = [&](std::optional<tokenizer::TokenId> id) {
        return id ? TokenFact(tokenizer, *id) : Json();
    };
    Json ends = Json::array();
    for (tokenizer::TokenId id : tokenizer.end_of_generation())
        ends.push_back(TokenFact(tokenizer, id));
    return {{"description", tokenizer.Describe()},
            {"vocab_size", tokenizer.vocab_size()},
            {"bos", or_null(tokenizer.bos())},
            {"eos", or_null(tokenizer.eos())},
            {"end_of_generation", std::move(ends)}};
}

uint64_t WeightBytes(const ModelPackage& package) {
    uint64_t bytes = 0;
    for (const tensor::TensorView& view : package.tensors()) bytes += view.byte_count();
    for (const auto& tensor : package.unsupported_tensors()) bytes += tensor.bytes;
    return bytes;
}

}  // namespace

Json FileFacts(const ModelPackage& package) {
    std::vector<TypeTotals> totals = TotalsByType(package);
    uint64_t elements = 0, bytes = 0, tensors = 0;
    for (const TypeTotals& entry : totals) {
        elements += entry.elements;
        bytes += entry.bytes;
        tensors += entry.tensors;
    }
    Json types = Json::array();
    for (const TypeTotals& entry : totals) {
        double share =
            bytes == 0 ? 0 : static_cast<double>(entry.bytes) / static_cast<double>(bytes);
        types.push_back({{"type", entry.type},
                         {"tensors", entry.tensors},
                         {"elements", entry.elements},
                         {"bytes", entry.bytes},
                         {"share", share}});
    }
    return {{"path", package.path().string()},
            {"format", package.gguf() ? "gguf" : "huggingface"},
            {"architecture", OrNull(ArchitectureName(package))},
            {"name", package.name()},
            {"license", OrNull(package.license())},
            {"parameters", elements},
            {"file_bytes", package.file_bytes()},
            {"tensor_count", tensors},
            {"types", std::move(types)},
            {"chat_template", !package.ChatTemplateSource().empty()}};
}

Json ModelFacts(const ModelPackage& package, const ModelConfig& config,
                const tokenizer::Tokenizer* tokenizer) {
    Json facts = FileFacts(package);
    facts["architecture"] = config.architecture;
    facts["context_length"] = config.context_length;
    facts["layers"] = config.layer_count;
    facts["width"] = config.width;
    facts["feed_forward_width"] = config.feed_forward_width;
    facts["heads"] = config.head_count;
    facts["kv_heads"] = config.kv_head_count;
    facts["head_dim"] = config.head_dim;
    facts["vocab_size"] = config.vocab_size;
    facts["sliding_window"] = config.sliding_window ? Json(config.sliding_window) : Json();
    facts["sliding_layers"] = std::ranges::count(config.layer_slides, true);
    facts["tied_head"] = config.tied_head;
    facts["rope"] = RopeFacts(package, config.rope);
    facts["tokenizer"] = tokenizer ? TokenizerFacts(*tokenizer) : Json();
    auto int8_page = model::Runner::PageBytes(config, kernels::KvType::kI8);
    facts["memory"] = {{"weight_bytes", WeightBytes(package)},
                       {"kv_bytes_per_token_int8", int8_page / kernels::kPageTokens},
                       {"kv_bytes_per_token_f16", config.KvBytesPerToken(2)},
                       {"kv_bytes_per_token_f32", config.KvBytesPerToken(4)}};
    return facts;
}

Json InspectFacts(const ModelPackage& package) {
    auto runnable = model::ConfigFromPackage(package);
    auto config = runnable         ? runnable
                  : package.gguf() ? model::ConfigFromGguf(*package.gguf())
                                   : model::ConfigFromHuggingFace(package.hf()->config());
    auto tokenizer = LoadTokenizer(package);
    Json facts = config ? ModelFacts(package, *config, tokenizer ? &*tokenizer : nullptr)
                        : FileFacts(package);
    if (!runnable) {
        facts["problem"] = runnable.error().message;
    } else if (!tokenizer) {
        facts["problem"] = tokenizer.error().message;
    }
    return facts;
}

Result<tokenizer::Tokenizer> LoadTokenizer(const ModelPackage& package) {
    return tokenizer::Tokenizer::FromPackage(package);
}

}  // namespace lathe::registry
