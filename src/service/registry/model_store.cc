#include "service/registry/model_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "core/json/json.h"
#include "core/platform/files.h"

namespace lathe::registry {
namespace {

namespace fs = std::filesystem;

constexpr size_t kSplitPartsMax = 1024;
constexpr size_t kSuggestionsMax = 3;
constexpr uint64_t kProvenanceBytesMax = 1u << 20;

// "-00001-of-00003.gguf" at the end of a name; `count` is 0 if it is not there.
struct SplitSuffix {
    std::string_view stem;
    size_t number = 0;
    size_t count = 0;
};

SplitSuffix ParseSplit(std::string_view name) {
    constexpr std::string_view kPattern = "-NNNNN-of-NNNNN.gguf";
    if (name.size() <= kPattern.size()) return {};
    std::string_view suffix = name.substr(name.size() - kPattern.size());
    for (size_t i = 0; i < suffix.size(); ++i) {
        bool digit = suffix[i] >= '0' && suffix[i] <= '9';
        if (kPattern[i] == 'N' ? !digit : suffix[i] != kPattern[i]) return {};
    }
    SplitSuffix split{.stem = name.substr(0, name.size() - kPattern.size())};
    std::from_chars(suffix.data() + 1, suffix.data() + 6, split.number);
    std::from_chars(suffix.data() + 10, suffix.data() + 15, split.count);
    if (split.number == 0 || split.number > split.count || split.count > kSplitPartsMax) return {};
    return split;
}

std::string SplitName(std::string_view stem, size_t number, size_t count) {
    return fmt::format("{}-{:05}-of-{:05}.gguf", stem, number, count);
}

// The files of a folder that belong to the model, by name.
struct FolderContent {
    std::map<std::string, uint64_t> files;  // bytes of each
    bool parts = false;                     // some are .part
};

FolderContent ReadFolder(const fs::path& folder) {
    FolderContent content;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        std::string name = entry.path().filename().string();
        std::error_code ignored;
        if (name.starts_with('.') || !entry.is_regular_file(ignored)) continue;
        uint64_t bytes = entry.file_size(ignored);
        content.files[name] = ignored ? 0 : bytes;
        if (name.ends_with(".part")) content.parts = true;
    }
    return content;
}

// The GGUF file to open, "" if there is none or it lacks parts.
std::string FirstGguf(const FolderContent& content) {
    for (const auto& [name, bytes] : content.files) {
        if (!name.ends_with(".gguf")) continue;
        SplitSuffix split = ParseSplit(name);
        if (split.count == 0) return name;
        bool whole = split.number == 1;
        for (size_t i = 1; whole && i <= split.count; ++i)
            whole = content.files.contains(SplitName(split.stem, i, split.count));
        if (whole) return name;
    }
    return "";
}

bool HasWeights(const FolderContent& content) {
    return std::ranges::any_of(
        content.files, [](const auto& file) { return file.first.ends_with(".safetensors"); });
}

// How many letters must change to make one name the other.
size_t EditDistance(std::string_view a, std::string_view b) {
    std::vector<size_t> row(b.size() + 1);
    for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (size_t i = 1; i <= a.size(); ++i) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size(); ++j) {
            size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
        }
    }
    return row[b.size()];
}

std::string Lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

bool IsNear(std::string_view asked, std::string_view name) {
    std::string a = Lower(asked), b = Lower(name);
    if (a.size() > 100) return false;
    bool contained = a.size() >= 3 && (b.find(a) != b.npos || a.find(b) != a.npos);
    return contained || EditDistance(a, b) <= std::max<size_t>(2, b.size() / 4);
}

// What to say when there is no such model: near names, here or to be pulled.
std::string Advice(std::string_view asked, const std::vector<StoredModel>& stored,
                   const Catalog& catalog) {
    std::vector<std::string> near;
    for (const StoredModel& model : stored)
        if (model.complete && IsNear(asked, model.name)) near.push_back(model.name);
    for (const CatalogModel& model : catalog.models()) {
        bool here = std::ranges::any_of(
            stored, [&](const StoredModel& one) { return one.complete && one.name == model.name; });
        if (!here && IsNear(asked, model.name))
            near.push_back(fmt::format("{} (`lathe pull {}` brings it)", model.name, model.name));
    }
    if (near.size() > kSuggestionsMax) near.resize(kSuggestionsMax);
    if (near.empty()) return "`lathe list` shows the models that are here and that can be pulled";
    return fmt::format("did you mean {}?", fmt::join(near, " or "));
}

// A path given by the user: a folder that holds nothing but a GGUF file means that file.
fs::path OpenableIn(const fs::path& path) {
    std::error_code ignored;
    if (!fs::is_directory(path, ignored)) return path;
    FolderContent content = ReadFolder(path);
    if (content.files.contains("config.json")) return path;
    std::string gguf = FirstGguf(content);
    return gguf.empty() ? path : path / gguf;
}

}  // namespace

std::vector<std::string> SplitNames(std::string_view name) {
    SplitSuffix split = ParseSplit(name);
    if (split.count == 0) return {std::string(name)};
    std::vector<std::string> names;
    for (size_t i = 1; i <= split.count; ++i)
        names.push_back(SplitName(split.stem, i, split.count));
    return names;
}

fs::path ModelStore::Folder(std::string_view name) const {
    return home_ / "models" / name;
}

StoredModel ModelStore::Look(std::string_view name) const {
    StoredModel model;
    model.name = name;
    model.folder = Folder(name);
    FolderContent content = ReadFolder(model.folder);
    for (const auto& [file, bytes] : content.files) model.bytes += bytes;

    bool stated_complete = true;
    if (auto text = platform::ReadFile(model.folder / ".lathe.json", kProvenanceBytesMax)) {
        auto json = ParseJson(*text);
        if (json && json->is_object()) {
            if (auto it = json->find("source"); it != json->end() && it->is_string())
                model.source = it->get<std::string>();
            if (auto it = json->find("license"); it != json->end() && it->is_string())
                model.license = it->get<std::string>();
            if (auto it = json->find("complete"); it != json->end() && it->is_boolean())
                stated_complete = it->get<bool>();
        }
    }
    if (content.files.contains("config.json") && HasWeights(content)) {
        model.kind = StoredModel::Kind::kFolder;
        model.path = model.folder;
        model.complete = stated_complete && !content.parts;
    } else if (std::string gguf = FirstGguf(content); !gguf.empty()) {
        model.kind = StoredModel::Kind::kGguf;
        model.path = model.folder / gguf;
        model.complete = true;
    }
    return model;
}

std::vector<StoredModel> ModelStore::List() const {
    std::vector<StoredModel> models;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(home_ / "models", error)) {
        std::string name = entry.path().filename().string();
        std::error_code ignored;
        if (!CheckModelName(name) || !entry.is_directory(ignored)) continue;
        StoredModel model = Look(name);
        if (model.kind != StoredModel::Kind::kNothing || model.bytes > 0)
            models.push_back(std::move(model));
    }
    std::ranges::sort(models, {}, &StoredModel::name);
    return models;
}

Result<fs::path> ModelStore::Resolve(std::string_view name_or_path) const {
    if (name_or_path.empty()) return InvalidArgument("no model was named");
    std::error_code ignored;
    fs::path path(name_or_path);
    if (fs::exists(path, ignored)) return OpenableIn(path);

    auto catalog = Catalog::Load(home_);
    const Catalog& known = catalog ? *catalog : Catalog::BuiltIn();
    if (!CheckModelName(name_or_path))
        return MakeError(Code::kNotFound, "there is no file {}", name_or_path);
    StoredModel model = Look(name_or_path);
    if (model.kind != StoredModel::Kind::kNothing && model.complete) return model.path;
    if (model.bytes > 0)
        return MakeError(Code::kFailedPrecondition,
                         "the model {} is not complete; `lathe pull {}` brings the rest",
                         name_or_path, name_or_path);
    if (known.Find(name_or_path))
        return MakeError(Code::kNotFound, "the model {} is not here; `lathe pull {}` brings it",
                         name_or_path, name_or_path);
    return MakeError(Code::kNotFound, "there is no model and no file named {}; {}", name_or_path,
                     Advice(name_or_path, List(), known));
}

Status ModelStore::Remove(std::string_view name) const {
    LATHE_RETURN_IF_ERROR(CheckModelName(name));
    fs::path folder = Folder(name);
    std::error_code error;
    if (!fs::is_directory(folder, error))
        return MakeError(Code::kNotFound, "there is no model named {}; {}", name,
                         Advice(name, List(), Catalog()));
    ModelLock lock;
    LATHE_TRY(bool locked, ModelLock::TryLock(folder, lock));
    if (!locked)
        return MakeError(Code::kFailedPrecondition, "{} is being pulled; stop that first", name);
    fs::remove_all(folder, error);
    if (error) return std::unexpected(platform::ErrnoError(error.value(), "cannot remove", folder));
    return {};
}

Result<fs::path> ResolveModel(std::string_view name_or_path) {
    LATHE_TRY(fs::path home, platform::LatheHome());
    return ModelStore(home).Resolve(name_or_path);
}

Status WriteProvenance(const fs::path& folder, const Provenance& provenance) {
    Json files = Json::array();
    for (const CatalogFile& file : provenance.files)
        files.push_back({{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}});
    Json json = {{"source", provenance.source},
                 {"license", provenance.license},
                 {"complete", provenance.complete},
                 {"files", std::move(files)}};
    return platform::WriteFileAtomically(folder / ".lathe.json", DumpJson(json, 2) + "\n");
}

Result<bool> ModelLock::TryLock(const fs::path& folder, ModelLock& lock) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) return std::unexpected(platform::ErrnoError(error.value(), "cannot make", folder));
    fs::path path = folder / ".lock";
    ModelLock mine;
    mine.descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (mine.descriptor_ < 0)
        return std::unexpected(platform::ErrnoError(errno, "cannot open", path));
    if (::flock(mine.descriptor_, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return false;
        return std::unexpected(platform::ErrnoError(errno, "cannot lock", path));
    }
    // A removal may have deleted the file between open and flock: then this lock is of
    // a file nobody else will see.
    struct stat held{}, seen{};
    if (::fstat(mine.descriptor_, &held) != 0 || ::stat(path.c_str(), &seen) != 0 ||
        held.st_ino != seen.st_ino)
        return false;
    lock = std::move(mine);
    return true;
}

ModelLock& ModelLock::operator=(ModelLock&& other) noexcept {
    Unlock();
    descriptor_ = std::exchange(other.descriptor_, -1);
    return *this;
}

void ModelLock::Unlock() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
}

}  // namespace lathe::registry
