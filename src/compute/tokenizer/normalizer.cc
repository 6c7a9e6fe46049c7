#include "compute/tokenizer/normalizer.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <optional>

#include "core/base/check.h"

namespace lathe::tokenizer {
namespace {

// ICU puts a sequence of marks in canonical order by insertion, which takes quadratic
// time for a long one; so long ones are decomposed and sorted before it sees them. That
// is canonically (or for NFKC and NFKD, compatibly) equivalent, so the result is the same.
class MarkSorter {
public:
    static constexpr size_t kRunMin = 64;

    MarkSorter(const icu::Normalizer2& decomposer, std::string_view text)
        : decomposer_(decomposer), text_(text) {}

    // nullopt if there is no long run.
    std::optional<std::string> Run() {
        for (size_t at = 0; at < text_.size();) {
            CodePoint c = CodePointAt(text_, at);
            if (!StartsWithMark(c.value)) {
                Flush(at);
                run_begin_ = at + c.bytes;
                run_length_ = 0;
            } else {
                ++run_length_;
            }
            at += c.bytes;
        }
        Flush(text_.size());
        if (out_.empty()) return std::nullopt;
        return out_.append(text_.substr(done_));
    }

private:
    struct Mark {
        uint8_t combining_class;
        uint32_t index;
        char32_t value;
        auto operator<=>(const Mark&) const = default;
    };

    bool StartsWithMark(char32_t value) const {
        // Only marks, and the two half-width ones that are letters by category.
        static const ClassMask kMarks = CategoryMask("M");
        bool candidate = value >= 0x300 &&
                         ((ClassOf(value) & kMarks) != 0 || value == 0xFF9E || value == 0xFF9F);
        if (!candidate) return false;
        auto c = static_cast<UChar32>(value);
        icu::UnicodeString decomposed;
        if (decomposer_.getDecomposition(c, decomposed)) c = decomposed.char32At(0);
        return u_getCombiningClass(c) != 0;
    }

    // The run of marks, if any, ends at `end`.
    void Flush(size_t end) {
        if (run_length_ < kRunMin) return;
        icu::UnicodeString marks;
        for (size_t at = run_begin_; at < end;) {
            CodePoint c = CodePointAt(text_, at);
            at += c.bytes;
            icu::UnicodeString decomposed;
            if (decomposer_.getDecomposition(static_cast<UChar32>(c.value), decomposed))
                marks.append(decomposed);
            else
                marks.append(static_cast<UChar32>(c.value));
        }
        std::vector<Mark> sorted;
        for (int32_t at = 0; at < marks.length(); at = marks.moveIndex32(at, 1)) {
            UChar32 c = marks.char32At(at);
            sorted.push_back({u_getCombiningClass(c), static_cast<uint32_t>(sorted.size()),
                              static_cast<char32_t>(c)});
        }
        std::sort(sorted.begin(), sorted.end());
        out_.append(text_.substr(done_, run_begin_ - done_));
        for (const Mark& mark : sorted) AppendUtf8(mark.value, out_);
        done_ = end;
    }

    const icu::Normalizer2& decomposer_;
    std::string_view text_;
    std::string out_;
    size_t done_ = 0;  // text before it is in out_
    size_t run_begin_ = 0;
    size_t run_length_ = 0;  // in code points
};

std::string Apply(const UnicodeFormStep& step, std::string text) {
    using Form = UnicodeFormStep::Form;
    bool compatible = step.form == Form::kNfkc || step.form == Form::kNfkd;
    bool compose = step.form == Form::kNfc || step.form == Form::kNfkc;
    UErrorCode status = U_ZERO_ERROR;
    const icu::Normalizer2* decomposer = compatible ? icu::Normalizer2::getNFKDInstance(status)
                                                    : icu::Normalizer2::getNFDInstance(status);
    const icu::Normalizer2* composer = compatible ? icu::Normalizer2::getNFKCInstance(status)
                                                  : icu::Normalizer2::getNFCInstance(status);
    LATHE_CHECK(U_SUCCESS(status));
    const icu::Normalizer2* form = compose ? composer : decomposer;
    auto piece = [&] { return icu::StringPiece(text.data(), static_cast<int32_t>(text.size())); };
    if (auto sorted = MarkSorter(*decomposer, text).Run()) text = std::move(*sorted);
    if (form->isNormalizedUTF8(piece(), status)) return text;
    std::string out;
    icu::StringByteSink<std::string> sink(&out);
    form->normalizeUTF8(0, piece(), sink, nullptr, status);
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
