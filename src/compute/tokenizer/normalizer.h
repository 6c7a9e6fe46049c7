#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "compute/tokenizer/split_pattern.h"

namespace lathe::tokenizer {

struct UnicodeFormStep {
    enum class Form { kNfc, kNfd, kNfkc, kNfkd } form = Form::kNfc;
};
struct LowercaseStep {};
struct ReplaceStep {  // every match, from left to right
    SplitPattern pattern;
    std::string content;
};
struct PrependStep {  // unless the text is empty
    std::string content;
};
struct StripStep {  // white space
    bool left = true;
    bool right = true;
};

// Rewrites text before it is cut and encoded: a list of steps.
//
// Const-safe. Takes and gives valid UTF-8.
class Normalizer {
public:
    using Step = std::variant<UnicodeFormStep, LowercaseStep, ReplaceStep, PrependStep, StripStep>;

    Normalizer() = default;  // changes nothing
    explicit Normalizer(std::vector<Step> steps) : steps_(std::move(steps)) {}

    bool empty() const { return steps_.empty(); }
    std::string Run(std::string text) const;

private:
    std::vector<Step> steps_;
};

}  // namespace lathe::tokenizer
