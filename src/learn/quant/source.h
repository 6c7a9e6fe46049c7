#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "compute/modelfile/gguf_writer.h"
#include "compute/modelfile/model_package.h"
#include "core/base/result.h"
#include "learn/quant/mix.h"

namespace lathe::quant {

// A tensor as it is going to stand in a GGUF file, and where its values come from.
struct SourceTensor {
    std::string name;
    std::vector<uint64_t> shape;  // outermost first
    tensor::DType type = tensor::DType::kF32;
    const tensor::TensorView* view = nullptr;  // null: `values`
    std::vector<float> values;
    uint32_t interleaved_head = 0;  // rows of a head whose halves are interleaved; 0: as they are
    float addend = 0;

    uint64_t cols() const { return shape.back(); }
    uint64_t rows() const;
    // Row of `view` that is row `row` here.
    uint64_t SourceRow(uint64_t row) const;
    // Its rows may be copied as they are, if in another order.
    bool keeps_bytes() const { return view != nullptr && addend == 0; }
};

// A model seen as the GGUF file it would be: metadata, tokenizer and tensors, whichever
// format it comes in. Folders of Hugging Face are converted as llama.cpp's files are: query
// and key rows of Llama interleaved, 1 added to Gemma's norms, Llama 3's frequency factors
// as a tensor.
//
// Borrows the package. ReadRows and DropRows are thread-safe, the rest is const.
class Source {
public:
    // Errors: what the engine does not support in a folder, or a GGUF file cannot say.
    static Result<Source> Create(const modelfile::ModelPackage& package);

    const modelfile::ModelPackage& package() const { return *package_; }
    const modelfile::GgufMetadata& metadata() const { return metadata_; }
    std::span<const SourceTensor> tensors() const { return tensors_; }
    const MixModel& mix_model() const { return mix_model_; }
    // Types of matrices that have been quantized before, "Q4_K, Q6_K"; "" if there are none.
    std::string QuantizedTypes() const;

    // Rows [first, first + out.size() / cols) of a tensor as floats.
    void ReadRows(const SourceTensor& tensor, uint64_t first, std::span<float> out) const;
    // Rows [first, first + count) as blocks of its type: the file's own bytes, or made in
    // `buffer`. Requires: keeps_bytes().
    std::span<const std::byte> RowBytes(const SourceTensor& tensor, uint64_t first, uint64_t count,
                                        std::vector<std::byte>& buffer) const;
    // Lets the system take back the memory of rows that have been read.
    void DropRows(const SourceTensor& tensor, uint64_t first, uint64_t count) const;

private:
    explicit Source(const modelfile::ModelPackage& package) : package_(&package) {}
    void AdoptGguf(const modelfile::Gguf& file);
    Status AdoptFolder(const modelfile::HfFolder& folder);

    const modelfile::ModelPackage* package_;
    modelfile::GgufMetadata metadata_;
    std::vector<SourceTensor> tensors_;
    MixModel mix_model_;
};

}  // namespace lathe::quant
