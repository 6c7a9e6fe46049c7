#include "edge/console/console_assets.h"

namespace lathe::console {

const Asset* FindAsset(std::string_view path) {
    if (path == "/") path = "/index.html";
    for (const Asset& asset : ConsoleAssets())
        if (asset.path == path) return &asset;
    return nullptr;
}

}  // namespace lathe::console
