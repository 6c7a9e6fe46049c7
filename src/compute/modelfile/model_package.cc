#include "compute/modelfile/model_package.h"

namespace lathe::modelfile {

Result<ModelPackage> ModelPackage::Open(const std::filesystem::path& path,
                                        UnsupportedTypes unsupported) {
    ModelPackage package;
    LATHE_TRY(package.gguf_, Gguf::Open(path, unsupported));
    return package;
}

std::string ModelPackage::ChatTemplateSource() const {
    return std::string(gguf_->GetString("tokenizer.chat_template").value_or(""));
}

std::string ModelPackage::name() const {
    auto name = gguf_->GetString("general.name");
    return name && !name->empty() ? std::string(*name) : path().stem().string();
}

std::string ModelPackage::license() const {
    return std::string(gguf_->GetString("general.license").value_or(""));
}

}  // namespace lathe::modelfile
