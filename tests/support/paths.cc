#include "support/paths.h"

#include <cstdio>
#include <cstdlib>

#include "core/platform/files.h"

namespace lathe::testing_support {

std::filesystem::path ModelFile(std::string_view name) {
    auto home = platform::LatheHome();
    if (home) {
        std::error_code ignored;
        for (const auto& entry :
             std::filesystem::directory_iterator(*home / "models" / name, ignored))
            if (entry.path().extension() == ".gguf") return entry.path();
    }
    std::fprintf(stderr, "the tests need the model %.*s: run scripts/fetch-model %.*s\n",
                 static_cast<int>(name.size()), name.data(), static_cast<int>(name.size()),
                 name.data());
    std::abort();
}

std::filesystem::path SourceTree() {
    return LATHE_SOURCE_DIR;
}

std::filesystem::path Golden(std::string_view name) {
    return SourceTree() / "tests" / "golden" / name;
}

}  // namespace lathe::testing_support
