#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "service/registry/catalog.h"

namespace lathe::registry {

// A model under $LATHE_HOME/models/NAME/: GGUF files or a Hugging Face folder.
struct StoredModel {
    enum class Kind { kGguf, kFolder, kNothing };

    std::string name;
    std::filesystem::path folder;
    std::filesystem::path
        path;  // what to open: the GGUF file (of a split one the first), or folder
    Kind kind = Kind::kNothing;
    bool complete = false;  // false while a pull has not brought all of it
    uint64_t bytes = 0;     // of the model's files, parts of downloads included
    std::string license;    // as the catalog said when it was pulled; may be empty
    std::string source;     // where it came from; may be empty
};

// The models folder of one home. What is in it is seen as it is at each call; several
// processes may use it. Thread-safe.
//
//   models/NAME/FILE.gguf      or config.json, model.safetensors, tokenizer.json, ...
//   models/NAME/FILE.part      a download under way or interrupted
//   models/NAME/.lathe.json    where it came from
//   models/NAME/.lock          held (flock) while a pull or removal works there
class ModelStore {
public:
    explicit ModelStore(std::filesystem::path home) : home_(std::move(home)) {}

    const std::filesystem::path& home() const { return home_; }
    std::filesystem::path Folder(std::string_view name) const;

    // Sorted by name. Empty if there is no models folder.
    std::vector<StoredModel> List() const;

    // What is known of `name`; kNothing if there is nothing.
    StoredModel Look(std::string_view name) const;

    // A path that exists, or a name in this store, made into the path to open. Errors
    // (kNotFound, kFailedPrecondition for a model not complete) say what to do, with
    // the names that are near.
    Result<std::filesystem::path> Resolve(std::string_view name_or_path) const;

    // Deletes a model. Errors: kNotFound, kFailedPrecondition while it is being pulled.
    Status Remove(std::string_view name) const;

private:
    std::filesystem::path home_;
};

// The same as ModelStore(LatheHome()).Resolve().
Result<std::filesystem::path> ResolveModel(std::string_view name_or_path);

// Remembers in models/NAME/.lathe.json where a model came from and what it consists of.
struct Provenance {
    std::string source;
    std::string license;
    std::vector<CatalogFile> files;
    bool complete = false;
};
Status WriteProvenance(const std::filesystem::path& folder, const Provenance& provenance);

// Excludes other pulls and removals of a model, in this process and others, for as long
// as the object lives. Dies with the process.
class ModelLock {
public:
    // False if another holds it. Makes the folder.
    static Result<bool> TryLock(const std::filesystem::path& folder, ModelLock& lock);

    ModelLock() = default;
    ModelLock(ModelLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    ModelLock& operator=(ModelLock&& other) noexcept;
    ~ModelLock() { Unlock(); }
    void Unlock();

private:
    int descriptor_ = -1;
};

// "0123-00001-of-00003.gguf" -> the names of all three; {name} if it is not split.
std::vector<std::string> SplitNames(std::string_view name);

}  // namespace lathe::registry
