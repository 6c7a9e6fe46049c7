#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "compute/tokenizer/split_pattern.h"
#include "core/base/result.h"

namespace lathe::tokenizer {

// What becomes of the matches of a pattern and of the text between them.
enum class SplitBehavior {
    kRemoved,             // matches are dropped
    kIsolated,            // each match is a piece
    kMergedWithPrevious,  // a match ends the piece before it
    kMergedWithNext,      // a match begins the piece after it
    kContiguous,          // matches that touch are one piece
};

struct SplitStep {
    SplitPattern pattern;
    SplitBehavior behavior = SplitBehavior::kIsolated;
    bool invert = false;  // the text between the matches counts as the match
};

// Puts a space before every piece that does not begin with one.
struct PrefixSpaceStep {};

// Replaces spaces by `replacement` (SentencePiece's U+2581), puts one before a piece
// and cuts before each.
struct MetaspaceStep {
    enum class Prepend { kAlways, kFirst, kNever };
    std::string replacement = "\u2581";
    Prepend prepend = Prepend::kAlways;
    bool split = true;
};

// Cuts text into the pieces that a model encodes one by one. Each step cuts further
// what the steps before it have left.
//
// Const-safe.
class PreTokenizer {
public:
    using Step = std::variant<SplitStep, PrefixSpaceStep, MetaspaceStep>;

    PreTokenizer() = default;  // the whole text is one piece
    explicit PreTokenizer(std::vector<Step> steps) : steps_(std::move(steps)) {}

    // `text` may be changed by the steps that insert or replace; `pieces`, which is
    // filled, refers to it. `at_text_start`: nothing of the user's text comes before.
    void Run(std::string& text, bool at_text_start, std::vector<TextRange>& pieces) const;

private:
    std::vector<Step> steps_;
};

// The pieces of `text` between and of the matches.
void SplitText(const SplitStep& step, std::string_view text, std::vector<TextRange>& pieces);

}  // namespace lathe::tokenizer
