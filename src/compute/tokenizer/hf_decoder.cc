#include "compute/tokenizer/hf_components.h"

namespace lathe::tokenizer {
namespace {

class DecoderReader {
public:
    Status Read(const HfJson& json) {
        HfObject object(json, "decoder");
        LATHE_TRY(std::string type, object.GetString("type"));
        if (type == "Sequence") {
            LATHE_TRY(const HfJson* list, object.GetArray("decoders"));
            for (const HfJson& one : *list) LATHE_RETURN_IF_ERROR(Read(one));
            return {};
        }
        if (type == "ByteLevel")
            rules_.byte_level = true;
        else if (type == "ByteFallback")
            rules_.byte_fallback = true;
        else if (type == "Fuse")
            fused_ = true;
        else if (type == "Replace")
            return AddReplace(object);
        else if (type == "Metaspace")
            return AddMetaspace(object);
        else if (type == "Strip")
            return AddStrip(object);
        else
            return Unsupported(type);
        return {};
    }

    const DecodeRules& rules() const { return rules_; }

private:
    static std::unexpected<Error> Unsupported(std::string_view what) {
        return MakeError(Code::kUnimplemented,
                         "tokenizer.json: the decoder {} is not supported; supported are "
                         "ByteLevel, Metaspace, ByteFallback, Fuse, Replace of a string by a "
                         "space, Strip of one space on the left after Fuse, and Sequence",
                         what);
    }

    Status SetSpaceSymbol(std::string symbol) {
        if (symbol.empty() || !rules_.space_symbol.empty())
            return Unsupported("with two replacements or an empty one");
        rules_.space_symbol = std::move(symbol);
        return {};
    }

    Status AddReplace(const HfObject& object) {
        LATHE_TRY(const HfJson* pattern, object.Get("pattern"));
        LATHE_TRY(std::string content, object.GetString("content"));
        HfObject strings(*pattern, "decoder");
        if (content != " " || strings.Find("String") == nullptr) return Unsupported("Replace");
        LATHE_TRY(std::string symbol, strings.GetString("String"));
        return SetSpaceSymbol(std::move(symbol));
    }

    Status AddMetaspace(const HfObject& object) {
        LATHE_TRY(std::string symbol, object.GetString("replacement", "\u2581"));
        LATHE_TRY(bool prefix_space, object.GetBool("add_prefix_space", true));
        LATHE_TRY(std::string scheme,
                  object.GetString("prepend_scheme", prefix_space ? "always" : "never"));
        rules_.drop_first_space = scheme != "never";
        return SetSpaceSymbol(std::move(symbol));
    }

    Status AddStrip(const HfObject& object) {
        LATHE_TRY(std::string content, object.GetString("content"));
        LATHE_TRY(int64_t start, object.GetInteger("start"));
        LATHE_TRY(int64_t stop, object.GetInteger("stop"));
        if (content != " " || start != 1 || stop != 0 || !fused_) return Unsupported("Strip");
        rules_.drop_first_space = true;
        return {};
    }

    DecodeRules rules_;
    bool fused_ = false;
};

}  // namespace

Result<DecodeRules> ReadDecoder(const HfJson* json) {
    if (json == nullptr)
        return MakeError(Code::kUnimplemented,
                         "tokenizer.json has no decoder; ByteLevel, Metaspace or a Sequence is "
                         "needed to turn tokens into text");
    DecoderReader reader;
    LATHE_RETURN_IF_ERROR(reader.Read(*json));
    return reader.rules();
}

}  // namespace lathe::tokenizer
