#include "compute/kernels/packed_matrix.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "compute/kernels/layout.h"
#include "compute/kernels/pack_types.h"
#include "core/base/check.h"

namespace lathe::kernels {
namespace {

constexpr size_t kRows = PackedMatrix::kPanelRows;

// Writes the planes of a block (layout.h) from the codes of its rows.
void WriteCodes(PackedMatrix::Codes codes, const FileBlock* rows, size_t first_column,
                uint8_t* out) {
    uint8_t lanes[kGroups][kPlaneBytes];
    for (size_t row = 0; row < kRows; ++row)
        for (size_t group = 0; group < kGroups; ++group)
            std::memcpy(&lanes[group][row * 4], rows[row].codes + first_column + group * 4, 4);

    size_t bits = CodeBits(codes);
    if (bits == 8) {
        std::memcpy(out, lanes, sizeof lanes);
        return;
    }
    size_t low_bits = bits >= 4 ? 4 : 2;
    auto write_pairs = [&](size_t shift) {
        for (size_t plane = 0; plane < 2; ++plane, out += kPlaneBytes)
            for (size_t i = 0; i < kPlaneBytes; ++i) {
                unsigned byte = 0;
                for (size_t t = 0; t < 4; ++t)
                    byte |= (lanes[4 * plane + t][i] >> shift & 3u) << (2 * t);
                out[i] = static_cast<uint8_t>(byte);
            }
    };
    if (low_bits == 4) {
        for (size_t plane = 0; plane < 4; ++plane, out += kPlaneBytes)
            for (size_t i = 0; i < kPlaneBytes; ++i)
                out[i] =
                    static_cast<uint8_t>((lanes[plane][i] & 15) | (lanes[plane + 4][i] & 15) << 4);
    } else {
        write_pairs(0);
    }
    if (bits == 6) write_pairs(4);
    if (bits == 5 || bits == 3)
        for (size_t i = 0; i < kPlaneBytes; ++i) {
            unsigned byte = 0;
            for (size_t group = 0; group < kGroups; ++group)
                byte |= (lanes[group][i] >> low_bits & 1u) << group;
            out[i] = static_cast<uint8_t>(byte);
        }
}

// The code of `column` of the block at `planes`, for the row of lanes `lane`...+3.
unsigned ReadCode(size_t bits, const uint8_t* planes, size_t row, size_t column) {
    size_t group = column / 4;
    size_t lane = row * 4 + column % 4;
    auto byte = [&](size_t plane) { return unsigned{planes[plane * kPlaneBytes + lane]}; };
    auto pair = [&](size_t first) { return byte(first + group / 4) >> (2 * (group % 4)) & 3; };
    auto nibble = [&] { return byte(group % 4) >> (4 * (group / 4)) & 15; };
    switch (bits) {
        case 2:
            return pair(0);
        case 3:
            return pair(0) | (byte(2) >> group & 1) << 2;
        case 4:
            return nibble();
        case 5:
            return nibble() | (byte(4) >> group & 1) << 4;
        case 6:
            return nibble() | pair(4) << 4;
        default:
            return byte(group);
    }
}

void WriteHalf(std::byte* at, size_t index, uint16_t value) {
    std::memcpy(at + 2 * index, &value, sizeof value);
}

uint16_t ReadHalf(const std::byte* at, size_t index) {
    uint16_t value;
    std::memcpy(&value, at + 2 * index, sizeof value);
    return value;
}

// Writes the scales of file block `index` (32 or 256 columns) of a panel.
void WriteScales(PackedMatrix::Scales scales, const FileBlock* rows, size_t index,
                 std::byte* area) {
    using Scales = PackedMatrix::Scales;
    bool offset = HasOffset(scales);
    size_t bytes = scales == Scales::kHalf         ? 32
                   : scales == Scales::kHalfOffset ? 64
                   : offset                        ? kSuperOffsetBytes
                                                   : kSuperBytes;
    std::byte* out = area + index * bytes;
    for (size_t row = 0; row < kRows; ++row) {
        WriteHalf(out, row, rows[row].step);
        if (offset) WriteHalf(out + 32, row, rows[row].offset);
    }
    if (scales == Scales::kHalf || scales == Scales::kHalfOffset) return;
    auto* subs = reinterpret_cast<uint8_t*>(out + (offset ? 64 : 32));
    for (size_t i = 0; i < kSuperBlocks * 32; ++i) {
        const FileBlock& row = rows[i % kRows];
        size_t sixteenth = i / kRows;  // of the 256 columns, or 2 * block + (step | offset)
        if (scales == Scales::kSuper16)
            subs[i] = row.sub_steps[sixteenth];
        else if (scales == Scales::kSuperOffset16)
            subs[i] =
                static_cast<uint8_t>(row.sub_steps[sixteenth] | row.sub_offsets[sixteenth] << 4);
        else
            subs[i] =
                sixteenth % 2 == 0 ? row.sub_steps[sixteenth / 2] : row.sub_offsets[sixteenth / 2];
    }
}

struct StepAndOffset {
    float step;
    float offset;
};

// Of `row` in the 16 columns from 16 * `sixteenth` on.
StepAndOffset ReadScale(PackedMatrix::Scales scales, const std::byte* area, size_t row,
                        size_t sixteenth) {
    using Scales = PackedMatrix::Scales;
    size_t block = sixteenth / 2;
    auto half = [&](const std::byte* at) { return tensor::F16ToF32(ReadHalf(at, row)); };
    if (scales == Scales::kHalf) return {half(area + block * 32), 0};
    if (scales == Scales::kHalfOffset)
        return {half(area + block * 64), half(area + block * 64 + 32)};
    bool offset = HasOffset(scales);
    const std::byte* super =
        area + block / kSuperBlocks * (offset ? kSuperOffsetBytes : kSuperBytes);
    const auto* subs = reinterpret_cast<const uint8_t*>(super + (offset ? 64 : 32)) +
                       block % kSuperBlocks * 32 + row;
    if (scales == Scales::kSuper16)
        return {half(super) * static_cast<float>(static_cast<int8_t>(subs[sixteenth % 2 * 16])), 0};
    if (scales == Scales::kSuperOffset16) {
        uint8_t sub = subs[sixteenth % 2 * 16];
        return {half(super) * static_cast<float>(sub & 15),
                half(super + 32) * static_cast<float>(sub >> 4)};
    }
    return {half(super) * static_cast<float>(subs[0]),
            half(super + 32) * static_cast<float>(subs[16])};
}

// A plain panel is [cols][16] elements.
void PackPlainPanel(size_t element_bytes, size_t cols, size_t row_count, const std::byte* rows,
                    std::byte* out) {
    for (size_t row = 0; row < row_count; ++row)
        for (size_t column = 0; column < cols; ++column)
            std::memcpy(out + (column * kRows + row) * element_bytes,
                        rows + (row * cols + column) * element_bytes, element_bytes);
    for (size_t row = row_count; row < kRows; ++row)
        for (size_t column = 0; column < cols; ++column)
            std::memset(out + (column * kRows + row) * element_bytes, 0, element_bytes);
}

}  // namespace

PackedMatrix PackedMatrix::Allocate(tensor::DType type, size_t rows, size_t cols) {
    LATHE_CHECK(cols % tensor::Info(type).block_size == 0);
    PackedMatrix matrix;
    matrix.rows_ = rows;
    matrix.cols_ = cols;
    matrix.type_ = type;
    matrix.format_ = FormatOf(type);
    PanelBytes bytes = PanelBytesOf(matrix.format_, cols);
    matrix.codes_offset_ = bytes.scales;
    matrix.panel_bytes_ = bytes.scales + bytes.codes;
    matrix.storage_ = platform::HugeMemory::Allocate(std::max<size_t>(64, matrix.bytes()));
    return matrix;
}

PackedMatrix PackedMatrix::Pack(tensor::DType type, size_t rows, size_t cols,
                                const std::byte* data) {
    PackedMatrix matrix = Allocate(type, rows, cols);
    matrix.PackPanels({0, matrix.panel_count()}, data);
    return matrix;
}

void PackedMatrix::PackPanels(PanelRange panels, const std::byte* data) {
    LATHE_CHECK(panels.begin <= panels.end && panels.end <= panel_count());
    const tensor::DTypeInfo& info = tensor::Info(type_);
    size_t row_bytes = tensor::RowBytes(type_, cols_);
    FileBlock blocks[kRows];
    for (size_t panel = panels.begin; panel < panels.end; ++panel) {
        std::byte* scales = storage_.data() + panel * panel_bytes_;
        std::byte* codes = scales + codes_offset_;
        size_t row_count = std::min(kRows, rows_ - panel * kRows);
        const std::byte* rows = data + panel * kRows * row_bytes;
        if (!quantized()) {
            PackPlainPanel(info.block_bytes, cols_, row_count, rows, codes);
            continue;
        }
        for (size_t row = row_count; row < kRows; ++row) blocks[row] = {};
        size_t block_bytes = CodeBits(format_.codes) * kPlaneBytes;
        auto* planes = reinterpret_cast<uint8_t*>(codes);
        for (size_t index = 0; index < cols_ / info.block_size; ++index) {
            for (size_t row = 0; row < row_count; ++row)
                ReadFileBlock(type_, rows + row * row_bytes + index * info.block_bytes,
                              blocks[row]);
            WriteScales(format_.scales, blocks, index, scales);
            for (size_t column = 0; column < info.block_size; column += PackedMatrix::kBlock) {
                WriteCodes(format_.codes, blocks, column, planes);
                planes += block_bytes;
            }
        }
    }
}

void PackedMatrix::ExpandRow(size_t row, std::span<float> out) const {
    LATHE_CHECK(row < rows_ && out.size() == cols_);
    size_t lane = row % kRows;
    const std::byte* scales = panel_scales(row / kRows);
    const std::byte* codes = panel_codes(row / kRows);
    if (!quantized()) {
        size_t bytes = tensor::Info(type_).block_bytes;
        for (size_t column = 0; column < cols_; ++column)
            tensor::Dequantize(type_, codes + (column * kRows + lane) * bytes,
                               out.subspan(column, 1));
        return;
    }
    size_t bits = CodeBits(format_.codes);
    bool offset = HasOffset(format_.scales);
    for (size_t sixteenth = 0; sixteenth < cols_ / 16; ++sixteenth) {
        StepAndOffset scale = ReadScale(format_.scales, scales, lane, sixteenth);
        const auto* planes =
            reinterpret_cast<const uint8_t*>(codes) + sixteenth / 2 * bits * kPlaneBytes;
        for (size_t i = 0; i < 16; ++i) {
            int code = static_cast<int>(ReadCode(bits, planes, lane, sixteenth % 2 * 16 + i));
            float value = scale.step * static_cast<float>(code - format_.zero);
            // The product is exact in every type with an offset, so one rounding remains.
            out[sixteenth * 16 + i] = offset ? value + scale.offset : value;
        }
    }
}

}  // namespace lathe::kernels
