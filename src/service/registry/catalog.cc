#include "service/registry/catalog.h"

#include <algorithm>
#include <cstdlib>

#include "core/base/check.h"
#include "core/json/json.h"
#include "core/platform/files.h"
#include "service/registry/catalog_text.h"
#include "service/registry/sha256.h"

namespace lathe::registry {
namespace {

constexpr size_t kNameBytesMax = 200;
constexpr uint64_t kCatalogBytesMax = 16u << 20;

// Reads members of one JSON object and remembers the first thing that is wrong.
class ObjectReader {
public:
    ObjectReader(const Json& object, std::string where)
        : object_(object), where_(std::move(where)) {
        if (!object.is_object()) Fail("is no object");
    }

    std::string String(const char* key, bool required = true) {
        const Json* value = Find(key, required);
        if (!value) return "";
        if (!value->is_string()) {
            Fail(fmt::format("has a '{}' that is no string", key));
            return "";
        }
        return value->get<std::string>();
    }

    uint64_t Unsigned(const char* key) {
        const Json* value = Find(key, false);
        if (!value) return 0;
        if (!value->is_number_unsigned()) {
            Fail(fmt::format("has a '{}' that is no whole number", key));
            return 0;
        }
        return value->get<uint64_t>();
    }

    // Calls `read(item, where)` for each item of a list.
    template <typename F>
    void List(const char* key, bool required, F read) {
        const Json* value = Find(key, required);
        if (!value) return;
        if (!value->is_array()) return Fail(fmt::format("has a '{}' that is no list", key));
        size_t number = 0;
        for (const Json& item : *value) {
            Status status = read(item, fmt::format("{}, {}[{}]", where_, key, number++));
            if (!status && status_) status_ = std::move(status);
        }
    }

    void Fail(std::string_view problem) {
        if (status_) status_ = InvalidArgument("{} {}", where_, problem);
    }
    void Require(Status status) {
        if (!status && status_)
            status_ = std::unexpected(WithContext(std::move(status).error(), where_));
    }
    Status Done() { return std::move(status_); }

private:
    const Json* Find(const char* key, bool required) {
        if (!object_.is_object()) return nullptr;
        auto found = object_.find(key);
        if (found != object_.end()) return &*found;
        if (required) Fail(fmt::format("has no '{}'", key));
        return nullptr;
    }

    const Json& object_;
    std::string where_;
    Status status_;
};

Result<CatalogFile> ReadFileEntry(const Json& json, const std::string& where) {
    ObjectReader reader(json, where);
    CatalogFile file;
    file.name = reader.String("name");
    file.bytes = reader.Unsigned("bytes");
    file.sha256 = reader.String("sha256", false);
    std::ranges::transform(file.sha256, file.sha256.begin(),
                           [](char c) { return c >= 'A' && c <= 'F' ? char(c - 'A' + 'a') : c; });
    if (!file.sha256.empty() && !IsSha256(file.sha256))
        reader.Fail("has a 'sha256' that is not 64 hexadecimal digits");
    reader.Require(CheckFileName(file.name));
    LATHE_RETURN_IF_ERROR(reader.Done());
    return file;
}

Result<PypiPiece> ReadPiece(const Json& json, const std::string& where) {
    ObjectReader reader(json, where);
    PypiPiece piece{reader.String("package"), reader.String("version"), reader.String("member")};
    LATHE_RETURN_IF_ERROR(reader.Done());
    return piece;
}

Result<Source> ReadSource(const Json& json, const std::string& where) {
    ObjectReader reader(json, where);
    Source source;
    std::string kind = reader.String("kind");
    if (auto parsed = ParseSourceKind(kind))
        source.kind = *parsed;
    else
        reader.Fail(parsed.error().message);
    switch (source.kind) {
        case SourceKind::kHuggingFace:
        case SourceKind::kModelScope:
            source.repo = reader.String("repo");
            source.revision = reader.String("revision", false);
            source.folder = reader.String("folder", false);
            if (!source.folder.empty() && !source.folder.ends_with('/')) source.folder += '/';
            break;
        case SourceKind::kUrl:
            source.location = reader.String("url");
            break;
        case SourceKind::kFile:
            source.location = reader.String("path");
            break;
        case SourceKind::kPypi:
            reader.List("pieces", true, [&](const Json& item, const std::string& place) -> Status {
                LATHE_TRY(PypiPiece piece, ReadPiece(item, place));
                source.pieces.push_back(std::move(piece));
                return {};
            });
            break;
    }
    LATHE_RETURN_IF_ERROR(reader.Done());
    return source;
}

Result<CatalogModel> ReadModel(const Json& json, const std::string& where) {
    ObjectReader reader(json, where);
    CatalogModel model;
    model.name = reader.String("name");
    model.title = reader.String("title", false);
    model.license = reader.String("license", false);
    reader.List("files", true, [&](const Json& item, const std::string& place) -> Status {
        LATHE_TRY(CatalogFile file, ReadFileEntry(item, place));
        model.files.push_back(std::move(file));
        return {};
    });
    reader.List("sources", true, [&](const Json& item, const std::string& place) -> Status {
        LATHE_TRY(Source source, ReadSource(item, place));
        model.sources.push_back(std::move(source));
        return {};
    });
    reader.Require(CheckModelName(model.name));
    if (model.files.empty()) reader.Fail("has no files");
    for (const Source& source : model.sources)
        if (source.kind == SourceKind::kPypi && (model.files.size() != 1 || source.pieces.empty()))
            reader.Fail("has a pypi source, which fits models of one file only");
    LATHE_RETURN_IF_ERROR(reader.Done());
    return model;
}

void Replace(std::string& value, const char* variable) {
    const char* text = std::getenv(variable);
    if (text && *text) value = text;
    while (value.ends_with('/')) value.pop_back();
}

}  // namespace

void Endpoints::ReadEnvironment() {
    Replace(huggingface, "HF_ENDPOINT");
    Replace(modelscope, "MODELSCOPE_ENDPOINT");
    Replace(pypi, "PIP_INDEX_URL");
}

std::string_view SourceKindName(SourceKind kind) {
    switch (kind) {
        case SourceKind::kHuggingFace:
            return "huggingface";
        case SourceKind::kModelScope:
            return "modelscope";
        case SourceKind::kUrl:
            return "url";
        case SourceKind::kFile:
            return "file";
        case SourceKind::kPypi:
            return "pypi";
    }
    return "";
}

Result<SourceKind> ParseSourceKind(std::string_view name) {
    if (name == "hf") return SourceKind::kHuggingFace;
    for (SourceKind kind : {SourceKind::kHuggingFace, SourceKind::kModelScope, SourceKind::kUrl,
                            SourceKind::kFile, SourceKind::kPypi})
        if (SourceKindName(kind) == name) return kind;
    return InvalidArgument(
        "has the source kind '{}'; the kinds are huggingface (hf), modelscope, url, file and pypi",
        name);
}

uint64_t CatalogModel::bytes() const {
    uint64_t sum = 0;
    for (const CatalogFile& file : files) sum += file.bytes;
    return sum;
}

Result<Catalog> Catalog::Parse(std::string_view text, std::string_view what) {
    auto json = ParseJson(text);
    if (!json) return std::unexpected(WithContext(std::move(json).error(), what));
    Catalog catalog;
    ObjectReader reader(*json, std::string(what));
    if (json->is_object() && json->contains("endpoints")) {
        ObjectReader endpoints((*json)["endpoints"], fmt::format("{}, endpoints", what));
        catalog.endpoints_.huggingface = endpoints.String("huggingface", false);
        catalog.endpoints_.modelscope = endpoints.String("modelscope", false);
        catalog.endpoints_.pypi = endpoints.String("pypi", false);
        LATHE_RETURN_IF_ERROR(endpoints.Done());
    }
    reader.List("models", false, [&](const Json& item, const std::string& where) -> Status {
        LATHE_TRY(CatalogModel model, ReadModel(item, where));
        if (catalog.Find(model.name))
            return InvalidArgument("{} repeats the name '{}'", where, model.name);
        catalog.models_.push_back(std::move(model));
        return {};
    });
    LATHE_RETURN_IF_ERROR(reader.Done());
    return catalog;
}

const Catalog& Catalog::BuiltIn() {
    static const Catalog kBuiltIn = [] {
        auto catalog = Parse(kCatalogText, "the built-in catalog");
        LATHE_CHECK(catalog.has_value());
        return std::move(*catalog);
    }();
    return kBuiltIn;
}

Result<Catalog> Catalog::Load(const std::filesystem::path& home) {
    Catalog catalog = BuiltIn();
    std::filesystem::path path = home / "catalog.json";
    auto text = platform::ReadFile(path, kCatalogBytesMax);
    if (!text && text.error().code == Code::kNotFound) return catalog;
    if (!text) return std::unexpected(std::move(text).error());
    LATHE_TRY(Catalog users, Parse(*text, path.string()));
    catalog.Merge(std::move(users));
    return catalog;
}

void Catalog::Merge(Catalog other) {
    for (CatalogModel& model : other.models_) {
        auto found = std::ranges::find(models_, model.name, &CatalogModel::name);
        if (found != models_.end())
            *found = std::move(model);
        else
            models_.push_back(std::move(model));
    }
    auto replace = [](std::string& own, std::string& others) {
        if (!others.empty()) own = std::move(others);
    };
    replace(endpoints_.huggingface, other.endpoints_.huggingface);
    replace(endpoints_.modelscope, other.endpoints_.modelscope);
    replace(endpoints_.pypi, other.endpoints_.pypi);
}

const CatalogModel* Catalog::Find(std::string_view name) const {
    auto found = std::ranges::find(models_, name, &CatalogModel::name);
    return found == models_.end() ? nullptr : &*found;
}

Status CheckModelName(std::string_view name) {
    auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-' || c == '+';
    };
    if (name.empty() || name.size() > kNameBytesMax || !std::ranges::all_of(name, allowed) ||
        name.starts_with('.') || name.starts_with('-'))
        return InvalidArgument(
            "'{}' cannot name a model: letters, digits and . _ - + only, not "
            "beginning with . or -, at most {} bytes",
            name, kNameBytesMax);
    return {};
}

Status CheckFileName(std::string_view name) {
    auto bad = [](char c) { return c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if (name.empty() || name.size() > kNameBytesMax || std::ranges::any_of(name, bad) ||
        name.starts_with('.'))
        return InvalidArgument(
            "'{}' is no acceptable file name: one component, not hidden, at "
            "most {} bytes",
            name, kNameBytesMax);
    return {};
}

}  // namespace lathe::registry
