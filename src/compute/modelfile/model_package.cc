#include "compute/modelfile/model_package.h"

#include "compute/modelfile/hf_names.h"
#include "compute/modelfile/printable.h"

namespace lathe::modelfile {
namespace {

HfNorms NormsOf(const Json& config) {
    auto type = config.find("model_type");
    bool gemma = type != config.end() && type->is_string() &&
                 type->get_ref<const std::string&>().starts_with("gemma");
    return gemma ? HfNorms::kFour : HfNorms::kTwo;
}

// Which tensor of a packed matrix it is, by the end of its name.
std::optional<const SafetensorsEntry * PackedTensors::*> PartOfPacked(std::string_view name) {
    if (name.ends_with(".qweight")) return &PackedTensors::qweight;
    if (name.ends_with(".qzeros")) return &PackedTensors::qzeros;
    if (name.ends_with(".scales")) return &PackedTensors::scales;
    if (name.ends_with(".g_idx")) return &PackedTensors::g_idx;
    return std::nullopt;
}

// GGUF's keys for sampling defaults and Hugging Face's names of them.
constexpr std::pair<std::string_view, const char*> kSamplingKeys[] = {
    {"general.sampling.temp", "temperature"},
    {"general.sampling.top_k", "top_k"},
    {"general.sampling.top_p", "top_p"},
    {"general.sampling.min_p", "min_p"},
    {"general.sampling.penalty_repeat", "repetition_penalty"},
};

}  // namespace

Result<ModelPackage> ModelPackage::Open(const std::filesystem::path& path,
                                        UnsupportedTypes unsupported) {
    ModelPackage package;
    package.path_ = path;
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) {
        LATHE_TRY(HfFolder folder, HfFolder::Open(path));
        LATHE_RETURN_IF_ERROR(package.AdoptFolder(std::move(folder), unsupported));
        return package;
    }
    LATHE_TRY(Gguf file, Gguf::Open(path, unsupported));
    package.gguf_ = std::make_unique<Gguf>(std::move(file));
    return package;
}

Status ModelPackage::AdoptFolder(HfFolder folder, UnsupportedTypes unsupported) {
    hf_ = std::make_unique<HfFolder>(std::move(folder));
    auto packing = PackingOf(hf_->config());
    if (!packing && unsupported == UnsupportedTypes::kRefuse)
        return std::unexpected(WithContext(packing.error(), path_.string()));
    bool packed = packing && packing->has_value();
    if (packed)
        if (Status status = AdoptPacked(**packing); !status) {
            if (unsupported == UnsupportedTypes::kRefuse)
                return std::unexpected(WithContext(status.error(), path_.string()));
            // Shown as they are instead.
            packed = false;
            packed_.clear();
            tensors_.clear();
        }
    for (const SafetensorsEntry* entry : hf_->entries())
        if (!packed || !PartOfPacked(entry->name))
            LATHE_RETURN_IF_ERROR(AdoptEntry(*entry, unsupported));
    for (size_t i = 0; i < tensors_.size(); ++i)
        if (!index_.emplace(tensors_[i].name, i).second)
            return InvalidArgument("{}: two tensors mean '{}'; download the model again",
                                   path_.string(), Printable(tensors_[i].name));
    return {};
}

Status ModelPackage::AdoptPacked(const Packing& packing) {
    std::map<std::string, PackedTensors> matrices;  // by the matrix' name
    for (const SafetensorsEntry* entry : hf_->entries())
        if (auto part = PartOfPacked(entry->name))
            matrices[entry->name.substr(0, entry->name.rfind('.'))].*(*part) = entry;
    for (const auto& [name, tensors] : matrices) {
        LATHE_TRY(PackedMatrixSource source, PackedMatrixSource::Create(name, tensors, packing));
        auto& made = packed_.emplace_back(std::make_unique<PackedMatrixSource>(std::move(source)));
        std::string weight = name + ".weight";
        std::optional<std::string> canonical = CanonicalTensorName(weight, NormsOf(hf_->config()));
        tensors_.push_back({.name = canonical ? *canonical : weight,
                            .type = made->type(),
                            .shape = {made->rows(), made->cols()},
                            .data = {},
                            .source = made.get()});
    }
    return {};
}

Status ModelPackage::AdoptEntry(const SafetensorsEntry& entry, UnsupportedTypes unsupported) {
    std::optional<std::string> canonical = CanonicalTensorName(entry.name, NormsOf(hf_->config()));
    std::string name = canonical ? *canonical : entry.name;
    if (entry.type) {
        tensors_.push_back({.name = std::move(name),
                            .type = *entry.type,
                            .shape = entry.shape,
                            .data = entry.data});
        return {};
    }
    if (canonical && unsupported == UnsupportedTypes::kRefuse)
        return MakeError(Code::kUnimplemented,
                         "{}: tensor '{}' has type {}, which is not supported; use the original "
                         "weights in F32, F16 or BF16, or a GGUF file of the model",
                         path_.string(), Printable(entry.name), Printable(entry.type_name));
    unsupported_.push_back({std::move(name), entry.type_name, entry.shape, entry.data.size()});
    return {};
}

std::span<const tensor::TensorView> ModelPackage::tensors() const {
    return gguf_ ? gguf_->tensors() : std::span<const tensor::TensorView>(tensors_);
}

const tensor::TensorView* ModelPackage::FindTensor(std::string_view name) const {
    if (gguf_) return gguf_->FindTensor(name);
    auto found = index_.find(name);
    return found == index_.end() ? nullptr : &tensors_[found->second];
}

std::span<const GgufUnsupportedTensor> ModelPackage::unsupported_tensors() const {
    return gguf_ ? gguf_->unsupported_tensors()
                 : std::span<const GgufUnsupportedTensor>(unsupported_);
}

uint64_t ModelPackage::file_bytes() const {
    return gguf_ ? gguf_->file_bytes() : hf_->weight_file_bytes();
}

void ModelPackage::DropPages(const tensor::TensorView& view) const {
    if (gguf_) return gguf_->DropPages(view);
    if (view.source == nullptr) return hf_->DropPages(view.data);
    for (const auto& packed : packed_)
        if (packed.get() == view.source) hf_->DropPages(packed->codes());
}

std::string ModelPackage::name() const {
    if (!gguf_) {
        std::filesystem::path folder = std::filesystem::absolute(path_).lexically_normal();
        if (!folder.has_filename()) folder = folder.parent_path();  // written with a slash
        return folder.filename().string();
    }
    auto name = gguf_->GetString("general.name");
    return name && !name->empty() ? Printable(*name) : path_.stem().string();
}

std::string ModelPackage::license() const {
    if (!gguf_) return hf_->license();
    return Printable(gguf_->GetString("general.license").value_or(""));
}

std::string ModelPackage::ChatTemplateSource() const {
    if (!gguf_) return hf_->chat_template();
    return std::string(gguf_->GetString("tokenizer.chat_template").value_or(""));
}

Json ModelPackage::GenerationConfig() const {
    if (!gguf_) return hf_->generation_config();
    Json config = Json::object();
    for (const auto& [key, name] : kSamplingKeys) {
        if (auto value = gguf_->GetUnsigned(key)) {
            config[name] = *value;
        } else if (auto real = gguf_->GetReal(key)) {
            config[name] = *real;
        }
    }
    return config;
}

}  // namespace lathe::modelfile
