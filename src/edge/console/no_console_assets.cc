// Stands in for the generated list of a build with LATHE_CONSOLE=OFF.
#include "edge/console/console_assets.h"

namespace lathe::console {

std::span<const Asset> ConsoleAssets() {
    return {};
}

}  // namespace lathe::console
