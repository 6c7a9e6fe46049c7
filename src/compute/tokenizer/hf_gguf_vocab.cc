#include "compute/tokenizer/hf_gguf_vocab.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include "compute/tokenizer/end_markers.h"
#include "compute/tokenizer/gguf_vocab.h"
#include "compute/tokenizer/hf_components.h"
#include "compute/tokenizer/presets.h"
#include "compute/tokenizer/vocabulary.h"

namespace lathe::tokenizer {
namespace {

constexpr float kNeverMerged = -1e9f;

// What pre-tokenizers and normalizers disagree about: runs of digits, contractions and
// their case, white space and line ends, combining marks, scripts, symbols.
constexpr std::string_view kSamples[] = {
    "Hello world",
    " Hello  world   !",
    "I'm WE'RE you'Ve it's O'Neil 'Tis",
    "1 12 123 1234 12345",
    "x=3.14159; y+=2**10",
    "line\nline\r\n\n  indented\n\t\ttabs\n   ",
    "end of text   ",
    "caf\u00E9 cafe\u0301 e\u0301\u0301",
    "\u4F60\u597D\uFF0C\u4E16\u754C\u3002 2024\u5E74",
    "\u0939\u093F\u0928\u094D\u0926\u0940 \u0BA4\u0BAE\u0BBF\u0BB4\u0BCD",
    "\u041F\u0440\u0438\u0432\u0435\u0442, \u043C\u0438\u0440!",
    "\u3053\u3093\u306B\u3061\u306F \uC548\uB155\uD558\uC138\uC694",
    "a/b//c/\n/* d */\n",
    "HTTPServer camelCaseWord XMLHttpRequest",
    "!!!???...---___===",
    "\U0001F600\U0001F680 ok",
    "\u0661\u0662\u0663 \u00BD \u2167 x\u00B2",
    "tab\tand\u00A0nbsp\u3000wide",
    "\u201Cquoted\u201D \u2018single\u2019 \u2014 dash",
    "__init__(self, *args): return {}"};

// Encodes as `expected` on every sample?
bool Agrees(const Tokenizer& candidate, const Tokenizer& expected) {
    for (std::string_view sample : kSamples)
        if (candidate.Encode(sample, {.add_special = false}) !=
            expected.Encode(sample, {.add_special = false}))
            return false;
    return true;
}

class Converter {
public:
    Converter(const HfJson& json, const Tokenizer& tokenizer)
        : root_(json, "tokenizer.json"), tokenizer_(tokenizer) {}

    Result<GgufVocab> Convert(size_t token_count) {
        LATHE_TRY(const HfJson* model, root_.Get("model"));
        model_ = model;
        HfObject object(*model_, "model");
        LATHE_TRY(byte_fallback_, object.GetBool("byte_fallback", false));
        if (!model_->contains("merges"))
            return Unimplemented("only BPE tokenizers can be written into a GGUF file");
        LATHE_RETURN_IF_ERROR(ReadTokens(object, token_count));
        LATHE_TRY(HfPreTokenizer pre, ReadPreTokenizer(root_.Find("pre_tokenizer")));
        LATHE_RETURN_IF_ERROR(ReadMerges(object));
        LATHE_RETURN_IF_ERROR(SetAffixes());
        LATHE_RETURN_IF_ERROR(pre.byte_level ? FindPreset(pre.steps) : FindSpacePrefix());
        return std::move(vocab_);
    }

private:
    static std::unexpected<Error> Unimplemented(std::string_view why) {
        return MakeError(Code::kUnimplemented, "tokenizer.json: {}", why);
    }

    void SetToken(size_t id, std::string text, TokenKind kind) {
        if (id >= vocab_.tokens.size()) {
            vocab_.tokens.resize(id + 1);
            vocab_.types.resize(id + 1, static_cast<int32_t>(TokenKind::kUnused));
        }
        vocab_.tokens[id] = std::move(text);
        vocab_.types[id] = static_cast<int32_t>(kind);
    }

    // The ids have been checked by Tokenizer::FromHuggingFace.
    Status ReadTokens(const HfObject& object, size_t token_count) {
        LATHE_TRY(const HfJson* vocabulary, object.Get("vocab"));
        LATHE_TRY(std::string unknown, object.GetString("unk_token", ""));
        for (const auto& [text, id] : vocabulary->items()) {
            TokenKind kind = TokenKind::kNormal;
            if (byte_fallback_ && IsByte(text)) kind = TokenKind::kByte;
            if (text == unknown) kind = TokenKind::kUnknown;
            SetToken(id.get<size_t>(), text, kind);
            if (text == unknown) vocab_.unknown = id.get<uint32_t>();
        }
        LATHE_TRY(const HfJson* added, root_.GetArray("added_tokens"));
        for (const HfJson& json : *added) {
            HfObject token(json, "added_tokens");
            LATHE_TRY(std::string text, token.GetString("content"));
            LATHE_TRY(int64_t id, token.GetInteger("id"));
            LATHE_TRY(bool special, token.GetBool("special", false));
            auto known = vocabulary->find(text);
            if (known != vocabulary->end()) id = known->get<int64_t>();
            if (text.empty() || text == unknown) continue;
            SetToken(
                static_cast<size_t>(id), text,
                special || IsTurnEndMarker(text) ? TokenKind::kControl : TokenKind::kUserDefined);
        }
        return Pad(token_count);
    }

    static bool IsByte(std::string_view text) {
        return text.size() == 6 && text.starts_with("<0x") && text.ends_with(">");
    }

    // Every id has a text of its own.
    Status Pad(size_t token_count) {
        if (vocab_.tokens.size() > token_count)
            return InvalidArgument(
                "tokenizer.json has {} tokens, but the model's vocab_size is {}; the files do not "
                "belong together",
                vocab_.tokens.size(), token_count);
        for (size_t id = 0; id < token_count; ++id)
            if (id >= vocab_.tokens.size() ||
                vocab_.types[id] == static_cast<int32_t>(TokenKind::kUnused))
                SetToken(id, fmt::format("[PAD{}]", id), TokenKind::kUnused);
        return {};
    }

    // Also the scores of the tokens that merges make: SentencePiece merges the pair whose
    // token has the highest.
    Status ReadMerges(const HfObject& object) {
        LATHE_TRY(const HfJson* merges, object.GetArray("merges"));
        boost::unordered_flat_map<std::string, size_t> ids;
        for (size_t id = 0; id < vocab_.tokens.size(); ++id) ids.emplace(vocab_.tokens[id], id);
        vocab_.scores.assign(vocab_.tokens.size(), kNeverMerged);
        float rank = 0;
        for (const HfJson& merge : *merges) {
            bool pair = merge.is_array();
            std::string text = pair
                                   ? merge[0].get<std::string>() + " " + merge[1].get<std::string>()
                                   : merge.get<std::string>();
            std::string joined =
                pair ? merge[0].get<std::string>() + merge[1].get<std::string>() : text;
            if (!pair) joined.erase(joined.find(' ', 1), 1);
            auto made = ids.find(joined);
            if (made != ids.end() && vocab_.scores[made->second] == kNeverMerged)
                vocab_.scores[made->second] = -(rank++);
            vocab_.merges.push_back(std::move(text));
        }
        return {};
    }

    Status SetAffixes() {
        if (auto id = tokenizer_.bos()) vocab_.bos = static_cast<uint32_t>(*id);
        if (auto id = tokenizer_.eos()) vocab_.eos = static_cast<uint32_t>(*id);
        std::vector<TokenId> around = tokenizer_.Encode("", {.add_special = true});
        auto expected = [&](bool bos, bool eos) {
            std::vector<TokenId> ids;
            if (bos && tokenizer_.bos()) ids.push_back(*tokenizer_.bos());
            if (eos && tokenizer_.eos()) ids.push_back(*tokenizer_.eos());
            return ids;
        };
        for (bool eos : {false, true})
            for (bool bos : {false, true})
                if (expected(bos, eos) == around) {
                    vocab_.add_bos = bos && vocab_.bos.has_value();
                    vocab_.add_eos = eos && vocab_.eos.has_value();
                    return {};
                }
        return Unimplemented(
            "its post_processor adds other tokens than bos and eos, which a GGUF file cannot say");
    }

    VocabSpec Spec() const {
        VocabSpec spec;
        spec.model = vocab_.model;
        spec.pre = vocab_.pre;
        spec.tokens.assign(vocab_.tokens.begin(), vocab_.tokens.end());
        spec.types.assign(vocab_.types.begin(), vocab_.types.end());
        if (vocab_.model == "llama") spec.scores = vocab_.scores;
        spec.merges.assign(vocab_.merges.begin(), vocab_.merges.end());
        spec.bos = vocab_.bos;
        spec.eos = vocab_.eos;
        spec.unknown = vocab_.unknown;
        spec.add_space_prefix = vocab_.add_space_prefix;
        return spec;
    }

    bool Fits() const {
        auto candidate = TokenizerFromSpec(Spec());
        return candidate && Agrees(*candidate, tokenizer_);
    }

    // The text that is encoded, and the pieces it is cut into, of every sample.
    static std::vector<std::string> Cut(const Normalizer& normalizer, const PreTokenizer& cutter) {
        std::vector<std::string> all;
        for (std::string_view sample : kSamples) {
            std::string text = normalizer.Run(std::string(sample));
            std::vector<TextRange> pieces;
            cutter.Run(text, true, pieces);
            for (const TextRange& piece : pieces)
                all.push_back(text.substr(piece.begin, piece.end - piece.begin));
        }
        return all;
    }

    Status FindPreset(const PreTokenizer& cutter) {
        vocab_.model = "gpt2";
        vocab_.scores.clear();
        LATHE_TRY(Normalizer normalizer, ReadNormalizer(root_.Find("normalizer")));
        LATHE_TRY(bool ignores, HfObject(*model_, "model").GetBool("ignore_merges", false));
        std::vector<std::string> expected = Cut(normalizer, cutter);
        for (const BpePreset& preset : BpePresets()) {
            if (preset.ignore_merges != ignores) continue;
            Normalizer steps;
            if (preset.nfc) steps = Normalizer({UnicodeFormStep{}});
            if (Cut(steps, PreTokenizer(IsolateSteps(preset.expressions))) != expected) continue;
            vocab_.pre = preset.name;
            if (Fits()) return {};
        }
        return Unimplemented(fmt::format(
            "its pre-tokenizer or normalizer is none of those that a GGUF file can name ({})",
            BpePresetNames()));
    }

    Status FindSpacePrefix() {
        vocab_.model = "llama";
        vocab_.pre = "default";
        if (byte_fallback_)
            for (bool prefix : {true, false}) {
                vocab_.add_space_prefix = prefix;
                if (Fits()) {
                    vocab_.merges.clear();
                    return {};
                }
            }
        return Unimplemented(
            "it is neither byte-level BPE nor SentencePiece's BPE with byte fallback, so a GGUF "
            "file cannot hold it");
    }

    HfObject root_;
    const Tokenizer& tokenizer_;
    const HfJson* model_ = nullptr;
    bool byte_fallback_ = false;
    GgufVocab vocab_;
};

// The id of `key` of tokenizer_config.json, where it names a token.
std::optional<uint32_t> NamedId(const HfJson& config, const char* key, const Tokenizer& tokenizer) {
    auto value = config.find(key);
    if (value == config.end()) return std::nullopt;
    if (value->is_object()) {
        auto content = value->find("content");
        if (content == value->end()) return std::nullopt;
        value = content;
    }
    if (!value->is_string()) return std::nullopt;
    auto id = tokenizer.Find(value->get<std::string>());
    if (!id) return std::nullopt;
    return static_cast<uint32_t>(*id);
}

}  // namespace

Result<GgufVocab> GgufVocabFromHuggingFace(std::string_view tokenizer_json,
                                           std::string_view tokenizer_config_json,
                                           size_t token_count) {
    LATHE_TRY(Tokenizer tokenizer,
              Tokenizer::FromHuggingFace(tokenizer_json, tokenizer_config_json));
    LATHE_TRY(HfJson json, ParseHfJson(tokenizer_json, "tokenizer.json"));
    LATHE_TRY(HfJson config,
              ParseHfJson(tokenizer_config_json.empty() ? "{}" : tokenizer_config_json,
                          "tokenizer_config.json"));
    LATHE_TRY(GgufVocab vocab, Converter(json, tokenizer).Convert(token_count));
    vocab.padding = NamedId(config, "pad_token", tokenizer);
    if (!vocab.unknown) vocab.unknown = NamedId(config, "unk_token", tokenizer);
    return vocab;
}

}  // namespace lathe::tokenizer
