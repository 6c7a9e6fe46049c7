#include <array>

#include "compute/tokenizer/split_pattern.h"

namespace lathe::tokenizer {

SplitMatcher::SplitMatcher(const SplitPattern& pattern, std::string_view text)
    : pattern_(pattern), text_(text), loops_(pattern.loop_count_) {}

std::optional<TextRange> SplitMatcher::Find(size_t from) {
    for (size_t at = from; at < text_.size(); at += CodePointAt(text_, at).bytes) {
        for (const auto& alternative : pattern_.alternatives_) {
            size_t end = Match(alternative, 0, at);
            if (end != kNone) return TextRange{at, end};
        }
    }
    return std::nullopt;
}

size_t SplitMatcher::Step(uint32_t set, size_t at) const {
    if (at >= text_.size()) return kNone;
    CodePoint c = CodePointAt(text_, at);
    return pattern_.sets_[set].Contains(c.value) ? at + c.bytes : kNone;
}

size_t SplitMatcher::Match(const SplitPattern::Alternative& alternative, size_t item, size_t at) {
    using Kind = SplitPattern::Kind;
    for (; item < alternative.size(); ++item) {
        const SplitPattern::Item& wanted = alternative[item];
        switch (wanted.kind) {
            case Kind::kEnd:
                if (at != text_.size() && text_[at] != '\n') return kNone;
                break;
            case Kind::kAhead:
                if (Step(wanted.set, at) == kNone) return kNone;
                break;
            case Kind::kNotAhead:
                if (Step(wanted.set, at) != kNone) return kNone;
                break;
            case Kind::kWords:
                return MatchWords(alternative, item, at);
            case Kind::kSet:
                if (wanted.max == SplitPattern::kUnbounded)
                    return MatchUnbounded(alternative, item, at);
                if (wanted.min != 1 || wanted.max != 1) return MatchBounded(alternative, item, at);
                at = Step(wanted.set, at);
                if (at == kNone) return kNone;
                break;
        }
    }
    return at;
}

size_t SplitMatcher::MatchWords(const SplitPattern::Alternative& alternative, size_t item,
                                size_t at) {
    for (const auto& word : alternative[item].words) {
        size_t end = at;
        for (size_t i = 0; i < word.size() && end != kNone; ++i) end = Step(word[i], end);
        if (end == kNone) continue;
        size_t result = Match(alternative, item + 1, end);
        if (result != kNone) return result;
    }
    return alternative[item].min == 0 ? Match(alternative, item + 1, at) : kNone;
}

size_t SplitMatcher::MatchBounded(const SplitPattern::Alternative& alternative, size_t item,
                                  size_t at) {
    const SplitPattern::Item& wanted = alternative[item];
    std::array<size_t, SplitPattern::kRepeatMax + 1> ends;
    uint32_t count = 0;
    ends[0] = at;
    while (count < wanted.max) {
        size_t next = Step(wanted.set, ends[count]);
        if (next == kNone) break;
        ends[++count] = next;
    }
    for (uint32_t taken = count; taken + 1 > wanted.min; --taken) {
        size_t result = Match(alternative, item + 1, ends[taken]);
        if (result != kNone || wanted.possessive) return result;
        if (taken == 0) break;
    }
    return kNone;
}

size_t SplitMatcher::MatchUnbounded(const SplitPattern::Alternative& alternative, size_t item,
                                    size_t at) {
    const SplitPattern::Item& wanted = alternative[item];
    for (uint32_t taken = 0; taken < wanted.min; ++taken) {
        at = Step(wanted.set, at);
        if (at == kNone) return kNone;
    }
    Loop& loop = loops_[wanted.loop];
    ExtendRun(loop, wanted.set, at);
    if (wanted.possessive) return Match(alternative, item + 1, loop.end);
    if (loop.failed_from == kNone) {
        size_t result = Match(alternative, item + 1, loop.end);
        if (result != kNone) return result;
        loop.failed_from = loop.end;
    }
    while (loop.failed_from > at) {
        size_t stop = PreviousStart(text_, loop.failed_from);
        size_t result = Match(alternative, item + 1, stop);
        if (result != kNone) return result;
        loop.failed_from = stop;
    }
    return kNone;
}

void SplitMatcher::ExtendRun(Loop& loop, uint32_t set, size_t at) const {
    if (loop.begin <= at && at <= loop.end && loop.begin != loop.end) return;
    size_t stop = at;
    while (stop != loop.begin || loop.begin == loop.end) {
        size_t next = Step(set, stop);
        if (next == kNone) {
            loop = Loop{at, stop, kNone};
            return;
        }
        stop = next;
    }
    loop.begin = at;  // ran into the run known already: what failed there still fails
}

}  // namespace lathe::tokenizer
