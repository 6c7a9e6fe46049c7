#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "compute/chat/chat_template.h"

namespace lathe::chat {

// What stops a template. Thrown inside the component only; ChatTemplate turns it into
// an Error and adds the line.
struct Fault {
    std::string message;
};

template <typename... Args>
[[noreturn]] void Fail(fmt::format_string<Args...> format, Args&&... args) {
    throw Fault{fmt::format(format, std::forward<Args>(args)...)};
}

// What one parse or one rendering may still use. Everything that evaluates counts here,
// before it allocates or loops. One thread; outlives every value made under it.
class Budget {
public:
    explicit Budget(const TemplateLimits& limits) : limits_(limits) {}
    Budget(const Budget&) = delete;
    Budget& operator=(const Budget&) = delete;

    void Step(uint64_t count = 1) {
        if (count > limits_.steps_max - steps_) FailSteps();
        steps_ += count;
    }
    // For reading or writing `bytes` at the speed of a copy.
    void Work(size_t bytes) { Step(bytes / kBytesPerStep); }

    void Take(size_t bytes) {
        RequireRoom(bytes);
        memory_ += bytes;
    }
    void Return(size_t bytes) noexcept { memory_ -= bytes; }
    // Fails unless `bytes` more would fit.
    void RequireRoom(size_t bytes) const {
        if (bytes > limits_.memory_bytes_max - memory_) FailMemory();
    }
    // The same for `count` things of `size` bytes, whatever their product.
    void RequireRoom(size_t count, size_t size) const {
        if (size != 0 && count > limits_.memory_bytes_max / size) FailMemory();
        RequireRoom(count * size);
    }

    const TemplateLimits& limits() const { return limits_; }
    uint64_t steps() const { return steps_; }
    size_t memory_bytes() const { return memory_; }

private:
    static constexpr size_t kBytesPerStep = 256;

    [[noreturn]] void FailSteps() const;
    [[noreturn]] void FailMemory() const;

    const TemplateLimits limits_;
    uint64_t steps_ = 0;
    size_t memory_ = 0;
};

// Builds one text under a budget. One thread.
class TextBuilder {
public:
    explicit TextBuilder(Budget& budget) : budget_(budget) {}
    TextBuilder(const TextBuilder&) = delete;
    TextBuilder& operator=(const TextBuilder&) = delete;
    ~TextBuilder() { budget_.Return(charged_); }

    void Append(std::string_view text) {
        Grow(text.size());
        text_.append(text);
    }
    void Append(char c) {
        Grow(1);
        text_.push_back(c);
    }
    void Repeat(std::string_view text, size_t count);

    const std::string& text() const { return text_; }
    // The text, no longer charged here.
    std::string Release();

private:
    void Grow(size_t more) {
        if (more > text_.capacity() - text_.size()) Reserve(more);
        budget_.Work(more);
    }
    void Reserve(size_t more);

    Budget& budget_;
    std::string text_;
    size_t charged_ = 0;
};

}  // namespace lathe::chat
