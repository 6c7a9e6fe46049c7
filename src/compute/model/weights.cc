#include "compute/model/weights.h"

#include <algorithm>

#include "compute/model/model.h"

namespace lathe::model {
namespace {

using modelfile::ModelPackage;
using tensor::TensorView;

Result<const TensorView*> FindShaped(const ModelPackage& package, const std::string& name,
                                     uint64_t rows, uint64_t cols) {
    const TensorView* tensor = package.FindTensor(name);
    if (!tensor)
        return InvalidArgument("tensor {} is missing; the file is incomplete or of another kind",
                               name);
    if (tensor->cols() != cols || tensor->rows() != rows)
        return InvalidArgument("tensor {} is {} x {}, but the model's configuration needs {} x {}",
                               name, tensor->rows(), tensor->cols(), rows, cols);
    return tensor;
}

// What is still to be packed: gathered first, then done by the whole team.
struct PackJob {
    const TensorView* source;
    kernels::PackedMatrix* target;
};

class Loader {
public:
    Loader(const ModelPackage& package, const ModelConfig& config)
        : package_(package), config_(config) {}

    Status Matrix(const std::string& name, uint64_t rows, uint64_t cols,
                  kernels::PackedMatrix& target) {
        LATHE_TRY(const TensorView* tensor, FindShaped(package_, name, rows, cols));
        jobs_.push_back({tensor, &target});
        return {};
    }

    Status Vector(const std::string& name, uint64_t size, std::vector<float>& target) {
        LATHE_TRY(target, ReadVector(package_, name, size));
        return {};
    }

    Status Norm(const std::string& name, uint64_t size, std::vector<float>& target) {
        LATHE_RETURN_IF_ERROR(Vector(name, size, target));
        if (config_.norm_weight_plus_one)
            for (float& weight : target) weight += 1;
        return {};
    }

    Status Layer(uint32_t index, LayerWeights& layer) {
        const std::string prefix = fmt::format("blk.{}.", index);
        LATHE_RETURN_IF_ERROR(Attention(prefix, layer));
        return FeedForward(prefix, layer);
    }

    // The team packs one tensor after the other together, in the order of the layers.
    void Pack(platform::Team& team) {
        for (const PackJob& job : jobs_)
            *job.target = kernels::PackedMatrix::Allocate(job.source->type, job.source->rows(),
                                                          job.source->cols());
        std::vector<std::byte> made(LargestMade());
        team.Run([&](int worker) {
            for (const PackJob& job : jobs_) {
                auto [begin, end] = platform::Share(job.target->panel_count(), worker, team.size());
                job.target->PackPanels({begin, end}, RowsOf(job, {begin, end}, made));
                team.Barrier();
                if (worker == 0) package_.DropPages(*job.source);
            }
        });
    }

private:
    // Bytes of the largest matrix whose rows have to be made.
    size_t LargestMade() const {
        size_t bytes = 0;
        for (const PackJob& job : jobs_)
            if (job.source->source != nullptr) bytes = std::max(bytes, job.source->byte_count());
        return bytes;
    }

    // The matrix, of which at least the rows of these panels are there. `made` is shared:
    // each worker makes the rows that it packs.
    static const std::byte* RowsOf(const PackJob& job, kernels::PanelRange panels,
                                   std::span<std::byte> made) {
        const TensorView& view = *job.source;
        if (view.source == nullptr) return view.data.data();
        constexpr size_t kRows = kernels::PackedMatrix::kPanelRows;
        size_t row_bytes = tensor::RowBytes(view.type, view.cols());
        size_t first = std::min<size_t>(panels.begin * kRows, view.rows());
        size_t last = std::min<size_t>(panels.end * kRows, view.rows());
        view.source->CopyRows(first, made.subspan(first * row_bytes, (last - first) * row_bytes));
        return made.data();
    }

    Status Attention(const std::string& prefix, LayerWeights& layer) {
        const ModelConfig& c = config_;
        LATHE_RETURN_IF_ERROR(Norm(prefix + "attn_norm.weight", c.width, layer.attention_norm));
        LATHE_RETURN_IF_ERROR(
            Matrix(prefix + "attn_q.weight", c.query_width(), c.width, layer.query));
        LATHE_RETURN_IF_ERROR(Matrix(prefix + "attn_k.weight", c.kv_width(), c.width, layer.key));
        LATHE_RETURN_IF_ERROR(Matrix(prefix + "attn_v.weight", c.kv_width(), c.width, layer.value));
        LATHE_RETURN_IF_ERROR(Matrix(prefix + "attn_output.weight", c.width, c.query_width(),
                                     layer.attention_output));
        if (c.qkv_bias) {
            LATHE_RETURN_IF_ERROR(
                Vector(prefix + "attn_q.bias", c.query_width(), layer.query_bias));
            LATHE_RETURN_IF_ERROR(Vector(prefix + "attn_k.bias", c.kv_width(), layer.key_bias));
            LATHE_RETURN_IF_ERROR(Vector(prefix + "attn_v.bias", c.kv_width(), layer.value_bias));
        }
        if (c.output_bias)
            LATHE_RETURN_IF_ERROR(Vector(prefix + "attn_output.bias", c.width, layer.output_bias));
        if (c.qk_norm) {
            LATHE_RETURN_IF_ERROR(
                Norm(prefix + "attn_q_norm.weight", c.head_dim, layer.query_norm));
            LATHE_RETURN_IF_ERROR(Norm(prefix + "attn_k_norm.weight", c.head_dim, layer.key_norm));
        }
        if (c.post_norms)
            LATHE_RETURN_IF_ERROR(
                Norm(prefix + "post_attention_norm.weight", c.width, layer.post_attention_norm));
        return {};
    }

    Status FeedForward(const std::string& prefix, LayerWeights& layer) {
        const ModelConfig& c = config_;
        LATHE_RETURN_IF_ERROR(Norm(prefix + "ffn_norm.weight", c.width, layer.feed_forward_norm));
        LATHE_RETURN_IF_ERROR(
            Matrix(prefix + "ffn_gate.weight", c.feed_forward_width, c.width, layer.gate));
        LATHE_RETURN_IF_ERROR(
            Matrix(prefix + "ffn_up.weight", c.feed_forward_width, c.width, layer.up));
        LATHE_RETURN_IF_ERROR(
            Matrix(prefix + "ffn_down.weight", c.width, c.feed_forward_width, layer.down));
        if (c.post_norms)
            LATHE_RETURN_IF_ERROR(
                Norm(prefix + "post_ffw_norm.weight", c.width, layer.post_feed_forward_norm));
        return {};
    }

    const ModelPackage& package_;
    const ModelConfig& config_;
    std::vector<PackJob> jobs_;
};

size_t BytesOf(const LayerWeights& layer) {
    size_t bytes = 0;
    for (const auto* matrix : {&layer.query, &layer.key, &layer.value, &layer.attention_output,
                               &layer.gate, &layer.up, &layer.down})
        bytes += matrix->bytes();
    for (const auto* vector :
         {&layer.attention_norm, &layer.query_bias, &layer.key_bias, &layer.value_bias,
          &layer.query_norm, &layer.key_norm, &layer.output_bias, &layer.post_attention_norm,
          &layer.feed_forward_norm, &layer.post_feed_forward_norm})
        bytes += vector->size() * sizeof(float);
    return bytes;
}

}  // namespace

size_t Weights::bytes() const {
    size_t bytes = embedding.bytes() + head.bytes() + output_norm.size() * sizeof(float);
    for (const LayerWeights& layer : layers) bytes += BytesOf(layer);
    return bytes;
}

Result<std::vector<float>> ReadVector(const ModelPackage& package, const std::string& name,
                                      size_t expected) {
    LATHE_TRY(const TensorView* tensor, FindShaped(package, name, 1, expected));
    std::vector<float> values(expected);
    tensor::ReadRows(*tensor, 0, values);
    return values;
}

Result<Weights> LoadWeights(const ModelPackage& package, const ModelConfig& config,
                            platform::Team& team) {
    Weights weights;
    Loader loader(package, config);
    LATHE_RETURN_IF_ERROR(
        loader.Matrix("token_embd.weight", config.vocab_size, config.width, weights.embedding));
    if (!config.tied_head)
        LATHE_RETURN_IF_ERROR(
            loader.Matrix("output.weight", config.vocab_size, config.width, weights.head));
    LATHE_RETURN_IF_ERROR(loader.Norm("output_norm.weight", config.width, weights.output_norm));
    if (package.FindTensor("rope_freqs.weight"))
        LATHE_RETURN_IF_ERROR(
            loader.Vector("rope_freqs.weight", config.rope.dims / 2, weights.rope_factors));
    weights.layers.resize(config.layer_count);
    for (uint32_t i = 0; i < config.layer_count; ++i)
        LATHE_RETURN_IF_ERROR(loader.Layer(i, weights.layers[i]));
    loader.Pack(team);
    return weights;
}

Result<Model> Model::Load(const ModelPackage& package, const kernels::Table& table,
                          platform::Team& team) {
    Model model;
    LATHE_TRY(model.config, ConfigFromPackage(package));
    LATHE_TRY(model.weights, LoadWeights(package, model.config, team));
    model.table = &table;
    return model;
}

}  // namespace lathe::model
