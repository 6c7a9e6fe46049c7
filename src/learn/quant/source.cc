#include "learn/quant/source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "compute/model/config.h"
#include "compute/model/rope_table.h"
#include "compute/model/tensor_plan.h"
#include "core/base/check.h"
#include "learn/quant/folder_metadata.h"

namespace lathe::quant {
namespace {

using modelfile::Gguf;
using modelfile::GgufValue;
using tensor::DType;
using tensor::TensorView;

// What a tensor of a folder becomes in a GGUF file.
SourceTensor Converted(const TensorView& view, const model::ModelConfig& config) {
    SourceTensor tensor = {
        .name = view.name, .shape = view.shape, .type = view.type, .view = &view, .values = {}};
    bool interleaved =
        config.architecture == "llama" && (view.name.find(".attn_q.") != std::string::npos ||
                                           view.name.find(".attn_k.") != std::string::npos);
    if (interleaved) tensor.interleaved_head = config.head_dim;
    if (config.norm_weight_plus_one && view.name.ends_with("norm.weight")) tensor.addend = 1;
    return tensor;
}

// Divisors of the rotary frequencies, which is how GGUF files state Llama 3's scaling.
SourceTensor FrequencyFactors(const model::RopeConfig& rope) {
    model::RopeConfig unscaled = rope;
    unscaled.scaling = model::RopeScaling::kNone;
    model::RopeTable with(rope, {}), without(unscaled, {});
    SourceTensor tensor = {.name = "rope_freqs.weight", .shape = {rope.dims / 2}, .values = {}};
    for (size_t i = 0; i < with.frequencies().size(); ++i)
        tensor.values.push_back(without.frequencies()[i] / with.frequencies()[i]);
    return tensor;
}

}  // namespace

uint64_t SourceTensor::rows() const {
    uint64_t count = 1;
    for (size_t i = 0; i + 1 < shape.size(); ++i) count *= shape[i];
    return count;
}

uint64_t SourceTensor::SourceRow(uint64_t row) const {
    if (interleaved_head == 0) return row;
    uint64_t in_head = row % interleaved_head;
    return row - in_head + in_head % 2 * (interleaved_head / 2) + in_head / 2;
}

Result<Source> Source::Create(const modelfile::ModelPackage& package) {
    Source source(package);
    if (package.gguf())
        source.AdoptGguf(*package.gguf());
    else
        LATHE_RETURN_IF_ERROR(source.AdoptFolder(*package.hf()));
    source.mix_model_.tied_head = std::ranges::find(source.tensors_, "output.weight",
                                                    &SourceTensor::name) == source.tensors_.end();
    return source;
}

void Source::AdoptGguf(const Gguf& file) {
    for (const modelfile::GgufEntry& entry : file.metadata())
        if (!entry.key.starts_with("split.") && !entry.key.starts_with("quantize.imatrix."))
            metadata_.Set(entry.key, entry.value);
    for (const TensorView& view : file.tensors())
        tensors_.push_back({.name = view.name,
                            .shape = view.shape,
                            .type = view.type,
                            .view = &view,
                            .values = {}});
    for (SourceTensor& tensor : tensors_)
        if (tensor.shape.empty()) tensor.shape = {1};
    for (const SourceTensor& tensor : tensors_)
        if (auto layer = LayerOf(tensor.name))
            mix_model_.layer_count = std::max(mix_model_.layer_count, *layer + 1);
    std::string prefix(file.GetString("general.architecture").value_or(""));
    uint64_t heads = file.GetUnsigned(prefix + ".attention.head_count").value_or(1);
    uint64_t kv_heads = file.GetUnsigned(prefix + ".attention.head_count_kv").value_or(heads);
    if (kv_heads > 0) mix_model_.queries_per_kv_head = static_cast<uint32_t>(heads / kv_heads);
}

Status Source::AdoptFolder(const modelfile::HfFolder& folder) {
    LATHE_TRY(model::ModelConfig config, model::ConfigFromPackage(*package_));
    LATHE_TRY(metadata_, FolderMetadata(folder, config));
    mix_model_.layer_count = config.layer_count;
    mix_model_.queries_per_kv_head = config.head_count / config.kv_head_count;
    for (const model::PlannedTensor& planned : model::TensorPlan(config)) {
        if (planned.name == "rope_freqs.weight") {
            if (config.rope.scaling == model::RopeScaling::kLlama3)
                tensors_.push_back(FrequencyFactors(config.rope));
            continue;
        }
        const TensorView* view = package_->FindTensor(planned.name);
        if (view != nullptr) tensors_.push_back(Converted(*view, config));
    }
    return {};
}

std::string Source::QuantizedTypes() const {
    std::set<std::string_view> names;
    for (const SourceTensor& tensor : tensors_)
        if (tensor::Info(tensor.type).block_size > 1) names.insert(tensor::Info(tensor.type).name);
    return fmt::format("{}", fmt::join(names, ", "));
}

void Source::ReadRows(const SourceTensor& tensor, uint64_t first, std::span<float> out) const {
    uint64_t cols = tensor.cols();
    if (tensor.view == nullptr) {
        std::ranges::copy(std::span(tensor.values).subspan(first * cols, out.size()), out.begin());
        return;
    }
    if (tensor.interleaved_head == 0) {
        tensor::ReadRows(*tensor.view, first, out);
    } else if (tensor.shape.size() == 1) {
        // A vector of biases is one element a row here: its "rows" are what is interleaved.
        size_t bytes = tensor::Info(tensor.type).block_bytes;
        for (uint64_t i = 0; i < out.size(); ++i)
            tensor::Dequantize(tensor.type,
                               tensor.view->data.data() + tensor.SourceRow(first + i) * bytes,
                               out.subspan(i, 1));
    } else {
        for (uint64_t i = 0; i < out.size() / cols; ++i)
            tensor::ReadRows(*tensor.view, tensor.SourceRow(first + i),
                             out.subspan(i * cols, cols));
    }
    if (tensor.addend != 0)
        for (float& value : out) value += tensor.addend;
}

std::span<const std::byte> Source::RowBytes(const SourceTensor& tensor, uint64_t first,
                                            uint64_t count, std::vector<std::byte>& buffer) const {
    LATHE_CHECK(tensor.keeps_bytes());
    const TensorView& view = *tensor.view;
    size_t row_bytes = tensor::RowBytes(tensor.type, tensor.cols());
    bool in_order = tensor.interleaved_head == 0;
    if (in_order && view.source == nullptr)
        return view.data.subspan(first * row_bytes, count * row_bytes);
    buffer.resize(count * row_bytes);
    if (in_order) {
        view.source->CopyRows(first, buffer);
        return buffer;
    }
    // A vector of biases is one element a row here: its "rows" are what is interleaved.
    bool vector = tensor.shape.size() == 1;
    size_t bytes = vector ? tensor::Info(tensor.type).block_bytes : row_bytes;
    for (uint64_t i = 0; i < buffer.size() / bytes; ++i) {
        auto out = std::span(buffer).subspan(i * bytes, bytes);
        uint64_t row = tensor.SourceRow(first + i);
        if (vector)
            std::ranges::copy(view.data.subspan(row * bytes, bytes), out.begin());
        else
            tensor::CopyRows(view, row, out);
    }
    return buffer;
}

void Source::DropRows(const SourceTensor& tensor, uint64_t first, uint64_t count) const {
    if (tensor.view == nullptr) return;
    if (tensor.view->source != nullptr) {
        // Its rows lie scattered over all its pages.
        if (first + count == tensor.rows()) package_->DropPages(*tensor.view);
        return;
    }
    size_t row_bytes = tensor::RowBytes(tensor.type, tensor.cols());
    TensorView rows;
    rows.data = tensor.view->data.subspan(first * row_bytes, count * row_bytes);
    package_->DropPages(rows);
}

}  // namespace lathe::quant
