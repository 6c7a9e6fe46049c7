#include "compute/tensor/tensor_view.h"

#include <algorithm>

namespace lathe::tensor {

void CopyRows(const TensorView& view, uint64_t first, std::span<std::byte> out) {
    if (view.source != nullptr) return view.source->CopyRows(first, out);
    std::ranges::copy(view.data.subspan(first * RowBytes(view.type, view.cols()), out.size()),
                      out.begin());
}

void ReadRows(const TensorView& view, uint64_t first, std::span<float> out) {
    size_t row_bytes = RowBytes(view.type, view.cols());
    if (view.source == nullptr)
        return Dequantize(view.type, view.data.data() + first * row_bytes, out);
    std::vector<std::byte> blocks(row_bytes * (out.size() / view.cols()));
    view.source->CopyRows(first, blocks);
    Dequantize(view.type, blocks.data(), out);
}

}  // namespace lathe::tensor
