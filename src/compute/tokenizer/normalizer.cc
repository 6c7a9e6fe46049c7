#include "compute/tokenizer/normalizer.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>

#include "core/base/check.h"

namespace lathe::tokenizer {
namespace {

std::string Apply(const UnicodeFormStep& step, std::string text) {
    UErrorCode status = U_ZERO_ERROR;
    const icu::Normalizer2* form = nullptr;
    switch (step.form) {
        case UnicodeFormStep::Form::kNfc:
            form = icu::Normalizer2::getNFCInstance(status);
            break;
        case UnicodeFormStep::Form::kNfd:
            form = icu::Normalizer2::getNFDInstance(status);
            break;
        case UnicodeFormStep::Form::kNfkc:
            form = icu::Normalizer2::getNFKCInstance(status);
            break;
        case UnicodeFormStep::Form::kNfkd:
            form = icu::Normalizer2::getNFKDInstance(status);
            break;
    }
    LATHE_CHECK(U_SUCCESS(status));
    icu::StringPiece piece(text.data(), static_cast<int32_t>(text.size()));
    if (form->isNormalizedUTF8(piece, status)) return text;
    std::string out;
    icu::StringByteSink<std::string> sink(&out);
    form->normalizeUTF8(0, piece, sink, nullptr, status);
    LATHE_CHECK(U_SUCCESS(status));
    return out;
}

std::string Apply(const LowercaseStep&, std::string text) {
    std::string out;
    out.reserve(text.size());
    for (size_t at = 0; at < text.size();) {
        CodePoint c = CodePointAt(text, at);
        at += c.bytes;
        if (c.value == U'\u0130')
            out += "i\u0307";  // the one whose lower case is two
        else
            AppendUtf8(static_cast<char32_t>(u_tolower(static_cast<UChar32>(c.value))), out);
    }
    return out;
}

std::string Apply(const ReplaceStep& step, std::string text) {
    SplitMatcher matcher(step.pattern, text);
    std::string out;
    size_t at = 0;
    while (auto match = matcher.Find(at)) {
        out.append(text, at, match->begin - at);
        out += step.content;
        at = match->end;
    }
    return out.append(text, at);
}

std::string Apply(const PrependStep& step, std::string text) {
    return text.empty() ? text : step.content + text;
}

std::string Apply(const StripStep& step, std::string text) {
    auto white = [&](size_t at) {
        return (ClassOf(CodePointAt(text, at).value) & kWhiteSpace) != 0;
    };
    size_t begin = 0, end = text.size();
    while (step.left && begin < end && white(begin)) begin += CodePointAt(text, begin).bytes;
    while (step.right && begin < end && white(PreviousStart(text, end)))
        end = PreviousStart(text, end);
    return text.substr(begin, end - begin);
}

}  // namespace

std::string Normalizer::Run(std::string text) const {
    for (const Step& step : steps_)
        text = std::visit([&](const auto& one) { return Apply(one, std::move(text)); }, step);
    return text;
}

}  // namespace lathe::tokenizer
