// One byte for the kind, two for the group size, then a safetensors file with the tensors
// w.qweight, w.qzeros, w.scales and w.g_idx.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "compute/modelfile/packed_matrix_source.h"

namespace {

constexpr uint64_t kElementsMax = 1u << 20;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace lathe::modelfile;
    if (size < 3) return 0;
    Packing packing = {static_cast<PackingKind>(data[0] % 3),
                       static_cast<uint64_t>(data[1] | data[2] << 8)};
    auto file = Safetensors::Parse(std::as_bytes(std::span(data + 3, size - 3)), "fuzz");
    if (!file) return 0;
    PackedTensors tensors = {file->Find("w.qweight"), file->Find("w.qzeros"),
                             file->Find("w.scales"), file->Find("w.g_idx")};
    auto source = PackedMatrixSource::Create("w", tensors, packing);
    if (!source) {
        if (!source.error().message.starts_with("tensor 'w.")) std::abort();
        return 0;
    }
    if (source->rows() * source->cols() > kElementsMax) return 0;
    size_t row_bytes = lathe::tensor::RowBytes(source->type(), source->cols());
    std::vector<std::byte> all(row_bytes * source->rows()), last(row_bytes);
    source->CopyRows(0, all);
    source->CopyRows(source->rows() - 1, last);
    if (!std::ranges::equal(last, std::span(all).last(row_bytes))) std::abort();
    return 0;
}
