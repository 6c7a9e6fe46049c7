// GPT-2's alphabet: a printable character for each byte, in which the vocabularies of
// byte-level tokenizers are written (space is "Ġ", newline "Ċ").
// Thread-safe: free functions only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lathe::tokenizer {

// The character that stands for `byte`, as UTF-8.
std::string_view ByteLevelCharacter(unsigned char byte);

// Appends the characters of all bytes.
void AppendByteLevel(std::string_view bytes, std::string& out);

// The bytes that `text` stands for; nullopt if a character of it stands for none.
std::optional<std::string> FromByteLevel(std::string_view text);

}  // namespace lathe::tokenizer
