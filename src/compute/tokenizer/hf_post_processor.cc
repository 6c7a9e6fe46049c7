#include "compute/tokenizer/hf_components.h"

namespace lathe::tokenizer {
namespace {

constexpr size_t kAffixMax = 64;

std::unexpected<Error> Malformed() {
    return InvalidArgument("tokenizer.json: the TemplateProcessing of post_processor is malformed");
}

// {"<s>": {"ids": [1], ...}, ...}[name] -> [1]
Result<std::vector<int64_t>> IdsOf(const HfObject& special_tokens, const std::string& name) {
    LATHE_TRY(const HfJson* token, special_tokens.Get(name));
    LATHE_TRY(const HfJson* list, HfObject(*token, "special token").GetArray("ids"));
    std::vector<int64_t> ids;
    for (const HfJson& id : *list) {
        if (!id.is_number_integer()) return Malformed();
        ids.push_back(id.get<int64_t>());
    }
    return ids;
}

Status AddTemplate(const HfObject& object, HfAffixes& affixes) {
    LATHE_TRY(const HfJson* single, object.GetArray("single"));
    LATHE_TRY(const HfJson* tokens, object.Get("special_tokens"));
    HfObject special_tokens(*tokens, "special_tokens of post_processor");
    bool after_text = false;
    for (const HfJson& part : *single) {
        HfObject item(part, "single of post_processor");
        if (item.Find("Sequence") != nullptr) {
            if (after_text) return Malformed();
            after_text = true;
            continue;
        }
        LATHE_TRY(const HfJson* special, item.Get("SpecialToken"));
        LATHE_TRY(std::string name, HfObject(*special, "SpecialToken").GetString("id"));
        LATHE_TRY(std::vector<int64_t> ids, IdsOf(special_tokens, name));
        auto& side = after_text ? affixes.suffix : affixes.prefix;
        side.insert(side.end(), ids.begin(), ids.end());
        if (side.size() > kAffixMax) return Malformed();
    }
    return after_text ? Status() : Malformed();
}

// RobertaProcessing and BertProcessing: ["<s>", 0] before, ["</s>", 2] after.
Status AddFixed(const HfObject& object, HfAffixes& affixes) {
    for (std::string_view key : {"cls", "sep"}) {
        LATHE_TRY(const HfJson* pair, object.Get(key));
        if (!pair->is_array() || pair->size() != 2 || !(*pair)[1].is_number_integer())
            return object.WrongType(key, "a token and its id");
        (key == "cls" ? affixes.prefix : affixes.suffix).push_back((*pair)[1].get<int64_t>());
    }
    return {};
}

Status Read(const HfJson& json, HfAffixes& affixes) {
    HfObject object(json, "post_processor");
    LATHE_TRY(std::string type, object.GetString("type"));
    if (type == "Sequence") {
        LATHE_TRY(const HfJson* list, object.GetArray("processors"));
        for (const HfJson& one : *list) LATHE_RETURN_IF_ERROR(Read(one, affixes));
        return {};
    }
    if (type == "ByteLevel") return {};  // changes offsets only
    if (!affixes.prefix.empty() || !affixes.suffix.empty())
        return MakeError(Code::kUnimplemented,
                         "tokenizer.json: two post-processors that add tokens are not supported");
    if (type == "TemplateProcessing") return AddTemplate(object, affixes);
    if (type == "RobertaProcessing" || type == "BertProcessing") return AddFixed(object, affixes);
    return MakeError(Code::kUnimplemented,
                     "tokenizer.json: the post-processor `{}` is not supported; supported are "
                     "TemplateProcessing, ByteLevel, RobertaProcessing, BertProcessing and "
                     "Sequence",
                     type);
}

}  // namespace

Result<HfAffixes> ReadPostProcessor(const HfJson* json) {
    HfAffixes affixes;
    if (json != nullptr) LATHE_RETURN_IF_ERROR(Read(*json, affixes));
    return affixes;
}

}  // namespace lathe::tokenizer
