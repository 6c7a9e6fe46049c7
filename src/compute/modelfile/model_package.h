#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "compute/modelfile/gguf.h"
#include "compute/tensor/tensor_view.h"
#include "core/base/result.h"

namespace lathe::modelfile {

// A model as it is published: a GGUF file, with tensors under canonical names, which
// are GGUF's ("blk.0.attn_q.weight"). Views live as long as the object, also when it
// is moved. Const-safe.
class ModelPackage {
public:
    // Errors name the path, what is wrong and what to do.
    static Result<ModelPackage> Open(const std::filesystem::path& path,
                                     UnsupportedTypes unsupported = UnsupportedTypes::kRefuse);

    const std::filesystem::path& path() const { return gguf_->path(); }
    const Gguf* gguf() const { return gguf_ ? &*gguf_ : nullptr; }

    std::span<const tensor::TensorView> tensors() const { return gguf_->tensors(); }
    const tensor::TensorView* FindTensor(std::string_view name) const {
        return gguf_->FindTensor(name);
    }
    void DropPages(const tensor::TensorView& view) const { gguf_->DropPages(view); }

    std::string ChatTemplateSource() const;  // "" if the model has none
    std::string name() const;
    std::string license() const;  // "" if not stated

private:
    std::optional<Gguf> gguf_;
};

}  // namespace lathe::modelfile
