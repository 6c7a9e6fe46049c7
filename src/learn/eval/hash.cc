#include "learn/eval/hash.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

#include "core/base/check.h"

namespace lathe::eval {

std::string HashText(std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    LATHE_CHECK(EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) ==
                1);
    std::string out;
    for (unsigned i = 0; i < size; ++i) out += fmt::format("{:02x}", digest[i]);
    return out;
}

}  // namespace lathe::eval
