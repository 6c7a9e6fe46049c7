#include "compute/engine/stop_matcher.h"

#include <algorithm>

#include "core/base/check.h"

namespace lathe::engine {

StopMatcher::StopMatcher(std::span<const std::string> stops) {
    for (const std::string& stop : stops) {
        LATHE_CHECK(!stop.empty());
        Pattern pattern{stop, std::vector<uint32_t>(stop.size(), 0), 0};
        uint32_t border = 0;
        for (size_t i = 1; i < stop.size(); ++i) {
            while (border > 0 && stop[i] != stop[border]) border = pattern.fallback[border - 1];
            if (stop[i] == stop[border]) ++border;
            pattern.fallback[i] = border;
        }
        patterns_.push_back(std::move(pattern));
    }
}

// Whether the text now ends with the whole pattern.
bool StopMatcher::Advance(Pattern& pattern, char byte) {
    while (pattern.matched > 0 && pattern.text[pattern.matched] != byte)
        pattern.matched = pattern.fallback[pattern.matched - 1];
    if (pattern.text[pattern.matched] == byte) ++pattern.matched;
    return pattern.matched == pattern.text.size();
}

const std::string* StopMatcher::Push(std::string_view piece, bool include_stop, std::string& out) {
    if (patterns_.empty()) {
        out += piece;
        return nullptr;
    }
    for (char byte : piece) {
        held_ += byte;
        const Pattern* found = nullptr;
        for (Pattern& pattern : patterns_)
            if (Advance(pattern, byte) && (!found || pattern.text.size() > found->text.size()))
                found = &pattern;
        if (!found) continue;
        if (!include_stop) held_.resize(held_.size() - found->text.size());
        Flush(out);
        return &found->text;
    }
    size_t keep = 0;
    for (const Pattern& pattern : patterns_) keep = std::max<size_t>(keep, pattern.matched);
    out.append(held_, 0, held_.size() - keep);
    held_.erase(0, held_.size() - keep);
    return nullptr;
}

void StopMatcher::Flush(std::string& out) {
    out += held_;
    held_.clear();
}

}  // namespace lathe::engine
