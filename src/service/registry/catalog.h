#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace lathe::registry {

// The servers behind the kinds of sources: base URLs without a trailing '/'.
struct Endpoints {
    std::string huggingface;
    std::string modelscope;
    std::string pypi;  // an index of the "simple" kind, JSON form (PEP 691)

    // HF_ENDPOINT, MODELSCOPE_ENDPOINT and PIP_INDEX_URL replace what is set.
    void ReadEnvironment();
};

struct CatalogFile {
    std::string name;    // a plain file name
    uint64_t bytes = 0;  // 0: not known
    std::string sha256;  // "": not known
};

// A piece of a file that lies in a Python package (a wheel).
struct PypiPiece {
    std::string package;
    std::string version;
    std::string member;  // path inside the wheel
};

enum class SourceKind { kHuggingFace, kModelScope, kUrl, kFile, kPypi };

// "huggingface" and so on; empty if there is no such kind. "hf" is huggingface too.
std::string_view SourceKindName(SourceKind kind);
Result<SourceKind> ParseSourceKind(std::string_view name);

// A place that holds all files of a model.
struct Source {
    SourceKind kind = SourceKind::kUrl;
    std::string repo;               // huggingface, modelscope: "owner/name"
    std::string revision;           // branch, tag or commit
    std::string folder;             // inside the repo; "" or "sub/"
    std::string location;           // url, file: where the files are; "{file}" stands for the name
    std::vector<PypiPiece> pieces;  // pypi: joined they are the model's only file
};

struct CatalogModel {
    std::string name;
    std::string title;
    std::string license;
    std::vector<CatalogFile> files;
    std::vector<Source> sources;  // best first

    uint64_t bytes() const;
};

// The models that can be had by name: those built into Lathe (catalog.json beside this
// file) and the user's own in $LATHE_HOME/catalog.json, which has the same form and
// wins where both name a model or an endpoint.
//
// Const-safe.
class Catalog {
public:
    static const Catalog& BuiltIn();

    // Built-in and user's. Errors name the user's file and what is wrong in it.
    static Result<Catalog> Load(const std::filesystem::path& home);

    // `what` names the text in messages.
    static Result<Catalog> Parse(std::string_view text, std::string_view what);

    const CatalogModel* Find(std::string_view name) const;  // nullptr if absent
    const std::vector<CatalogModel>& models() const { return models_; }
    const Endpoints& endpoints() const { return endpoints_; }

private:
    void Merge(Catalog other);

    std::vector<CatalogModel> models_;
    Endpoints endpoints_;
};

// Rules for what becomes part of a path: one component, letters, digits and ._-+ (a
// file name also spaces and the like), not hidden, at most 200 bytes.
Status CheckModelName(std::string_view name);
Status CheckFileName(std::string_view name);

}  // namespace lathe::registry
