#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "compute/modelfile/safetensors.h"
#include "core/base/result.h"
#include "core/json/json.h"

namespace lathe::modelfile {

// A model folder as Hugging Face publishes it: config.json; weights in
// model.safetensors or in the files named by model.safetensors.index.json;
// tokenizer.json; optionally tokenizer_config.json, generation_config.json,
// chat_template.jinja. No other file is read, and none outside the folder.
//
// Const-safe.
class HfFolder {
public:
    static constexpr size_t kShardsMax = 1024;

    // Errors name the file, what is wrong and what to do.
    static Result<HfFolder> Open(const std::filesystem::path& path);

    const std::filesystem::path& path() const { return path_; }
    const Json& config() const { return config_; }
    // {} if there is none.
    const Json& generation_config() const { return generation_config_; }
    const Json& tokenizer_config() const { return tokenizer_config_; }
    // Text for tokenizer::Tokenizer::FromHuggingFace; "" if there is none.
    const std::string& tokenizer_json() const { return tokenizer_json_; }
    const std::string& tokenizer_config_json() const { return tokenizer_config_json_; }
    // chat_template.jinja, else the (default) template of tokenizer_config.json; "" if none.
    const std::string& chat_template() const { return chat_template_; }
    // "license:" of the model card's head (README.md); "" if not stated.
    const std::string& license() const { return license_; }

    // Of all files, under the folder's own names.
    std::span<const SafetensorsEntry* const> entries() const { return entries_; }
    uint64_t weight_file_bytes() const { return weight_file_bytes_; }

    void DropPages(std::span<const std::byte> data) const;

private:
    HfFolder() = default;
    Status OpenWeights();
    Status OpenShards(const Json& weight_map);
    Status ReadTexts();

    std::filesystem::path path_;
    Json config_;
    Json generation_config_;
    Json tokenizer_config_;
    std::string tokenizer_json_;
    std::string tokenizer_config_json_;
    std::string chat_template_;
    std::string license_;
    std::vector<Safetensors> files_;
    std::vector<const SafetensorsEntry*> entries_;
    uint64_t weight_file_bytes_ = 0;
};

}  // namespace lathe::modelfile
