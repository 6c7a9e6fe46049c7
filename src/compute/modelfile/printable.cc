#include "compute/modelfile/printable.h"

#include <fmt/format.h>

#include <cstdint>

namespace lathe::modelfile {
namespace {

// Bytes of the well-formed UTF-8 character at the start of `text`, or 0.
size_t CharacterLength(std::string_view text) {
    auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
    uint8_t first = byte(0);
    if (first < 0x80) return 1;
    size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
    for (size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xC0) != 0x80) return 0;
    if (first == 0xE0 && byte(1) < 0xA0) return 0;  // overlong
    if (first == 0xED && byte(1) > 0x9F) return 0;  // surrogate
    if (first == 0xF0 && byte(1) < 0x90) return 0;
    if (first == 0xF4 && byte(1) > 0x8F) return 0;
    return length;
}

}  // namespace

std::string Printable(std::string_view text, size_t length_max) {
    std::string out;
    while (!text.empty()) {
        if (out.size() >= length_max) return out + "…";
        size_t length = CharacterLength(text);
        auto first = static_cast<uint8_t>(text[0]);
        // U+0080 to U+009F are control characters too.
        bool control = first < 0x20 || first == 0x7F ||
                       (first == 0xC2 && length == 2 && static_cast<uint8_t>(text[1]) < 0xA0);
        if (first == '\n') {
            out += "\\n";
            length = 1;
        } else if (length == 0 || control) {
            out += fmt::format("\\x{:02X}", first);
            length = 1;
        } else {
            out += text.substr(0, length);
        }
        text.remove_prefix(length);
    }
    return out;
}

}  // namespace lathe::modelfile
