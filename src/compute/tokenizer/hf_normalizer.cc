#include "compute/tokenizer/hf_components.h"
#include "compute/tokenizer/hf_pattern.h"

namespace lathe::tokenizer {
namespace {

constexpr size_t kStepsMax = 64;
constexpr size_t kContentBytesMax = 256;
// All replacements together may make a text this many times as long.
constexpr size_t kGrowthMax = 1024;

class NormalizerReader {
public:
    Status Read(const HfJson& json) {
        HfObject object(json, "normalizer");
        LATHE_TRY(std::string type, object.GetString("type"));
        if (type == "Sequence") {
            LATHE_TRY(const HfJson* list, object.GetArray("normalizers"));
            for (const HfJson& one : *list) LATHE_RETURN_IF_ERROR(Read(one));
            return {};
        }
        if (steps_.size() >= kStepsMax)
            return InvalidArgument("tokenizer.json: more than {} normalizers", kStepsMax);
        using Form = UnicodeFormStep::Form;
        if (type == "NFC")
            steps_.push_back(UnicodeFormStep{Form::kNfc});
        else if (type == "NFD")
            steps_.push_back(UnicodeFormStep{Form::kNfd});
        else if (type == "NFKC")
            steps_.push_back(UnicodeFormStep{Form::kNfkc});
        else if (type == "NFKD")
            steps_.push_back(UnicodeFormStep{Form::kNfkd});
        else if (type == "Lowercase")
            steps_.push_back(LowercaseStep{});
        else if (type == "StripAccents")
            return AddStripAccents();
        else if (type == "Replace")
            return AddReplace(object);
        else if (type == "Prepend")
            return AddPrepend(object);
        else if (type == "Strip")
            return AddStrip(object);
        else
            return MakeError(Code::kUnimplemented,
                             "tokenizer.json: the normalizer `{}` is not supported; supported are "
                             "NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Replace, Prepend, "
                             "Strip and Sequence",
                             type);
        return {};
    }

    Normalizer Take() { return Normalizer(std::move(steps_)); }

private:
    Status AddStripAccents() {
        LATHE_TRY(SplitPattern marks, SplitPattern::Compile(R"(\p{M})"));
        steps_.push_back(ReplaceStep{std::move(marks), ""});
        return {};
    }

    Status AddReplace(const HfObject& object) {
        LATHE_TRY(HfPattern pattern, ReadPattern(object));
        LATHE_TRY(std::string content, object.GetString("content"));
        LATHE_RETURN_IF_ERROR(CheckContent(content, pattern.bytes_min));
        steps_.push_back(ReplaceStep{std::move(pattern.pattern), std::move(content)});
        return {};
    }

    Status AddPrepend(const HfObject& object) {
        LATHE_TRY(std::string content, object.GetString("prepend"));
        LATHE_RETURN_IF_ERROR(CheckContent(content, kContentBytesMax));
        steps_.push_back(PrependStep{std::move(content)});
        return {};
    }

    Status AddStrip(const HfObject& object) {
        LATHE_TRY(bool left, object.GetBool("strip_left", true));
        LATHE_TRY(bool right, object.GetBool("strip_right", true));
        steps_.push_back(StripStep{left, right});
        return {};
    }

    // Guards against a file whose normalizers blow a text up without bound.
    Status CheckContent(const std::string& content, size_t replaced_bytes_min) {
        growth_ *=
            std::max<size_t>(1, (content.size() + replaced_bytes_min - 1) / replaced_bytes_min);
        if (content.size() <= kContentBytesMax && growth_ <= kGrowthMax) return {};
        return InvalidArgument(
            "tokenizer.json: the normalizers insert too much text: more than {} bytes at once or "
            "{} times the input in all",
            kContentBytesMax, kGrowthMax);
    }

    std::vector<Normalizer::Step> steps_;
    size_t growth_ = 1;
};

}  // namespace

Result<Normalizer> ReadNormalizer(const HfJson* json) {
    NormalizerReader reader;
    if (json != nullptr) LATHE_RETURN_IF_ERROR(reader.Read(*json));
    return reader.Take();
}

Result<HfPattern> ReadPattern(const HfObject& object) {
    LATHE_TRY(const HfJson* json, object.Get("pattern"));
    HfObject pattern(*json, "pattern of " + object.where());
    if (pattern.Find("String") != nullptr) {
        LATHE_TRY(std::string text, pattern.GetString("String"));
        if (text.empty() || text.size() > SplitPattern::kBytesMax)
            return InvalidArgument("tokenizer.json: a pattern of {} has {} bytes", object.where(),
                                   text.size());
        return HfPattern{SplitPattern::Literal(text), text.size()};
    }
    LATHE_TRY(std::string expression, pattern.GetString("Regex"));
    auto compiled = SplitPattern::Compile(expression);
    if (!compiled)
        return std::unexpected(WithContext(std::move(compiled).error(), "tokenizer.json"));
    return HfPattern{std::move(*compiled), 1};
}

}  // namespace lathe::tokenizer
