#include "compute/chat/budget.h"

#include <algorithm>

namespace lathe::chat {

void Budget::FailSteps() const {
    Fail("the template takes more than {} steps; it loops too much", limits_.steps_max);
}

void Budget::FailMemory() const {
    Fail("the template needs more than {} bytes of memory", limits_.memory_bytes_max);
}

void TextBuilder::Repeat(std::string_view text, size_t count) {
    if (text.empty() || count == 0) return;
    budget_.RequireRoom(count, text.size());
    Grow(text.size() * count);
    for (size_t i = 0; i < count; ++i) text_.append(text);
}

void TextBuilder::Reserve(size_t more) {
    budget_.RequireRoom(more);
    size_t capacity = std::max(text_.size() + more, text_.capacity() * 2);
    budget_.Take(capacity);  // old and new exist side by side for a moment
    text_.reserve(capacity);
    budget_.Return(charged_);
    charged_ = capacity;
}

std::string TextBuilder::Release() {
    budget_.Return(charged_);
    charged_ = 0;
    return std::move(text_);
}

}  // namespace lathe::chat
