#include "learn/eval/task_library.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <tuple>

#include "core/json/json.h"
#include "learn/eval/task_yaml.h"

namespace lathe::eval {
namespace {

namespace fs = std::filesystem;

// How far above the program its data may lie: build/release/lathe and data/eval.
constexpr int kParentsMax = 3;

// Takes a server that sees; `all` are the tasks that every model can try.
constexpr std::string_view kVision = "vision";

std::vector<fs::path> OwnFolders() {
    std::error_code failed;
    fs::path place = fs::read_symlink("/proc/self/exe", failed).parent_path();
    for (int i = 0; i <= kParentsMax; ++i, place = place.parent_path())
        for (const char* below : {"share/lathe/eval", "data/eval"})
            if (fs::is_directory(place / below, failed)) return {place / below};
    return {};
}

Result<LibraryTask> ReadTask(const fs::path& file) {
    LATHE_TRY(Json config, ReadTaskYaml(file));
    LibraryTask task;
    task.name = config.value("task", "");
    task.file = file;
    const Json about = config.value("metadata", Json::object());
    auto text = [&](const char* key) {
        return about.is_object() && about.contains(key) && about[key].is_string()
                   ? about[key].get<std::string>()
                   : std::string();
    };
    task.title = text("title");
    task.category = text("category");
    task.language = text("language");
    task.licence = text("licence");
    task.source = text("source");
    if (task.name.empty()) return InvalidParam("task", "{} names no `task`", file.string());
    return task;
}

}  // namespace

Result<TaskLibrary> TaskLibrary::Open() {
    std::vector<fs::path> folders;
    if (const char* given = std::getenv("LATHE_TASKS")) {
        std::stringstream list(given);
        for (std::string folder; std::getline(list, folder, ':');)
            if (!folder.empty()) folders.emplace_back(folder);
    }
    for (const fs::path& folder : folders) {
        std::error_code failed;
        if (!fs::is_directory(folder, failed))
            return MakeError(Code::kNotFound, "LATHE_TASKS names {}, which is no folder",
                             folder.string());
    }
    std::ranges::copy(OwnFolders(), std::back_inserter(folders));
    return OpenFolders(folders);
}

Result<TaskLibrary> TaskLibrary::OpenFolders(const std::vector<fs::path>& folders) {
    TaskLibrary library;
    for (const fs::path& folder : folders) {
        std::error_code failed;
        for (const auto& entry : fs::directory_iterator(folder, failed)) {
            fs::path file = entry.path() / "task.yaml";
            if (!fs::is_regular_file(file, failed)) continue;
            LATHE_TRY(LibraryTask task, ReadTask(file));
            bool known = std::ranges::count(library.tasks_, task.name, &LibraryTask::name) > 0;
            if (!known) library.tasks_.push_back(std::move(task));  // the first folder's counts
        }
    }
    std::ranges::sort(library.tasks_, {}, [](const LibraryTask& task) {
        return std::tie(task.category, task.language, task.name);
    });
    return library;
}

Result<std::vector<fs::path>> TaskLibrary::Find(const std::string& name) const {
    std::error_code failed;
    if (name.ends_with(".yaml") || fs::is_regular_file(name, failed))
        return std::vector<fs::path>{name};
    std::vector<fs::path> files;
    for (const LibraryTask& task : tasks_)
        if (task.name == name || task.category == name ||
            (name == "all" && task.category != kVision))
            files.push_back(task.file);
    if (!files.empty()) return files;
    std::string names;
    for (const LibraryTask& task : tasks_) names += (names.empty() ? "" : ", ") + task.name;
    return MakeError(
        Code::kNotFound,
        "there is no task {}: give a YAML file, or one of {}; `lathe eval --list` says "
        "what they are",
        name, names.empty() ? "(this program came without tasks)" : names);
}

}  // namespace lathe::eval
