#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compute/modelfile/gguf.h"
#include "compute/modelfile/hf_folder.h"
#include "compute/modelfile/packed_matrix_source.h"
#include "compute/tensor/tensor_view.h"
#include "core/base/result.h"
#include "core/json/json.h"

namespace lathe::modelfile {

// A model as it is published, whichever format it comes in: a GGUF file or a Hugging
// Face folder. Tensors go by canonical names, which are GGUF's ("blk.0.attn_q.weight").
// What the formats mean differently (the order of query and key rows, the 1 that
// Gemma's norms add) is told by model::ModelConfig.
//
// Views live as long as the object, also when it is moved. Const-safe.
class ModelPackage {
public:
    // Errors name the path, what is wrong and what to do. kRefuse also refuses a
    // folder whose language model has tensors of types other than F32, F16 and BF16, but
    // those of a GPTQ or AWQ checkpoint, whose matrices are made when they are read
    // (packed_matrix_source.h).
    static Result<ModelPackage> Open(const std::filesystem::path& path,
                                     UnsupportedTypes unsupported = UnsupportedTypes::kRefuse);

    const std::filesystem::path& path() const { return path_; }
    // Exactly one of the two is not null.
    const Gguf* gguf() const { return gguf_.get(); }
    const HfFolder* hf() const { return hf_.get(); }

    // Tensors of a folder that are no part of the language model keep their own names.
    std::span<const tensor::TensorView> tensors() const;
    const tensor::TensorView* FindTensor(std::string_view name) const;  // nullptr if absent
    std::span<const GgufUnsupportedTensor> unsupported_tensors() const;
    uint64_t file_bytes() const;  // of the weights' files

    // Lets the kernel drop the pages of a tensor that has been copied elsewhere.
    void DropPages(const tensor::TensorView& view) const;

    std::string name() const;
    std::string license() const;             // "" if not stated
    std::string ChatTemplateSource() const;  // "" if the model has none

    // Sampling defaults under Hugging Face's names (temperature, top_k, top_p, min_p,
    // repetition_penalty, eos_token_id, ...); {} if the model states none.
    Json GenerationConfig() const;

private:
    ModelPackage() = default;
    Status AdoptFolder(HfFolder folder, UnsupportedTypes unsupported);
    Status AdoptPacked(const Packing& packing);
    Status AdoptEntry(const SafetensorsEntry& entry, UnsupportedTypes unsupported);

    std::filesystem::path path_;
    std::unique_ptr<Gguf> gguf_;
    std::unique_ptr<HfFolder> hf_;
    // Of a folder:
    std::vector<std::unique_ptr<PackedMatrixSource>> packed_;
    std::vector<tensor::TensorView> tensors_;
    std::map<std::string_view, size_t> index_;  // into tensors_
    std::vector<GgufUnsupportedTensor> unsupported_;
};

}  // namespace lathe::modelfile
