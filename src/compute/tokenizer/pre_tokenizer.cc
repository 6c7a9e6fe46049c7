#include "compute/tokenizer/pre_tokenizer.h"

namespace lathe::tokenizer {
namespace {

struct Span {
    TextRange range;
    bool match = false;
};

// Emits pieces of a sequence of matches and gaps as the behavior asks.
class SpanSink {
public:
    SpanSink(SplitBehavior behavior, std::vector<TextRange>& pieces)
        : behavior_(behavior), pieces_(pieces) {}

    void Add(Span span) {
        if (span.range.begin == span.range.end) return;
        switch (behavior_) {
            case SplitBehavior::kRemoved:
                if (!span.match) pieces_.push_back(span.range);
                break;
            case SplitBehavior::kIsolated:
                pieces_.push_back(span.range);
                break;
            case SplitBehavior::kMergedWithPrevious:
                Join(span, /*join=*/span.match && any_ && !previous_match_);
                break;
            case SplitBehavior::kMergedWithNext:
                Join(span, /*join=*/!span.match && any_ && previous_match_);
                break;
            case SplitBehavior::kContiguous:
                Join(span, /*join=*/any_ && span.match == previous_match_);
                break;
        }
        previous_match_ = span.match;
        any_ = true;
    }

private:
    void Join(Span span, bool join) {
        if (join)
            pieces_.back().end = span.range.end;
        else
            pieces_.push_back(span.range);
    }

    SplitBehavior behavior_;
    std::vector<TextRange>& pieces_;
    bool any_ = false;
    bool previous_match_ = false;
};

// Cuts every piece by `step`.
void SplitPieces(const SplitStep& step, std::string_view text, std::vector<TextRange>& pieces) {
    std::vector<TextRange> cut, parts;
    cut.reserve(pieces.size());
    for (TextRange piece : pieces) {
        parts.clear();
        SplitText(step, text.substr(piece.begin, piece.end - piece.begin), parts);
        for (TextRange part : parts)
            cut.push_back({piece.begin + part.begin, piece.begin + part.end});
    }
    pieces = std::move(cut);
}

void PrefixSpaces(std::string& text, std::vector<TextRange>& pieces) {
    std::string changed;
    changed.reserve(text.size() + pieces.size());
    for (TextRange& piece : pieces) {
        size_t begin = changed.size();
        if (text[piece.begin] != ' ') changed += ' ';
        changed.append(text, piece.begin, piece.end - piece.begin);
        piece = {begin, changed.size()};
    }
    text = std::move(changed);
}

void Metaspace(const MetaspaceStep& step, bool at_text_start, std::string& text,
               std::vector<TextRange>& pieces) {
    std::string changed;
    std::vector<TextRange> cut;
    for (TextRange piece : pieces) {
        std::string_view old(text.data() + piece.begin, piece.end - piece.begin);
        bool prefixed = old.starts_with(' ') || old.starts_with(step.replacement);
        bool prepend =
            step.prepend == MetaspaceStep::Prepend::kAlways ||
            (step.prepend == MetaspaceStep::Prepend::kFirst && at_text_start && piece.begin == 0);
        size_t begin = changed.size();
        if (prepend && !prefixed) changed += step.replacement;
        for (size_t at = 0; at < old.size(); ++at) {
            bool space = old[at] == ' ' || old.substr(at).starts_with(step.replacement);
            if (space && step.split && changed.size() > begin) {
                cut.push_back({begin, changed.size()});
                begin = changed.size();
            }
            if (old[at] == ' ')
                changed += step.replacement;
            else
                changed += old[at];
        }
        if (changed.size() > begin) cut.push_back({begin, changed.size()});
    }
    text = std::move(changed);
    pieces = std::move(cut);
}

}  // namespace

void SplitText(const SplitStep& step, std::string_view text, std::vector<TextRange>& pieces) {
    SplitMatcher matcher(step.pattern, text);
    SpanSink sink(step.behavior, pieces);
    size_t at = 0;
    while (auto match = matcher.Find(at)) {
        sink.Add({{at, match->begin}, step.invert});
        sink.Add({*match, !step.invert});
        at = match->end;
    }
    sink.Add({{at, text.size()}, step.invert});
}

void PreTokenizer::Run(std::string& text, bool at_text_start,
                       std::vector<TextRange>& pieces) const {
    pieces.clear();
    if (text.empty()) return;
    pieces.push_back({0, text.size()});
    for (const Step& step : steps_) {
        if (const auto* split = std::get_if<SplitStep>(&step))
            SplitPieces(*split, text, pieces);
        else if (const auto* metaspace = std::get_if<MetaspaceStep>(&step))
            Metaspace(*metaspace, at_text_start, text, pieces);
        else
            PrefixSpaces(text, pieces);
    }
}

}  // namespace lathe::tokenizer
