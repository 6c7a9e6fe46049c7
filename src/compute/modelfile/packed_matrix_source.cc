#include "compute/modelfile/packed_matrix_source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "compute/modelfile/printable.h"
#include "core/base/check.h"

namespace lathe::modelfile {
namespace {

using tensor::DType;

constexpr uint64_t kPerWord = 8;  // codes of four bits
constexpr uint64_t kBlock = 32;   // elements of Q4_0 and Q5_0
constexpr uint64_t kTileRows = 16;
constexpr uint32_t kSymmetricZero = 8;
// The nibble of a word that holds AWQ's output 8 c + k.
constexpr std::array<uint32_t, kPerWord> kAwqNibble = {0, 4, 1, 5, 2, 6, 3, 7};

uint32_t WordAt(std::span<const std::byte> words, uint64_t index) {
    uint32_t word;
    std::memcpy(&word, words.data() + index * sizeof word, sizeof word);
    return word;
}

Status CheckTensor(const std::string& name, const SafetensorsEntry* entry, std::string_view part,
                   const std::vector<uint64_t>& shape) {
    if (entry == nullptr)
        return InvalidArgument(
            "tensor '{}.{}' is missing; the checkpoint is incomplete, download it again",
            Printable(name), part);
    bool fits = part == "scales" ? entry->type.has_value() : entry->type_name == "I32";
    if (!fits)
        return MakeError(Code::kUnimplemented, "tensor '{}' has type {}, but {} is supported",
                         Printable(entry->name), Printable(entry->type_name),
                         part == "scales" ? "only F16, BF16 or F32" : "only I32");
    if (entry->shape != shape)
        return InvalidArgument(
            "tensor '{}' is [{}], but the packed weights and the group size in config.json need "
            "[{}]; the checkpoint is damaged, or its config.json is another model's",
            Printable(entry->name), fmt::join(entry->shape, ", "), fmt::join(shape, ", "));
    return {};
}

}  // namespace

// The codes of some neighbouring rows.
struct PackedMatrixSource::Tile {
    explicit Tile(uint64_t columns) : cols(columns), codes(kTileRows * columns) {}
    std::span<uint8_t> row(uint64_t r) { return std::span(codes).subspan(r * cols, cols); }

    uint64_t cols;
    uint64_t rows = 0;
    std::vector<uint8_t> codes;  // [kTileRows, cols]
};

Result<PackedMatrixSource> PackedMatrixSource::Create(const std::string& name,
                                                      const PackedTensors& tensors,
                                                      const Packing& packing) {
    PackedMatrixSource source;
    source.kind_ = packing.kind;
    LATHE_RETURN_IF_ERROR(source.AdoptCodes(name, tensors.qweight));
    LATHE_RETURN_IF_ERROR(source.AdoptGroups(name, tensors, packing.group_size));
    LATHE_RETURN_IF_ERROR(source.AdoptOrder(name, tensors.g_idx, packing.group_size));
    source.type_ = source.ChooseType();
    return source;
}

Status PackedMatrixSource::AdoptCodes(const std::string& name, const SafetensorsEntry* qweight) {
    if (qweight == nullptr) return CheckTensor(name, nullptr, "qweight", {});
    LATHE_RETURN_IF_ERROR(CheckTensor(name, qweight, "qweight", qweight->shape));
    const std::vector<uint64_t>& shape = qweight->shape;
    if (shape.size() != 2 || shape[0] == 0 || shape[1] == 0)
        return InvalidArgument("tensor '{}' is [{}], but packed weights have two dimensions",
                               Printable(qweight->name), fmt::join(shape, ", "));
    // Fits: the file has four bytes for each word.
    bool awq = kind_ == PackingKind::kAwq;
    inputs_ = awq ? shape[0] : shape[0] * kPerWord;
    outputs_ = awq ? shape[1] * kPerWord : shape[1];
    codes_ = qweight->data;
    if (outputs_ % kPerWord != 0)
        return InvalidArgument(
            "tensor '{}' is [{}], but the number of outputs must be a multiple of {}",
            Printable(qweight->name), fmt::join(shape, ", "), kPerWord);
    return {};
}

Status PackedMatrixSource::AdoptGroups(const std::string& name, const PackedTensors& tensors,
                                       uint64_t group_size) {
    uint64_t size = group_size == 0 ? inputs_ : group_size;
    groups_ = (inputs_ + size - 1) / size;
    LATHE_RETURN_IF_ERROR(
        CheckTensor(name, tensors.qzeros, "qzeros", {groups_, outputs_ / kPerWord}));
    LATHE_RETURN_IF_ERROR(CheckTensor(name, tensors.scales, "scales", {groups_, outputs_}));
    zeros_ = tensors.qzeros->data;
    scales_ = tensors.scales->data;
    scale_type_ = *tensors.scales->type;
    return {};
}

Status PackedMatrixSource::AdoptOrder(const std::string& name, const SafetensorsEntry* g_idx,
                                      uint64_t group_size) {
    group_of_.resize(inputs_);
    if (g_idx == nullptr) {
        for (uint64_t i = 0; i < inputs_; ++i)
            group_of_[i] = static_cast<uint32_t>(group_size == 0 ? 0 : i / group_size);
        return {};
    }
    LATHE_RETURN_IF_ERROR(CheckTensor(name, g_idx, "g_idx", {inputs_}));
    for (uint64_t i = 0; i < inputs_; ++i) {
        group_of_[i] = WordAt(g_idx->data, i);
        if (group_of_[i] >= groups_)
            return InvalidArgument(
                "tensor '{}' puts input {} into group {}, but there are {} groups; the checkpoint "
                "is damaged, download it again",
                Printable(g_idx->name), i, static_cast<int32_t>(group_of_[i]), groups_);
    }
    return {};
}

DType PackedMatrixSource::ChooseType() const {
    if (scale_type_ != DType::kF16)
        for (uint64_t g = 0; g < groups_; ++g)
            for (uint64_t o = 0; o < outputs_; ++o)
                if (tensor::F16ToF32(tensor::F32ToF16(Scale(g, o))) != Scale(g, o))
                    return DType::kF32;
    if (inputs_ % kBlock != 0) return DType::kF16;
    for (uint64_t i = 0; i < inputs_; ++i)
        if (group_of_[i] != group_of_[i - i % kBlock]) return DType::kF16;
    for (uint64_t g = 0; g < groups_; ++g)
        for (uint64_t o = 0; o < outputs_; ++o)
            if (ZeroPoint(g, o) != kSymmetricZero) return DType::kQ5_0;
    return DType::kQ4_0;
}

uint32_t PackedMatrixSource::ZeroPoint(uint64_t group, uint64_t output) const {
    uint32_t word = WordAt(zeros_, group * (outputs_ / kPerWord) + output / kPerWord);
    uint32_t place = static_cast<uint32_t>(output % kPerWord);
    if (kind_ == PackingKind::kAwq) place = kAwqNibble[place];
    uint32_t stored = word >> (4 * place) & 15;
    return kind_ == PackingKind::kGptq ? stored + 1 : stored;
}

float PackedMatrixSource::Scale(uint64_t group, uint64_t output) const {
    float scale;
    size_t bytes = tensor::Info(scale_type_).block_bytes;
    tensor::Dequantize(scale_type_, scales_.data() + (group * outputs_ + output) * bytes,
                       {&scale, 1});
    return scale;
}

// Words hold codes of several rows or lie a row of words apart: read for many rows at once.
void PackedMatrixSource::Unpack(uint64_t first, Tile& tile) const {
    if (kind_ == PackingKind::kAwq) {
        for (uint64_t i = 0; i < inputs_; ++i)
            for (uint64_t r = 0; r < tile.rows; ++r) {
                uint64_t output = first + r;
                uint32_t word = WordAt(codes_, i * (outputs_ / kPerWord) + output / kPerWord);
                tile.row(r)[i] =
                    static_cast<uint8_t>(word >> (4 * kAwqNibble[output % kPerWord]) & 15);
            }
        return;
    }
    for (uint64_t word_row = 0; word_row < inputs_ / kPerWord; ++word_row)
        for (uint64_t r = 0; r < tile.rows; ++r) {
            uint32_t word = WordAt(codes_, word_row * outputs_ + first + r);
            uint8_t* codes = tile.row(r).data() + word_row * kPerWord;
            for (uint64_t k = 0; k < kPerWord; ++k)
                codes[k] = static_cast<uint8_t>(word >> (4 * k) & 15);
        }
}

namespace {

// A block of Q4_0: codes as they are, for their zero point is 8 there too.
void EncodeQ4_0(std::span<const uint8_t> codes, std::byte* out) {
    for (uint64_t j = 0; j < kBlock / 2; ++j)
        out[2 + j] = static_cast<std::byte>(codes[j] | codes[j + kBlock / 2] << 4);
}

// A block of Q5_0, whose zero point is 16: code - zero + 16 is 0 to 31.
void EncodeQ5_0(std::span<const uint8_t> codes, uint32_t zero, std::byte* out) {
    uint32_t high = 0;
    std::array<uint32_t, kBlock> fives;
    for (uint64_t j = 0; j < kBlock; ++j) {
        fives[j] = codes[j] + 16u - zero;
        high |= (fives[j] >> 4) << j;
    }
    std::memcpy(out + 2, &high, sizeof high);
    for (uint64_t j = 0; j < kBlock / 2; ++j)
        out[6 + j] = static_cast<std::byte>((fives[j] & 15) | (fives[j + kBlock / 2] & 15) << 4);
}

}  // namespace

void PackedMatrixSource::ExpandRow(uint64_t output, std::span<const uint8_t> codes,
                                   std::byte* out) const {
    std::vector<float> scales(groups_), zeros(groups_);
    for (uint64_t g = 0; g < groups_; ++g) {
        scales[g] = Scale(g, output);
        zeros[g] = static_cast<float>(ZeroPoint(g, output));
    }
    for (uint64_t i = 0; i < inputs_; ++i) {
        float value = scales[group_of_[i]] * (static_cast<float>(codes[i]) - zeros[group_of_[i]]);
        if (type_ == DType::kF32) {
            std::memcpy(out + i * sizeof value, &value, sizeof value);
            continue;
        }
        uint16_t half = tensor::F32ToF16(value);
        std::memcpy(out + i * sizeof half, &half, sizeof half);
    }
}

void PackedMatrixSource::EncodeRow(uint64_t output, std::span<const uint8_t> codes,
                                   std::byte* out) const {
    if (type_ == DType::kF16 || type_ == DType::kF32) return ExpandRow(output, codes, out);
    size_t block_bytes = tensor::Info(type_).block_bytes;
    for (uint64_t i = 0; i < inputs_; i += kBlock, out += block_bytes) {
        uint16_t scale = tensor::F32ToF16(Scale(group_of_[i], output));
        std::memcpy(out, &scale, sizeof scale);
        if (type_ == DType::kQ4_0)
            EncodeQ4_0(codes.subspan(i, kBlock), out);
        else
            EncodeQ5_0(codes.subspan(i, kBlock), ZeroPoint(group_of_[i], output), out);
    }
}

void PackedMatrixSource::CopyRows(uint64_t first, std::span<std::byte> out) const {
    size_t row_bytes = tensor::RowBytes(type_, inputs_);
    LATHE_CHECK(out.size() % row_bytes == 0 && first + out.size() / row_bytes <= outputs_);
    uint64_t last = first + out.size() / row_bytes;
    Tile tile(inputs_);
    for (uint64_t begin = first; begin < last; begin += tile.rows) {
        tile.rows = std::min(kTileRows, last - begin);
        Unpack(begin, tile);
        for (uint64_t r = 0; r < tile.rows; ++r)
            EncodeRow(begin + r, tile.row(r), out.data() + (begin + r - first) * row_bytes);
    }
}

}  // namespace lathe::modelfile
