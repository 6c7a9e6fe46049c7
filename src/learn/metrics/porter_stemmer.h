#pragma once

#include <string>
#include <string_view>

namespace lathe::metrics {

// The stem of an English word (Porter, "An algorithm for suffix stripping", 1980) with the
// extensions that NLTK's PorterStemmer has by default, since rouge_score uses that one.
// Requires: ASCII, lower case. Thread-safe.
std::string PorterStem(std::string_view word);

}  // namespace lathe::metrics
