#include "compute/modelfile/hf_folder.h"

#include <map>

#include "compute/modelfile/printable.h"
#include "core/platform/files.h"

namespace lathe::modelfile {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kJsonBytesMax = 64u << 20;
constexpr uint64_t kTokenizerBytesMax = 256u << 20;
constexpr uint64_t kCardBytesMax = 4u << 20;
constexpr std::string_view kWeights = "model.safetensors";
constexpr std::string_view kIndex = "model.safetensors.index.json";

bool Exists(const fs::path& path) {
    std::error_code ignored;
    return fs::exists(path, ignored);
}

// "" if there is no such file.
Result<std::string> ReadIfThere(const fs::path& path, uint64_t bytes_max) {
    if (!Exists(path)) return std::string();
    return platform::ReadFile(path, bytes_max);
}

Result<Json> ParseObject(std::string_view text, const fs::path& path) {
    auto json = ParseJson(text);
    if (!json)
        return std::unexpected(WithContext(json.error(), path.string() + " (download it again)"));
    if (!json->is_object())
        return InvalidArgument("{}: not a JSON object; download it again", path.string());
    return json;
}

Result<Json> ReadObjectIfThere(const fs::path& path) {
    LATHE_TRY(std::string text, ReadIfThere(path, kJsonBytesMax));
    if (text.empty()) return Json::object();
    return ParseObject(text, path);
}

// What to say about a folder without config.json or weights.
std::string WhatElseIsThere(const fs::path& folder) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored))
        if (entry.path().extension() == ".gguf")
            return fmt::format("it holds {}: open that file instead",
                               entry.path().filename().string());
    if (Exists(folder / "pytorch_model.bin") || Exists(folder / "pytorch_model.bin.index.json"))
        return "it holds PyTorch checkpoints, which can run any code when read; convert the model "
               "to "
               "safetensors, or use a GGUF file of it";
    return "give the folder that holds config.json and model.safetensors, or a GGUF file";
}

std::string TemplateOf(const Json& tokenizer_config) {
    auto found = tokenizer_config.find("chat_template");
    if (found == tokenizer_config.end()) return "";
    if (found->is_string()) return found->get<std::string>();
    if (!found->is_array()) return "";
    for (const Json& named : *found) {
        if (!named.is_object()) continue;
        auto name = named.find("name");
        auto text = named.find("template");
        if (name != named.end() && *name == "default" && text != named.end() && text->is_string())
            return text->get<std::string>();
    }
    return "";
}

// The value of `license:` between the first two lines "---".
std::string LicenseOfCard(std::string_view card) {
    if (!card.starts_with("---\n")) return "";
    card.remove_prefix(4);
    while (!card.empty() && !card.starts_with("---")) {
        std::string_view line = card.substr(0, card.find('\n'));
        card.remove_prefix(std::min(card.size(), line.size() + 1));
        if (!line.starts_with("license:")) continue;
        line.remove_prefix(8);
        while (!line.empty() && (line.front() == ' ' || line.front() == '"')) line.remove_prefix(1);
        while (!line.empty() && std::string_view(" \"\r").contains(line.back()))
            line.remove_suffix(1);
        return Printable(line);
    }
    return "";
}

}  // namespace

Result<HfFolder> HfFolder::Open(const fs::path& path) {
    HfFolder folder;
    folder.path_ = path;
    if (!Exists(path / "config.json"))
        return MakeError(Code::kNotFound, "{}: there is no config.json in this folder; {}",
                         path.string(), WhatElseIsThere(path));
    LATHE_TRY(folder.config_, ReadObjectIfThere(path / "config.json"));
    LATHE_RETURN_IF_ERROR(folder.OpenWeights());
    LATHE_RETURN_IF_ERROR(folder.ReadTexts());
    return folder;
}

Status HfFolder::OpenWeights() {
    if (Exists(path_ / kWeights)) {
        LATHE_TRY(Safetensors file, Safetensors::Open(path_ / kWeights));
        weight_file_bytes_ = file.file_bytes();
        files_.push_back(std::move(file));
        for (const SafetensorsEntry& entry : files_[0].entries()) entries_.push_back(&entry);
        return {};
    }
    if (!Exists(path_ / kIndex))
        return MakeError(Code::kNotFound, "{}: there is no {} and no {} in this folder; {}",
                         path_.string(), kWeights, kIndex, WhatElseIsThere(path_));
    LATHE_TRY(Json index, ReadObjectIfThere(path_ / kIndex));
    auto weight_map = index.find("weight_map");
    if (weight_map == index.end() || !weight_map->is_object())
        return InvalidArgument("{}: \"weight_map\" is missing; download it again",
                               (path_ / kIndex).string());
    return OpenShards(*weight_map);
}

Status HfFolder::OpenShards(const Json& weight_map) {
    std::string index = (path_ / kIndex).string();
    std::map<std::string, size_t> shards;  // into files_
    for (const auto& [tensor, value] : weight_map.items()) {
        std::string file = value.is_string() ? value.get<std::string>() : "";
        if (file.empty() || fs::path(file).filename() != file || file == "." || file == "..")
            return InvalidArgument(
                "{}: tensor '{}' is not in a file of this folder; download it again", index,
                Printable(tensor));
        shards.emplace(file, 0);
    }
    if (shards.size() > kShardsMax)
        return InvalidArgument("{}: names {} files, more than the limit of {}", index,
                               shards.size(), kShardsMax);
    for (auto& [file, position] : shards) {
        position = files_.size();
        auto opened = Safetensors::Open(path_ / file);
        if (!opened)
            return std::unexpected(
                WithContext(opened.error(), fmt::format("a file that {} names", kIndex)));
        weight_file_bytes_ += opened->file_bytes();
        files_.push_back(std::move(*opened));
    }
    for (const auto& [tensor, value] : weight_map.items()) {
        const SafetensorsEntry* entry = files_[shards.at(value.get<std::string>())].Find(tensor);
        if (!entry)
            return InvalidArgument("{}: tensor '{}' is not in {}; download both again", index,
                                   Printable(tensor), Printable(value.get<std::string>()));
        entries_.push_back(entry);
    }
    return {};
}

Status HfFolder::ReadTexts() {
    LATHE_TRY(generation_config_, ReadObjectIfThere(path_ / "generation_config.json"));
    LATHE_TRY(tokenizer_json_, ReadIfThere(path_ / "tokenizer.json", kTokenizerBytesMax));
    LATHE_TRY(tokenizer_config_json_, ReadIfThere(path_ / "tokenizer_config.json", kJsonBytesMax));
    tokenizer_config_ = Json::object();
    if (!tokenizer_config_json_.empty()) {
        LATHE_TRY(tokenizer_config_,
                  ParseObject(tokenizer_config_json_, path_ / "tokenizer_config.json"));
    }
    LATHE_TRY(chat_template_, ReadIfThere(path_ / "chat_template.jinja", kJsonBytesMax));
    if (chat_template_.empty()) chat_template_ = TemplateOf(tokenizer_config_);
    if (auto card = ReadIfThere(path_ / "README.md", kCardBytesMax))
        license_ = LicenseOfCard(*card);
    return {};
}

void HfFolder::DropPages(std::span<const std::byte> data) const {
    for (const Safetensors& file : files_)
        if (file.DropPages(data)) return;
}

}  // namespace lathe::modelfile
