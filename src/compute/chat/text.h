#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compute/chat/budget.h"

namespace lathe::chat {

// Python's str operations on valid UTF-8; indices and widths count code points.
// Views point into the first argument. Thread-safe.

// Byte offsets, npos if absent; in linear time whatever the texts.
size_t Find(std::string_view text, std::string_view part, size_t from = 0);
size_t FindLast(std::string_view text, std::string_view part);

enum class Side : uint8_t { kBoth, kLeft, kRight };

// Without `characters`: white space.
std::string_view Strip(std::string_view text, std::optional<std::string_view> characters,
                       Side side = Side::kBoth);

// `splits_max` < 0: all. Without a separator: runs of white space. Requires: the
// separator is not empty.
std::vector<std::string_view> Split(Budget& budget, std::string_view text,
                                    std::optional<std::string_view> separator, int64_t splits_max);
std::vector<std::string_view> SplitFromRight(Budget& budget, std::string_view text,
                                             std::optional<std::string_view> separator,
                                             int64_t splits_max);
enum class LineEnds : uint8_t { kDrop, kKeep };
std::vector<std::string_view> SplitLines(Budget& budget, std::string_view text, LineEnds ends);

// `count_max` < 0: all.
std::string Replace(Budget& budget, std::string_view text, std::string_view from,
                    std::string_view to, int64_t count_max);
size_t CountOf(std::string_view text, std::string_view part);

std::string ExpandTabs(Budget& budget, std::string_view text, int64_t tab_width);
// Padding of `missing` code points: where the text stands is `side`'s opposite.
enum class Align : uint8_t { kLeft, kRight, kCenter };
std::string Pad(Budget& budget, std::string_view text, size_t length, int64_t width,
                std::string_view fill, Align align);

// & < > ' " as HTML entities.
std::string EscapeHtml(Budget& budget, std::string_view text);
// Percent-encodes all but letters, digits, "_.-~" and what is in `safe`.
std::string EncodeUrl(Budget& budget, std::string_view text, std::string_view safe);

// jinja2's title filter: a word starts after - ( { [ < or white space.
std::string TitleWords(std::string_view text);
size_t CountWords(std::string_view text);

}  // namespace lathe::chat
