#pragma once

#include <span>

#include "compute/chat/filters.h"

namespace lathe::chat {

// The filters of each file, by name in order.
std::span<const Filter> TextFilters();
std::span<const Filter> SequenceFilters();
std::span<const Filter> SelectionFilters();
std::span<const Filter> ValueFilters();

}  // namespace lathe::chat
