#include "compute/tokenizer/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>

#include "compute/modelfile/model_package.h"
#include "compute/tokenizer/model.h"
#include "compute/tokenizer/utf8.h"
#include "core/base/check.h"

namespace lathe::tokenizer {

Tokenizer::Tokenizer(std::unique_ptr<Model> model) : model_(std::move(model)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Result<Tokenizer> Tokenizer::FromPackage(const modelfile::ModelPackage& package) {
    if (package.gguf() != nullptr) return FromGguf(*package.gguf());
    const modelfile::HfFolder& folder = *package.hf();
    if (folder.tokenizer_json().empty())
        return MakeError(Code::kNotFound,
                         "{}: there is no tokenizer.json in this folder; download it there",
                         package.path().string());
    auto tokenizer = FromHuggingFace(folder.tokenizer_json(), folder.tokenizer_config_json());
    if (!tokenizer)
        return std::unexpected(WithContext(std::move(tokenizer).error(), package.path().string()));
    const Json& generation = folder.generation_config();
    auto ends = generation.find("eos_token_id");
    if (ends == generation.end()) return tokenizer;
    for (const Json& end : ends->is_array() ? *ends : Json::array({*ends}))
        if (end.is_number_integer()) tokenizer->AddEndOfGeneration(end.get<TokenId>());
    return tokenizer;
}

void Tokenizer::AddEndOfGeneration(TokenId id) {
    auto& ends = model_->end_of_generation;
    auto at = std::lower_bound(ends.begin(), ends.end(), id);
    bool known = at != ends.end() && *at == id;
    if (model_->vocabulary.Has(id) && !known) ends.insert(at, id);
}

std::vector<TokenId> Tokenizer::Encode(std::string_view text, const EncodeOptions& options) const {
    LATHE_CHECK(text.size() <= kTextBytesMax);
    std::vector<TokenId> ids;
    ids.reserve(text.size() / 3 + model_->prefix.size() + model_->suffix.size());
    if (options.add_special) ids = model_->prefix;
    if (IsValidUtf8(text)) {
        model_->EncodeText(text, options.parse_special, ids);
    } else {
        std::string repaired;
        AppendRepaired(text, repaired);
        model_->EncodeText(repaired, options.parse_special, ids);
    }
    if (options.add_special) ids.insert(ids.end(), model_->suffix.begin(), model_->suffix.end());
    return ids;
}

std::string Tokenizer::TokenBytes(TokenId id) const {
    return std::string(model_->Bytes(id));
}

std::string Tokenizer::Decode(std::span<const TokenId> ids, bool keep_special) const {
    StreamDecoder decoder(*this, keep_special);
    std::string text;
    for (TokenId id : ids) text += decoder.Push(id);
    return text += decoder.Flush();
}

size_t Tokenizer::vocab_size() const {
    return model_->vocabulary.size();
}

bool Tokenizer::IsSpecial(TokenId id) const {
    if (!model_->vocabulary.Has(id)) return false;
    TokenKind kind = model_->vocabulary.Kind(id);
    return kind == TokenKind::kControl || kind == TokenKind::kUnknown;
}

std::optional<TokenId> Tokenizer::Find(std::string_view token_text) const {
    return model_->vocabulary.Find(token_text);
}

std::optional<TokenId> Tokenizer::bos() const {
    return model_->bos;
}

std::optional<TokenId> Tokenizer::eos() const {
    return model_->eos;
}

std::span<const TokenId> Tokenizer::end_of_generation() const {
    return model_->end_of_generation;
}

std::string Tokenizer::Describe() const {
    return fmt::format("{}, {} tokens", model_->description, vocab_size());
}

StreamDecoder::StreamDecoder(const Tokenizer& tokenizer, bool keep_special,
                             std::vector<TokenId> kept)
    : tokenizer_(&tokenizer), keep_special_(keep_special), kept_(std::move(kept)) {}

std::string StreamDecoder::Push(TokenId id) {
    if (!keep_special_ && tokenizer_->IsSpecial(id) && std::ranges::find(kept_, id) == kept_.end())
        return {};
    std::string_view bytes = tokenizer_->model_->Bytes(id);
    if (bytes.empty()) return {};
    if (at_start_ && tokenizer_->model_->decode.drop_first_space && bytes.front() == ' ')
        bytes.remove_prefix(1);
    at_start_ = false;
    held_ += bytes;
    size_t complete = WithoutIncompleteEnd(held_);
    std::string text;
    AppendRepaired(std::string_view(held_).substr(0, complete), text);
    held_.erase(0, complete);
    return text;
}

std::string StreamDecoder::Flush() {
    std::string text;
    AppendRepaired(held_, text);
    held_.clear();
    return text;
}

}  // namespace lathe::tokenizer
