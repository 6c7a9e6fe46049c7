#include "compute/tokenizer/gguf_vocab.h"

#include <cmath>

#include "compute/modelfile/gguf.h"
#include "compute/tokenizer/end_markers.h"
#include "compute/tokenizer/model.h"
#include "compute/tokenizer/presets.h"
#include "compute/tokenizer/rank_bpe.h"
#include "compute/tokenizer/score_bpe.h"
#include "compute/tokenizer/unigram.h"

namespace lathe::tokenizer {
namespace {

Result<Vocabulary> MakeVocabulary(const VocabSpec& spec) {
    if (!spec.types.empty() && spec.types.size() != spec.tokens.size())
        return InvalidArgument("tokenizer.ggml.token_type has {} entries for {} tokens",
                               spec.types.size(), spec.tokens.size());
    std::vector<TokenKind> kinds(spec.tokens.size(), TokenKind::kNormal);
    for (size_t i = 0; i < spec.types.size(); ++i)
        if (spec.types[i] >= 1 && spec.types[i] <= 6)
            kinds[i] = static_cast<TokenKind>(spec.types[i]);
    auto control = [&](std::optional<int64_t> id) {
        if (id && *id >= 0 && static_cast<size_t>(*id) < kinds.size() &&
            kinds[static_cast<size_t>(*id)] == TokenKind::kUserDefined)
            kinds[static_cast<size_t>(*id)] = TokenKind::kControl;
    };
    control(spec.bos);
    control(spec.eos);
    control(spec.eot);
    for (size_t i = 0; i < kinds.size(); ++i)
        if (kinds[i] == TokenKind::kUserDefined && IsTurnEndMarker(spec.tokens[i]))
            kinds[i] = TokenKind::kControl;
    return Vocabulary::Create(spec.tokens, std::move(kinds));
}

// The id under `key`, checked; -1 in files stands for "none".
Result<std::optional<TokenId>> CheckedId(std::string_view key, std::optional<int64_t> id,
                                         const Vocabulary& vocabulary) {
    if (!id || *id == -1 || *id == UINT32_MAX) return std::nullopt;
    if (*id < 0 || static_cast<uint64_t>(*id) >= vocabulary.size())
        return InvalidArgument("tokenizer.ggml.{} is {}, but the vocabulary has {} tokens", key,
                               *id, vocabulary.size());
    return static_cast<TokenId>(*id);
}

Status CheckScores(const VocabSpec& spec) {
    if (spec.scores.size() == spec.tokens.size()) return {};
    return InvalidArgument(
        "tokenizer.ggml.scores has {} entries for {} tokens; a tokenizer of type {} needs one each",
        spec.scores.size(), spec.tokens.size(), spec.model);
}

// "left right", where left may begin with the space.
Result<RankBpeOptions> MakeBpeOptions(const VocabSpec& spec, const BpePreset& preset) {
    RankBpeOptions options;
    options.byte_level = true;
    options.ignore_merges = preset.ignore_merges;
    options.merges.reserve(spec.merges.size());
    for (std::string_view merge : spec.merges) {
        size_t space = merge.find(' ', 1);
        if (space == std::string_view::npos || space + 1 == merge.size())
            return InvalidArgument("tokenizer.ggml.merges has `{}`, which is not two tokens",
                                   merge);
        options.merges.emplace_back(merge.substr(0, space), merge.substr(space + 1));
    }
    return options;
}

Status SetUpByteLevel(const VocabSpec& spec, Tokenizer::Model& model, bool& add_bos) {
    // Files from before the key existed hold GPT-2's kind.
    std::string name = spec.pre.value_or("default");
    const BpePreset* preset = FindBpePreset(name == "default" ? "gpt-2" : name);
    if (preset == nullptr)
        return MakeError(Code::kUnimplemented,
                         "the pre-tokenizer `{}` (tokenizer.ggml.pre) is not supported; supported "
                         "are {}",
                         name, BpePresetNames());
    if (preset->nfc) model.normalizer = Normalizer({UnicodeFormStep{}});
    model.pre_tokenizer = PreTokenizer(IsolateSteps(preset->expressions));
    LATHE_TRY(RankBpeOptions options, MakeBpeOptions(spec, *preset));
    LATHE_TRY(model.subword, RankBpe::Create(model.vocabulary, options));
    model.decode.byte_level = true;
    model.description = fmt::format("BPE ({})", name);
    add_bos = preset->add_bos;
    return {};
}

void SetUpSentencePieceText(const VocabSpec& spec, Tokenizer::Model& model) {
    std::vector<Normalizer::Step> steps;
    if (spec.remove_extra_whitespaces.value_or(false)) {
        auto spaces = SplitPattern::Compile(" +");
        steps.push_back(ReplaceStep{std::move(*spaces), " "});
        steps.push_back(StripStep{});
    }
    if (spec.add_space_prefix.value_or(true)) {
        steps.push_back(PrependStep{"\u2581"});
        model.decode.drop_first_space = true;
    }
    steps.push_back(ReplaceStep{SplitPattern::Literal(" "), "\u2581"});
    model.normalizer = Normalizer(std::move(steps));
    model.decode.space_symbol = "\u2581";
}

Status SetUpSentencePiece(const VocabSpec& spec, TokenId unknown, Tokenizer::Model& model) {
    LATHE_RETURN_IF_ERROR(CheckScores(spec));
    SetUpSentencePieceText(spec, model);
    model.subword = std::make_unique<ScoreBpe>(model.vocabulary, spec.scores, unknown);
    model.description = "SentencePiece BPE";
    return {};
}

Status SetUpUnigram(const VocabSpec& spec, TokenId unknown, Tokenizer::Model& model) {
    LATHE_RETURN_IF_ERROR(CheckScores(spec));
    std::vector<double> scores(spec.scores.begin(), spec.scores.end());
    for (double score : scores)
        if (!std::isfinite(score))
            return InvalidArgument("tokenizer.ggml.scores holds a value that is not finite");
    SetUpSentencePieceText(spec, model);
    model.subword = std::make_unique<Unigram>(
        model.vocabulary, scores, Unigram::Options{.unknown = unknown, .byte_fallback = true});
    model.description = "unigram";
    return {};
}

std::vector<AddedToken> AddedTokensOf(const Vocabulary& vocabulary) {
    std::vector<AddedToken> added;
    for (size_t i = 0; i < vocabulary.size(); ++i) {
        auto id = static_cast<TokenId>(i);
        TokenKind kind = vocabulary.Kind(id);
        bool special = kind == TokenKind::kControl || kind == TokenKind::kUnknown;
        if (!special && kind != TokenKind::kUserDefined) continue;
        added.push_back(
            {.content = std::string(vocabulary.Text(id)), .id = id, .special = special});
    }
    return added;
}

}  // namespace

Result<Tokenizer> TokenizerFromSpec(const VocabSpec& spec) {
    LATHE_TRY(Vocabulary vocabulary, MakeVocabulary(spec));
    LATHE_TRY(auto bos, CheckedId("bos_token_id", spec.bos, vocabulary));
    LATHE_TRY(auto eos, CheckedId("eos_token_id", spec.eos, vocabulary));
    LATHE_TRY(auto eot, CheckedId("eot_token_id", spec.eot, vocabulary));
    LATHE_TRY(auto eom, CheckedId("eom_token_id", spec.eom, vocabulary));
    LATHE_TRY(auto unknown, CheckedId("unknown_token_id", spec.unknown, vocabulary));
    auto model = std::make_unique<Tokenizer::Model>(std::move(vocabulary));
    bool add_bos = false, add_eos = false;
    if (spec.model == "gpt2") {
        LATHE_RETURN_IF_ERROR(SetUpByteLevel(spec, *model, add_bos));
    } else if (spec.model == "llama") {
        LATHE_RETURN_IF_ERROR(SetUpSentencePiece(spec, unknown.value_or(-1), *model));
        add_bos = true;
    } else if (spec.model == "t5") {
        LATHE_RETURN_IF_ERROR(SetUpUnigram(spec, unknown.value_or(-1), *model));
        add_eos = true;
    } else {
        return MakeError(Code::kUnimplemented,
                         "the tokenizer model `{}` (tokenizer.ggml.model) is not supported; "
                         "supported are gpt2, llama and t5",
                         spec.model);
    }
    model->bos = bos;
    model->eos = eos;
    if (bos && spec.add_bos.value_or(add_bos)) model->prefix.push_back(*bos);
    if (eos && spec.add_eos.value_or(add_eos)) model->suffix.push_back(*eos);
    std::vector<TokenId> ends;
    for (auto end : {eos, eot, eom})
        if (end) ends.push_back(*end);
    model->end_of_generation = EndOfGeneration(model->vocabulary, ends);
    LATHE_RETURN_IF_ERROR(model->Finish(AddedTokensOf(model->vocabulary)));
    return Tokenizer(std::move(model));
}

namespace {

// Reads one optional value; an Error if it is of the wrong type.
template <typename T, typename Get>
Status ReadOptional(const modelfile::Gguf& file, std::string_view key, Get get,
                    std::optional<T>& out) {
    if (file.Find(key) == nullptr) return {};
    auto value = (file.*get)(key);
    if (!value) return std::unexpected(std::move(value).error());
    out = static_cast<T>(*value);
    return {};
}

Status ReadIds(const modelfile::Gguf& file, VocabSpec& spec) {
    auto id = [&](std::string_view name, std::optional<int64_t>& out) -> Status {
        std::string key = fmt::format("tokenizer.ggml.{}", name);
        const modelfile::GgufValue* value = file.Find(key);
        if (value == nullptr) return {};
        out = value->ToSigned();
        if (out) return {};
        return InvalidArgument("{} is not an integer", key);
    };
    LATHE_RETURN_IF_ERROR(id("bos_token_id", spec.bos));
    LATHE_RETURN_IF_ERROR(id("eos_token_id", spec.eos));
    LATHE_RETURN_IF_ERROR(id("eot_token_id", spec.eot));
    LATHE_RETURN_IF_ERROR(id("eom_token_id", spec.eom));
    return id("unknown_token_id", spec.unknown);
}

Result<VocabSpec> ReadSpec(const modelfile::Gguf& file) {
    using modelfile::Gguf;
    VocabSpec spec;
    LATHE_TRY(spec.model, file.GetString("tokenizer.ggml.model"));
    LATHE_TRY(spec.tokens, file.GetStrings("tokenizer.ggml.tokens"));
    if (file.Find("tokenizer.ggml.scores") != nullptr) {
        LATHE_TRY(spec.scores, file.GetFloats("tokenizer.ggml.scores"));
    }
    if (file.Find("tokenizer.ggml.token_type") != nullptr) {
        LATHE_TRY(spec.types, file.GetIntegers("tokenizer.ggml.token_type"));
    }
    if (spec.model == "gpt2") {
        LATHE_TRY(spec.merges, file.GetStrings("tokenizer.ggml.merges"));
    }
    LATHE_RETURN_IF_ERROR(ReadOptional(file, "tokenizer.ggml.pre", &Gguf::GetString, spec.pre));
    LATHE_RETURN_IF_ERROR(ReadIds(file, spec));
    auto flag = [&](std::string_view key, std::optional<bool>& out) {
        return ReadOptional(file, fmt::format("tokenizer.ggml.{}", key), &Gguf::GetBool, out);
    };
    LATHE_RETURN_IF_ERROR(flag("add_bos_token", spec.add_bos));
    LATHE_RETURN_IF_ERROR(flag("add_eos_token", spec.add_eos));
    LATHE_RETURN_IF_ERROR(flag("add_space_prefix", spec.add_space_prefix));
    LATHE_RETURN_IF_ERROR(flag("remove_extra_whitespaces", spec.remove_extra_whitespaces));
    if (file.Find("tokenizer.ggml.precompiled_charsmap") != nullptr)
        return MakeError(Code::kUnimplemented,
                         "tokenizer.ggml.precompiled_charsmap (a SentencePiece normalization "
                         "table) is not supported");
    return spec;
}

}  // namespace

Result<Tokenizer> Tokenizer::FromGguf(const modelfile::Gguf& file) {
    auto named = [&](Error error) {
        return std::unexpected(WithContext(std::move(error), file.path().string()));
    };
    auto spec = ReadSpec(file);
    if (!spec) return named(std::move(spec).error());
    auto tokenizer = TokenizerFromSpec(*spec);
    if (!tokenizer) return named(std::move(tokenizer).error());
    return tokenizer;
}

}  // namespace lathe::tokenizer
