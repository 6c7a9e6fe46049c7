#include "compute/tokenizer/byte_level.h"

#include <array>
#include <cstdint>

#include "compute/tokenizer/utf8.h"

namespace lathe::tokenizer {
namespace {

// The bytes that are printable in Latin-1 stand for themselves; the others follow
// from U+0100 on.
struct Alphabet {
    std::array<std::string, 256> characters;
    std::array<int16_t, 0x144> bytes;  // by code point; -1: none
};

const Alphabet& GetAlphabet() {
    static const Alphabet kAlphabet = [] {
        Alphabet alphabet;
        alphabet.bytes.fill(-1);
        char32_t next = 0x100;
        for (int byte = 0; byte < 256; ++byte) {
            bool printable =
                (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
            char32_t c = printable ? static_cast<char32_t>(byte) : next++;
            AppendUtf8(c, alphabet.characters[static_cast<size_t>(byte)]);
            alphabet.bytes[c] = static_cast<int16_t>(byte);
        }
        return alphabet;
    }();
    return kAlphabet;
}

}  // namespace

std::string_view ByteLevelCharacter(unsigned char byte) {
    return GetAlphabet().characters[byte];
}

void AppendByteLevel(std::string_view bytes, std::string& out) {
    for (char byte : bytes) out += ByteLevelCharacter(static_cast<unsigned char>(byte));
}

std::optional<std::string> FromByteLevel(std::string_view text) {
    const auto& bytes = GetAlphabet().bytes;
    if (!IsValidUtf8(text)) return std::nullopt;
    std::string out;
    for (size_t at = 0; at < text.size();) {
        CodePoint c = CodePointAt(text, at);
        at += c.bytes;
        if (c.value >= bytes.size() || bytes[c.value] < 0) return std::nullopt;
        out += static_cast<char>(bytes[c.value]);
    }
    return out;
}

}  // namespace lathe::tokenizer
