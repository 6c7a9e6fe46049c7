// A choice as a person reads it.
//
// Thread-safe: free functions only.
#pragma once

#include <string>

#include "learn/choose/choice.h"

namespace lathe::choose {

// The ranking as a table for a terminal, then the sentences; ends in a new line.
std::string ChoiceAsText(const Choice& choice, Language language);

// One page without outside parts and without scripts: sentences, ranking, quality against
// speed, memory and cost, predictions for other machines.
std::string ChoiceAsHtml(const Choice& choice, Language language);

}  // namespace lathe::choose
