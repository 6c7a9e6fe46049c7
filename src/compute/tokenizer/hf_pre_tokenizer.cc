#include "compute/tokenizer/hf_components.h"
#include "compute/tokenizer/hf_pattern.h"
#include "compute/tokenizer/presets.h"

namespace lathe::tokenizer {
namespace {

constexpr size_t kStepsMax = 64;
constexpr size_t kReplacementBytesMax = 16;

Result<SplitBehavior> ReadBehavior(const HfObject& object) {
    LATHE_TRY(std::string name, object.GetString("behavior", "Isolated"));
    if (name == "Removed") return SplitBehavior::kRemoved;
    if (name == "Isolated") return SplitBehavior::kIsolated;
    if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
    if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
    if (name == "Contiguous") return SplitBehavior::kContiguous;
    return InvalidArgument(
        "tokenizer.json: the behavior `{}` is unknown; known are Removed, Isolated, "
        "MergedWithPrevious, MergedWithNext and Contiguous",
        name);
}

class PreTokenizerReader {
public:
    Status Read(const HfJson& json) {
        HfObject object(json, "pre_tokenizer");
        LATHE_TRY(std::string type, object.GetString("type"));
        if (type == "Sequence") {
            LATHE_TRY(const HfJson* list, object.GetArray("pretokenizers"));
            for (const HfJson& one : *list) LATHE_RETURN_IF_ERROR(Read(one));
            return {};
        }
        if (byte_level_)
            return MakeError(Code::kUnimplemented,
                             "tokenizer.json: the pre-tokenizer `{}` comes after ByteLevel; only "
                             "ByteLevel as the last one is supported",
                             type);
        if (steps_.size() >= kStepsMax)
            return InvalidArgument("tokenizer.json: more than {} pre-tokenizers", kStepsMax);
        if (type == "ByteLevel") return AddByteLevel(object);
        if (type == "Split") return AddSplit(object);
        if (type == "Digits") return AddDigits(object);
        if (type == "Punctuation") return AddPunctuation(object);
        if (type == "Metaspace") return AddMetaspace(object);
        if (type == "Whitespace")
            return AddPattern(R"(\w+|[^\w\s]+)", SplitBehavior::kRemoved, /*invert=*/true);
        if (type == "WhitespaceSplit")
            return AddPattern(R"(\s)", SplitBehavior::kRemoved, /*invert=*/false);
        return MakeError(Code::kUnimplemented,
                         "tokenizer.json: the pre-tokenizer `{}` is not supported; supported are "
                         "ByteLevel, Split, Digits, Punctuation, Metaspace, Whitespace, "
                         "WhitespaceSplit and Sequence",
                         type);
    }

    HfPreTokenizer Take() { return {PreTokenizer(std::move(steps_)), byte_level_}; }

private:
    Status AddPattern(std::string_view expression, SplitBehavior behavior, bool invert) {
        LATHE_TRY(SplitPattern pattern, SplitPattern::Compile(expression));
        steps_.push_back(SplitStep{std::move(pattern), behavior, invert});
        return {};
    }

    Status AddByteLevel(const HfObject& object) {
        LATHE_TRY(bool prefix_space, object.GetBool("add_prefix_space", true));
        LATHE_TRY(bool use_regex, object.GetBool("use_regex", true));
        if (prefix_space) steps_.push_back(PrefixSpaceStep{});
        byte_level_ = true;
        if (!use_regex) return {};
        return AddPattern(Gpt2Expression(), SplitBehavior::kIsolated, /*invert=*/false);
    }

    Status AddSplit(const HfObject& object) {
        LATHE_TRY(HfPattern pattern, ReadPattern(object));
        LATHE_TRY(SplitBehavior behavior, ReadBehavior(object));
        LATHE_TRY(bool invert, object.GetBool("invert", false));
        steps_.push_back(SplitStep{std::move(pattern.pattern), behavior, invert});
        return {};
    }

    Status AddDigits(const HfObject& object) {
        LATHE_TRY(bool individual, object.GetBool("individual_digits", false));
        return AddPattern(R"(\p{N})",
                          individual ? SplitBehavior::kIsolated : SplitBehavior::kContiguous,
                          /*invert=*/false);
    }

    Status AddPunctuation(const HfObject& object) {
        LATHE_TRY(SplitBehavior behavior, ReadBehavior(object));
        return AddPattern(R"([\p{P}!-/:-@\[-`{-~])", behavior, /*invert=*/false);
    }

    Status AddMetaspace(const HfObject& object) {
        MetaspaceStep step;
        LATHE_TRY(step.replacement, object.GetString("replacement", "\u2581"));
        LATHE_TRY(bool prefix_space, object.GetBool("add_prefix_space", true));
        LATHE_TRY(std::string scheme,
                  object.GetString("prepend_scheme", prefix_space ? "always" : "never"));
        LATHE_TRY(step.split, object.GetBool("split", true));
        if (step.replacement.empty() || step.replacement.size() > kReplacementBytesMax)
            return InvalidArgument("tokenizer.json: the replacement of Metaspace has {} bytes",
                                   step.replacement.size());
        using Prepend = MetaspaceStep::Prepend;
        if (scheme == "always")
            step.prepend = Prepend::kAlways;
        else if (scheme == "first")
            step.prepend = Prepend::kFirst;
        else if (scheme == "never")
            step.prepend = Prepend::kNever;
        else
            return InvalidArgument(
                "tokenizer.json: the prepend_scheme `{}` is unknown; known are always, first and "
                "never",
                scheme);
        if (++metaspaces_ > 1)
            return MakeError(Code::kUnimplemented,
                             "tokenizer.json: more than one Metaspace is not supported");
        steps_.push_back(std::move(step));
        return {};
    }

    std::vector<PreTokenizer::Step> steps_;
    bool byte_level_ = false;
    int metaspaces_ = 0;
};

}  // namespace

Result<HfPreTokenizer> ReadPreTokenizer(const HfJson* json) {
    PreTokenizerReader reader;
    if (json != nullptr) LATHE_RETURN_IF_ERROR(reader.Read(*json));
    return reader.Take();
}

}  // namespace lathe::tokenizer
