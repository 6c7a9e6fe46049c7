#include "runs_folder.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <cctype>
#include <ctime>

#include "core/platform/files.h"

namespace lathe::app {
namespace {

constexpr size_t kNameBytesMax = 100;
constexpr int kAttemptsMax = 1000;

std::string NameOf(std::string_view model) {
    std::string name(model.substr(0, kNameBytesMax));
    std::ranges::replace_if(
        name, [](unsigned char c) { return std::isalnum(c) == 0 && c != '.' && c != '_'; }, '-');
    return name.empty() || name.front() == '.' ? "run" + name : name;
}

}  // namespace

Result<std::filesystem::path> RunsFolder(const std::string& given) {
    if (!given.empty()) return given;
    LATHE_TRY(auto home, platform::LatheHome());
    return home / "runs";
}

Result<std::filesystem::path> MakeRunFolder(std::string_view model) {
    LATHE_TRY(auto root, RunsFolder());
    std::error_code failed;
    std::filesystem::create_directories(root, failed);
    std::string name =
        fmt::format("{}-{:%Y%m%d-%H%M%S}", NameOf(model), fmt::localtime(std::time(nullptr)));
    for (int i = 1; !failed && i <= kAttemptsMax; ++i) {
        auto folder = root / (i == 1 ? name : fmt::format("{}-{}", name, i));
        if (std::filesystem::create_directory(folder, failed)) return folder;
    }
    return std::unexpected(
        platform::ErrnoError(failed.value(), "cannot make a folder for the run in", root));
}

Result<std::filesystem::path> FindRun(const std::string& given) {
    std::error_code failed;
    if (std::filesystem::exists(given, failed)) return std::filesystem::path(given);
    LATHE_TRY(std::filesystem::path root, RunsFolder());
    return std::filesystem::exists(root / given, failed) ? root / given
                                                         : std::filesystem::path(given);
}

}  // namespace lathe::app
