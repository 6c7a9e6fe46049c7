#include "learn/eval/image_part.h"

#include <openssl/evp.h>

#include <array>
#include <string_view>

#include "core/platform/files.h"

namespace lathe::eval {
namespace {

struct Format {
    std::string_view begin;         // of the bytes
    std::string_view begin_base64;  // of their Base64, as far as it is fixed
    std::string_view type;
};

constexpr auto kFormats = std::to_array<Format>({
    {"\x89PNG\r\n", "iVBORw0K", "image/png"},
    {"\xff\xd8\xff", "/9j/", "image/jpeg"},
    {"GIF8", "R0lGOD", "image/gif"},
    {"RIFF", "UklGR", "image/webp"},
});

std::string DataUrl(std::string_view type, std::string_view base64) {
    return fmt::format("data:{};base64,{}", type, base64);
}

std::string Base64(std::string_view bytes) {
    std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
    int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                               reinterpret_cast<const unsigned char*>(bytes.data()),
                               static_cast<int>(bytes.size()));
    out.resize(static_cast<size_t>(size));
    return out;
}

}  // namespace

Result<std::string> ImageUrl(const std::string& reference, const std::filesystem::path& folder) {
    for (std::string_view scheme : {"http://", "https://", "data:"})
        if (reference.starts_with(scheme)) return reference;
    constexpr std::string_view kBase64 =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    for (const Format& format : kFormats)
        if (reference.starts_with(format.begin_base64) &&
            reference.find_first_not_of(kBase64) == std::string::npos)
            return DataUrl(format.type, reference);
    std::filesystem::path file = folder / reference.substr(0, 4096);
    LATHE_TRY(std::string bytes, platform::ReadFile(file, kImageBytesMax));
    for (const Format& format : kFormats)
        if (bytes.starts_with(format.begin)) return DataUrl(format.type, Base64(bytes));
    return InvalidParam("doc_to_image", "{} is no PNG, JPEG, GIF or WebP image", file.string());
}

}  // namespace lathe::eval
