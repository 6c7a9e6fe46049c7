#include "compute/model/reference.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "compute/model/rope_table.h"
#include "compute/model/weights.h"

namespace lathe::model {
namespace {

using Vector = std::vector<float>;

// Rows of floats, [count][width].
struct Matrix {
    Matrix(size_t count_in, size_t width_in)
        : count(count_in), width(width_in), values(count * width) {}
    float* row(size_t index) { return values.data() + index * width; }
    const float* row(size_t index) const { return values.data() + index * width; }
    size_t count;
    size_t width;
    Vector values;
};

float Dot(const float* a, const float* b, size_t n) {
    float lanes[16] = {};
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (size_t lane = 0; lane < 16; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
    float sum = 0;
    for (float lane : lanes) sum += lane;
    for (; i < n; ++i) sum += a[i] * b[i];
    return sum;
}

void RmsNorm(const float* x, const Vector& weight, float epsilon, float* y) {
    double sum = 0;
    for (size_t i = 0; i < weight.size(); ++i) sum += double{x[i]} * x[i];
    float scale =
        1 / std::sqrt(static_cast<float>(sum / static_cast<double>(weight.size())) + epsilon);
    for (size_t i = 0; i < weight.size(); ++i) y[i] = x[i] * scale * weight[i];
}

float Activate(float x, Activation activation) {
    if (activation == Activation::kSilu) return x / (1 + std::exp(-x));
    constexpr float kSqrtTwoOverPi = 0.7978845608f;
    return 0.5f * x * (1 + std::tanh(kSqrtTwoOverPi * (x + 0.044715f * x * x * x)));
}

// The state of one run: reads tensors by name and remembers the first that failed.
class Pass {
public:
    Pass(const modelfile::ModelPackage& package, const ModelConfig& config,
         std::span<const TokenId> tokens, platform::Team& team)
        : package_(package),
          c_(config),
          tokens_(tokens),
          team_(team),
          rope_(config.rope, Read("rope_freqs.weight", config.rope.dims / 2, Presence::kOptional)),
          rope_local_(config.rope_local, {}),
          x_(tokens.size(), config.width) {
        auto last = static_cast<uint32_t>(tokens.size() - 1);
        rope_.Extend(last);
        rope_local_.Extend(last);
    }

    void Embed() {
        const tensor::TensorView* table = Find("token_embd.weight", c_.vocab_size, c_.width);
        if (!table) return;
        size_t row_bytes = tensor::RowBytes(table->type, c_.width);
        for (size_t t = 0; t < tokens_.size(); ++t) {
            tensor::Dequantize(table->type,
                               table->data.data() + static_cast<size_t>(tokens_[t]) * row_bytes,
                               {x_.row(t), c_.width});
            for (size_t i = 0; i < c_.width; ++i) x_.row(t)[i] *= c_.embedding_scale;
        }
    }

    void Attention(uint32_t layer) {
        const std::string prefix = fmt::format("blk.{}.", layer);
        Matrix normed = Normed(prefix + "attn_norm.weight");
        Matrix q = Project(prefix + "attn_q", normed, c_.query_width(), c_.qkv_bias);
        Matrix k = Project(prefix + "attn_k", normed, c_.kv_width(), c_.qkv_bias);
        Matrix v = Project(prefix + "attn_v", normed, c_.kv_width(), c_.qkv_bias);
        const RopeTable& rope = c_.layer_slides[layer] ? rope_local_ : rope_;
        Position(q, prefix + "attn_q_norm.weight", rope);
        Position(k, prefix + "attn_k_norm.weight", rope);
        Matrix mixed(q.count, q.width);
        for (size_t t = 0; t < q.count; ++t)
            for (size_t h = 0; h < c_.head_count; ++h) MixValues(layer, t, h, q, k, v, mixed);
        Matrix out = Project(prefix + "attn_output", mixed, c_.width, c_.output_bias);
        AddNormed(out, prefix + "post_attention_norm.weight");
    }

    void FeedForward(uint32_t layer) {
        const std::string prefix = fmt::format("blk.{}.", layer);
        Matrix normed = Normed(prefix + "ffn_norm.weight");
        Matrix gate = Project(prefix + "ffn_gate", normed, c_.feed_forward_width, false);
        Matrix up = Project(prefix + "ffn_up", normed, c_.feed_forward_width, false);
        for (size_t i = 0; i < gate.values.size(); ++i)
            gate.values[i] = Activate(gate.values[i], c_.activation) * up.values[i];
        AddNormed(Project(prefix + "ffn_down", gate, c_.width, false),
                  prefix + "post_ffw_norm.weight");
    }

    // Logits of up to 16 positions at a time, so that a long text needs little memory.
    void Logits(size_t first, const std::function<void(size_t, std::span<const float>)>& visit) {
        Matrix normed = Normed("output_norm.weight");
        for (size_t begin = first; begin < normed.count; begin += 16) {
            Matrix chunk(std::min<size_t>(16, normed.count - begin), c_.width);
            std::copy_n(normed.row(begin), chunk.values.size(), chunk.values.begin());
            Matrix logits =
                Project(c_.tied_head ? "token_embd" : "output", chunk, c_.vocab_size, false);
            for (size_t i = 0; i < logits.count && !error_; ++i) {
                if (c_.logit_softcap > 0)
                    for (size_t j = 0; j < logits.width; ++j)
                        logits.row(i)[j] =
                            c_.logit_softcap * std::tanh(logits.row(i)[j] / c_.logit_softcap);
                visit(begin + i, {logits.row(i), logits.width});
            }
        }
    }

    const std::optional<Error>& error() const { return error_; }

private:
    enum class Presence { kRequired, kOptional };

    const tensor::TensorView* Find(const std::string& name, size_t rows, size_t cols) {
        const tensor::TensorView* tensor = package_.FindTensor(name);
        if (!tensor || tensor->cols() != cols || tensor->rows() != rows) {
            if (!error_)
                error_ =
                    Error{Code::kInvalidArgument,
                          fmt::format("tensor {} is missing or not {} x {}", name, rows, cols), ""};
            return nullptr;
        }
        return tensor;
    }

    Vector Read(const std::string& name, size_t size, Presence presence) {
        if (presence == Presence::kOptional && !package_.FindTensor(name)) return {};
        const tensor::TensorView* tensor = Find(name, 1, size);
        Vector values(size);
        if (tensor) tensor::ReadRows(*tensor, 0, values);
        return values;
    }

    Vector ReadNorm(const std::string& name, size_t size) {
        Vector weight = Read(name, size, Presence::kRequired);
        if (c_.norm_weight_plus_one)
            for (float& w : weight) w += 1;
        return weight;
    }

    Matrix Normed(const std::string& name) {
        Vector weight = ReadNorm(name, c_.width);
        Matrix out(x_.count, x_.width);
        for (size_t t = 0; t < x_.count; ++t)
            RmsNorm(x_.row(t), weight, c_.norm_epsilon, out.row(t));
        return out;
    }

    Matrix Project(const std::string& name, const Matrix& input, size_t outputs, bool has_bias) {
        Matrix out(input.count, outputs);
        const tensor::TensorView* w = Find(name + ".weight", outputs, input.width);
        if (!w) return out;
        Vector bias =
            has_bias ? Read(name + ".bias", outputs, Presence::kRequired) : Vector(outputs, 0.0f);
        team_.Run([&](int worker) {
            Vector row(input.width);
            auto [begin, end] = platform::Share(outputs, worker, team_.size());
            for (size_t o = begin; o < end; ++o) {
                tensor::ReadRows(*w, o, row);
                for (size_t t = 0; t < input.count; ++t)
                    out.row(t)[o] = Dot(row.data(), input.row(t), input.width) + bias[o];
            }
        });
        return out;
    }

    // Norm of each head where the model has one, then its rotation.
    void Position(Matrix& heads, const std::string& norm_name, const RopeTable& rope) {
        Vector norm;
        if (c_.qk_norm) norm = ReadNorm(norm_name, c_.head_dim);
        for (size_t t = 0; t < heads.count; ++t)
            for (size_t h = 0; h < heads.width / c_.head_dim; ++h) {
                float* head = heads.row(t) + h * c_.head_dim;
                if (!norm.empty()) RmsNorm(head, norm, c_.norm_epsilon, head);
                Rotate(head, rope.Row(static_cast<uint32_t>(t)), rope.dims());
            }
    }

    void Rotate(float* head, const float* cos_sin, size_t dims) const {
        for (size_t i = 0; i < dims / 2; ++i) {
            bool interleaved = c_.rope_pairs == RopePairs::kInterleaved;
            float& a = head[interleaved ? 2 * i : i];
            float& b = head[interleaved ? 2 * i + 1 : i + dims / 2];
            float cosine = cos_sin[2 * i], sine = cos_sin[2 * i + 1];
            float rotated = a * cosine - b * sine;
            b = a * sine + b * cosine;
            a = rotated;
        }
    }

    void MixValues(uint32_t layer, size_t t, size_t h, const Matrix& q, const Matrix& k,
                   const Matrix& v, Matrix& mixed) const {
        const size_t dim = c_.head_dim;
        const size_t kv = h / (c_.head_count / c_.kv_head_count) * dim;
        size_t first = 0;
        if (c_.layer_slides[layer] && t + 1 > c_.sliding_window) first = t + 1 - c_.sliding_window;
        Vector scores(t + 1 - first);
        float highest = -INFINITY;
        for (size_t s = first; s <= t; ++s) {
            float score = Dot(q.row(t) + h * dim, k.row(s) + kv, dim) * c_.attention_scale;
            if (c_.attention_softcap > 0)
                score = c_.attention_softcap * std::tanh(score / c_.attention_softcap);
            scores[s - first] = score;
            highest = std::max(highest, score);
        }
        float sum = 0;
        for (float& score : scores) sum += score = std::exp(score - highest);
        float* out = mixed.row(t) + h * dim;
        for (size_t s = first; s <= t; ++s)
            for (size_t i = 0; i < dim; ++i) out[i] += scores[s - first] / sum * v.row(s)[kv + i];
    }

    void AddNormed(Matrix block, const std::string& post_norm_name) {
        if (c_.post_norms) {
            Vector weight = ReadNorm(post_norm_name, c_.width);
            for (size_t t = 0; t < block.count; ++t)
                RmsNorm(block.row(t), weight, c_.norm_epsilon, block.row(t));
        }
        for (size_t i = 0; i < x_.values.size(); ++i) x_.values[i] += block.values[i];
    }

    const modelfile::ModelPackage& package_;
    const ModelConfig& c_;
    std::span<const TokenId> tokens_;
    platform::Team& team_;
    std::optional<Error> error_;
    RopeTable rope_;
    RopeTable rope_local_;
    Matrix x_;  // the residual stream
};

}  // namespace

Result<ReferenceModel> ReferenceModel::Create(const modelfile::ModelPackage& package) {
    LATHE_TRY(ModelConfig config, ConfigFromPackage(package));
    return ReferenceModel(package, std::move(config));
}

Status ReferenceModel::Run(std::span<const TokenId> tokens, size_t first, platform::Team& team,
                           const std::function<void(size_t, std::span<const float>)>& visit) const {
    if (tokens.empty()) return {};
    Pass pass(*package_, config_, tokens, team);
    pass.Embed();
    for (uint32_t layer = 0; layer < config_.layer_count && !pass.error(); ++layer) {
        pass.Attention(layer);
        pass.FeedForward(layer);
    }
    if (!pass.error()) pass.Logits(first, visit);
    if (pass.error()) return std::unexpected(*pass.error());
    return {};
}

}  // namespace lathe::model
