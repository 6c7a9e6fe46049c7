#include "compute/modelfile/foreign_bytes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "compute/modelfile/byte_reader.h"

namespace lathe::modelfile {
namespace {

using std::string_view_literals::operator""sv;

struct Signature {
    std::string_view start;
    std::string_view meaning;
};

constexpr auto kSignatures = std::to_array<Signature>({
    {"GGUF"sv, "it is a GGUF file; give it the extension .gguf"},
    {"FUGG"sv,
     "it is a GGUF file in big-endian byte order; convert the model again for little endian"},
    {"lmgg"sv, "it is a GGML file of 2023, older than GGUF; download a GGUF version of the model"},
    {"fmgg"sv, "it is a GGML file of 2023, older than GGUF; download a GGUF version of the model"},
    {"tjgg"sv, "it is a GGML file of 2023, older than GGUF; download a GGUF version of the model"},
    {"PK\x03\x04"sv,
     "it looks like a ZIP archive or a PyTorch checkpoint; use the model's GGUF or safetensors "
     "files"},
    {"\x80\x02"sv, "it looks like a Python pickle; use the model's GGUF or safetensors files"},
    {"\x89PNG"sv, "it looks like a PNG picture"},
    {"\xFF\xD8\xFF"sv, "it looks like a JPEG picture"},
    {"%PDF"sv, "it looks like a PDF document"},
    {"\x1F\x8B"sv, "it looks like a gzip archive; unpack it first"},
    {"\x28\xB5\x2F\xFD"sv, "it looks like a Zstandard archive; unpack it first"},
    {"\x7F"
     "ELF"sv,
     "it looks like a program"},
    {"\x89HDF"sv, "it looks like an HDF5 file; use the model's GGUF or safetensors files"},
    {"version https://git-lfs"sv,
     "it is a Git LFS pointer, not the model itself; run `git lfs pull` or download the file"},
    {"<!"sv,
     "it looks like a web page, perhaps a login or error page saved as the model; download it "
     "again"},
    {"<html"sv,
     "it looks like a web page, perhaps a login or error page saved as the model; download it "
     "again"},
    {"{"sv, "it looks like JSON text"},
});

bool LooksLikeSafetensors(std::span<const std::byte> bytes) {
    ByteReader reader(bytes);
    auto length = reader.Read<uint64_t>();
    return length && *length < (uint64_t{1} << 32) && reader.Read<char>() == '{';
}

}  // namespace

std::string DescribeForeignBytes(std::span<const std::byte> bytes) {
    if (bytes.empty()) return "it is empty; download it again";
    std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    for (const Signature& signature : kSignatures)
        if (text.starts_with(signature.start)) return std::string(signature.meaning);
    if (LooksLikeSafetensors(bytes))
        return "it looks like a safetensors file; open the folder that holds it and its "
               "config.json";
    auto start = bytes.first(std::min<size_t>(bytes.size(), 4096));
    if (std::ranges::all_of(start, [](std::byte byte) { return byte == std::byte{0}; }))
        return "it begins with zeros, like a download that was cut; download it again";
    return fmt::format("it begins with the bytes {:02X}",
                       fmt::join(reinterpret_cast<const unsigned char*>(bytes.data()),
                                 reinterpret_cast<const unsigned char*>(bytes.data()) +
                                     std::min<size_t>(bytes.size(), 8),
                                 " "));
}

}  // namespace lathe::modelfile
