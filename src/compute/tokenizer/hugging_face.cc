// Tokenizer::FromHuggingFace: tokenizer.json, and what tokenizer_config.json adds.
#include <algorithm>
#include <cmath>

#include "compute/tokenizer/end_markers.h"
#include "compute/tokenizer/hf_components.h"
#include "compute/tokenizer/model.h"
#include "compute/tokenizer/rank_bpe.h"
#include "compute/tokenizer/tokenizer.h"
#include "compute/tokenizer/unigram.h"

namespace lathe::tokenizer {
namespace {

// Texts by id, borrowed from the JSON; what no token claims is an unused id.
class TokenList {
public:
    Status Set(int64_t id, std::string_view text, TokenKind kind) {
        if (id < 0 || static_cast<uint64_t>(id) >= Vocabulary::kTokensMax)
            return InvalidArgument(
                "tokenizer.json: the token `{}` has the id {}; ids go from 0 to {}", text, id,
                Vocabulary::kTokensMax - 1);
        auto index = static_cast<size_t>(id);
        if (index >= texts_.size()) {
            texts_.resize(index + 1);
            kinds_.resize(index + 1, TokenKind::kUnused);
        }
        ++count_;
        texts_[index] = text;
        kinds_[index] = kind;
        return {};
    }

    Result<Vocabulary> Take() {
        if (texts_.size() > kGapsMax + 16 * count_)
            return InvalidArgument(
                "tokenizer.json: {} tokens have ids up to {}; that leaves too many ids unused",
                count_, texts_.size() - 1);
        return Vocabulary::Create(texts_, std::move(kinds_));
    }

private:
    static constexpr size_t kGapsMax = 65536;

    std::vector<std::string_view> texts_;
    std::vector<TokenKind> kinds_;
    size_t count_ = 0;
};

struct HfModel {
    const HfJson* json = nullptr;
    bool unigram = false;
    boost::unordered_flat_map<std::string_view, int64_t> ids;
    std::vector<double> scores;  // unigram, [id]
};

Status ReadUnigramVocabulary(const HfJson& list, HfModel& model, TokenList& tokens) {
    for (const HfJson& entry : list) {
        bool good = entry.is_array() && entry.size() == 2 && entry[0].is_string() &&
                    entry[1].is_number() && std::isfinite(entry[1].get<double>());
        if (!good)
            return InvalidArgument(
                "tokenizer.json: entry {} of the vocabulary is not a text and a score",
                model.scores.size());
        auto id = static_cast<int64_t>(model.scores.size());
        std::string_view text = entry[0].get_ref<const std::string&>();
        LATHE_RETURN_IF_ERROR(tokens.Set(id, text, TokenKind::kNormal));
        model.ids.emplace(text, id);
        model.scores.push_back(entry[1].get<double>());
    }
    return {};
}

Status ReadBpeVocabulary(const HfJson& vocabulary, HfModel& model, TokenList& tokens) {
    model.ids.reserve(vocabulary.size());
    for (const auto& [text, id] : vocabulary.items()) {
        if (!id.is_number_integer())
            return InvalidArgument("tokenizer.json: the id of the token `{}` is not an integer",
                                   text);
        LATHE_RETURN_IF_ERROR(tokens.Set(id.get<int64_t>(), text, TokenKind::kNormal));
        model.ids.emplace(text, id.get<int64_t>());
    }
    return {};
}

Result<HfModel> ReadModelVocabulary(const HfObject& root, TokenList& tokens) {
    HfModel model;
    LATHE_TRY(model.json, root.Get("model"));
    HfObject object(*model.json, "model");
    LATHE_TRY(const HfJson* vocabulary, object.Get("vocab"));
    // Files of early versions name no type.
    LATHE_TRY(std::string type,
              object.GetString("type", vocabulary->is_array() ? "Unigram" : "BPE"));
    if (type == "Unigram" && vocabulary->is_array()) {
        model.unigram = true;
        LATHE_RETURN_IF_ERROR(ReadUnigramVocabulary(*vocabulary, model, tokens));
        return model;
    }
    if (type == "BPE" && vocabulary->is_object() && object.Find("merges") != nullptr) {
        LATHE_RETURN_IF_ERROR(ReadBpeVocabulary(*vocabulary, model, tokens));
        return model;
    }
    if (type == "BPE" || type == "Unigram")
        return InvalidArgument(
            "tokenizer.json: the model of type {} lacks its vocabulary or merges", type);
    return MakeError(Code::kUnimplemented,
                     "tokenizer.json: the model `{}` is not supported; supported are BPE and "
                     "Unigram",
                     type);
}

Result<AddedToken> ReadAddedToken(const HfJson& json) {
    HfObject object(json, "added_tokens");
    AddedToken token;
    LATHE_TRY(token.content, object.GetString("content"));
    LATHE_TRY(int64_t id, object.GetInteger("id"));
    if (id < 0 || id > INT32_MAX)
        return InvalidArgument("tokenizer.json: the added token `{}` has the id {}", token.content,
                               id);
    token.id = static_cast<TokenId>(id);
    LATHE_TRY(token.special, object.GetBool("special", false));
    LATHE_TRY(token.single_word, object.GetBool("single_word", false));
    LATHE_TRY(token.left_strip, object.GetBool("lstrip", false));
    LATHE_TRY(token.right_strip, object.GetBool("rstrip", false));
    LATHE_TRY(token.normalized, object.GetBool("normalized", !token.special));
    token.special |= IsTurnEndMarker(token.content);
    return token;
}

Result<std::vector<AddedToken>> ReadAddedTokens(const HfObject& root, const HfModel& model,
                                                TokenList& tokens) {
    LATHE_TRY(const HfJson* list, root.GetArray("added_tokens"));
    std::vector<AddedToken> added;
    for (const HfJson& json : *list) {
        LATHE_TRY(AddedToken token, ReadAddedToken(json));
        // A text that the model knows keeps the model's id, whatever is said here.
        auto known = model.ids.find(token.content);
        if (known != model.ids.end()) token.id = static_cast<TokenId>(known->second);
        if (!token.content.empty()) added.push_back(std::move(token));
    }
    for (const AddedToken& token : added)  // none moves any more: `tokens` borrows the texts
        LATHE_RETURN_IF_ERROR(
            tokens.Set(token.id, token.content,
                       token.special ? TokenKind::kControl : TokenKind::kUserDefined));
    return added;
}

Result<std::unique_ptr<const Subword>> MakeUnigram(const HfModel& from,
                                                   const Vocabulary& vocabulary) {
    HfObject object(*from.json, "model");
    Unigram::Options options;
    if (object.Find("unk_id") != nullptr) {
        LATHE_TRY(int64_t unknown, object.GetInteger("unk_id"));
        if (unknown < 0 || static_cast<size_t>(unknown) >= from.scores.size())
            return InvalidArgument("tokenizer.json: unk_id is {}, but the model has {} tokens",
                                   unknown, from.scores.size());
        options.unknown = static_cast<TokenId>(unknown);
    }
    LATHE_TRY(options.byte_fallback, object.GetBool("byte_fallback", false));
    std::vector<double> scores = from.scores;
    scores.resize(vocabulary.size(), 0);
    return std::make_unique<Unigram>(vocabulary, scores, options);
}

// Either "left right" or ["left", "right"].
Result<std::pair<std::string_view, std::string_view>> ReadMerge(const HfJson& json) {
    if (json.is_array() && json.size() == 2 && json[0].is_string() && json[1].is_string())
        return std::pair<std::string_view, std::string_view>(json[0].get_ref<const std::string&>(),
                                                             json[1].get_ref<const std::string&>());
    if (json.is_string()) {
        std::string_view text = json.get_ref<const std::string&>();
        size_t space = text.find(' ', 1);
        if (space != std::string_view::npos && space + 1 < text.size())
            return std::pair(text.substr(0, space), text.substr(space + 1));
    }
    return InvalidArgument("tokenizer.json: one of the merges is not two tokens");
}

Status RefuseSetting(const HfObject& object, std::string_view key) {
    const HfJson* value = object.Find(key);
    bool unset = value == nullptr ||
                 (value->is_string() && value->get_ref<const std::string&>().empty()) ||
                 (value->is_number() && value->get<double>() == 0);
    if (unset) return {};
    return MakeError(Code::kUnimplemented, "tokenizer.json: `{}` of model is not supported", key);
}

Result<std::unique_ptr<const Subword>> MakeBpe(const HfModel& from, const Vocabulary& vocabulary,
                                               bool byte_level) {
    HfObject object(*from.json, "model");
    for (std::string_view key : {"dropout", "continuing_subword_prefix", "end_of_word_suffix"})
        LATHE_RETURN_IF_ERROR(RefuseSetting(object, key));
    RankBpeOptions options;
    options.byte_level = byte_level;
    LATHE_TRY(options.byte_fallback, object.GetBool("byte_fallback", false));
    LATHE_TRY(options.ignore_merges, object.GetBool("ignore_merges", false));
    LATHE_TRY(options.fuse_unknown, object.GetBool("fuse_unk", false));
    LATHE_TRY(std::string unknown, object.GetString("unk_token", ""));
    if (!unknown.empty()) {
        options.unknown = vocabulary.Find(unknown);
        if (!options.unknown)
            return InvalidArgument("tokenizer.json: unk_token `{}` is not in the vocabulary",
                                   unknown);
    }
    LATHE_TRY(const HfJson* merges, object.GetArray("merges"));
    options.merges.reserve(merges->size());
    for (const HfJson& merge : *merges) {
        LATHE_TRY(auto pair, ReadMerge(merge));
        options.merges.push_back(pair);
    }
    return RankBpe::Create(vocabulary, options);
}

// `bos_token` of the configuration: a string, or an object with `content`.
Result<std::optional<TokenId>> NamedToken(const HfObject& config, std::string_view key,
                                          const Vocabulary& vocabulary) {
    const HfJson* value = config.Find(key);
    if (value == nullptr) return std::nullopt;
    HfObject object(*value, std::string(key));
    std::string text;
    if (value->is_string())
        text = value->get<std::string>();
    else if (value->is_object()) {
        LATHE_TRY(text, object.GetString("content"));
    } else
        return InvalidArgument("tokenizer_config.json: `{}` is not a token", key);
    auto id = vocabulary.Find(text);
    if (id || text.empty()) return id;
    return InvalidArgument("tokenizer_config.json: `{}` is `{}`, which is not in tokenizer.json",
                           key, text);
}

// The classes whose add_bos_token and add_eos_token replace the post-processor.
bool FlagsRule(std::string_view tokenizer_class) {
    if (tokenizer_class.ends_with("Fast")) tokenizer_class.remove_suffix(4);
    return tokenizer_class == "LlamaTokenizer" || tokenizer_class == "CodeLlamaTokenizer" ||
           tokenizer_class == "GemmaTokenizer" || tokenizer_class == "CohereTokenizer";
}

Status ApplyConfig(const HfObject& config, Tokenizer::Model& model) {
    LATHE_TRY(model.bos, NamedToken(config, "bos_token", model.vocabulary));
    LATHE_TRY(model.eos, NamedToken(config, "eos_token", model.vocabulary));
    LATHE_TRY(std::string tokenizer_class, config.GetString("tokenizer_class", ""));
    if (FlagsRule(tokenizer_class)) {
        auto replace = [&](std::string_view key, std::optional<TokenId> id,
                           std::vector<TokenId>& affix) -> Status {
            if (config.Find(key) == nullptr) return {};
            LATHE_TRY(bool add, config.GetBool(key, false));
            affix.clear();
            if (add && id) affix.push_back(*id);
            return {};
        };
        LATHE_RETURN_IF_ERROR(replace("add_bos_token", model.bos, model.prefix));
        LATHE_RETURN_IF_ERROR(replace("add_eos_token", model.eos, model.suffix));
    }
    if (!model.bos && model.prefix.size() == 1) model.bos = model.prefix[0];
    if (!model.eos && model.suffix.size() == 1) model.eos = model.suffix[0];
    return {};
}

Status ReadAffix(const std::vector<int64_t>& ids, const Vocabulary& vocabulary,
                 std::vector<TokenId>& affix) {
    for (int64_t id : ids) {
        if (id < 0 || static_cast<uint64_t>(id) >= vocabulary.size())
            return InvalidArgument("tokenizer.json: post_processor adds the token {} of {}", id,
                                   vocabulary.size());
        affix.push_back(static_cast<TokenId>(id));
    }
    return {};
}

}  // namespace

Result<Tokenizer> Tokenizer::FromHuggingFace(std::string_view tokenizer_json,
                                             std::string_view tokenizer_config_json) {
    LATHE_TRY(HfJson json, ParseHfJson(tokenizer_json, "tokenizer.json"));
    LATHE_TRY(HfJson config_json,
              ParseHfJson(tokenizer_config_json.empty() ? "{}" : tokenizer_config_json,
                          "tokenizer_config.json"));
    HfObject root(json, "tokenizer.json");
    TokenList tokens;
    LATHE_TRY(HfModel hf_model, ReadModelVocabulary(root, tokens));
    LATHE_TRY(std::vector<AddedToken> added, ReadAddedTokens(root, hf_model, tokens));
    LATHE_TRY(Vocabulary vocabulary, tokens.Take());
    auto model = std::make_unique<Model>(std::move(vocabulary));
    LATHE_TRY(model->normalizer, ReadNormalizer(root.Find("normalizer")));
    LATHE_TRY(HfPreTokenizer pre_tokenizer, ReadPreTokenizer(root.Find("pre_tokenizer")));
    model->pre_tokenizer = std::move(pre_tokenizer.steps);
    LATHE_TRY(model->decode, ReadDecoder(root.Find("decoder")));
    if (hf_model.unigram) {
        if (pre_tokenizer.byte_level)
            return MakeError(Code::kUnimplemented,
                             "tokenizer.json: Unigram after ByteLevel is not supported");
        LATHE_TRY(model->subword, MakeUnigram(hf_model, model->vocabulary));
        model->description = "unigram (tokenizer.json)";
    } else {
        LATHE_TRY(model->subword, MakeBpe(hf_model, model->vocabulary, pre_tokenizer.byte_level));
        model->description = "BPE (tokenizer.json)";
    }
    LATHE_TRY(HfAffixes affixes, ReadPostProcessor(root.Find("post_processor")));
    LATHE_RETURN_IF_ERROR(ReadAffix(affixes.prefix, model->vocabulary, model->prefix));
    LATHE_RETURN_IF_ERROR(ReadAffix(affixes.suffix, model->vocabulary, model->suffix));
    LATHE_RETURN_IF_ERROR(ApplyConfig(HfObject(config_json, "tokenizer_config.json"), *model));
    std::vector<TokenId> ends;
    if (model->eos) ends.push_back(*model->eos);
    model->end_of_generation = EndOfGeneration(model->vocabulary, ends);
    LATHE_RETURN_IF_ERROR(model->Finish(std::move(added)));
    return Tokenizer(std::move(model));
}

}  // namespace lathe::tokenizer
