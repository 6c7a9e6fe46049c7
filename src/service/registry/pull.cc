#include "service/registry/pull.h"

#include <algorithm>

#include "core/net/url.h"
#include "service/registry/download.h"
#include "service/registry/sources.h"

namespace lathe::registry {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kLockPollInterval{200};

std::string Lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

// "Qwen2.5-0.5B-Q4_K_M-00001-of-00002.gguf" -> "qwen2.5-0.5b-q4_k_m"
std::string NameFromFile(std::string_view file) {
    std::string name = Lower(file);
    if (name.ends_with(".gguf")) name.resize(name.size() - 5);
    if (SplitNames(file).size() > 1) name.resize(name.rfind("-of-") - 6);
    for (char& c : name)
        if (!CheckModelName(std::string_view(&c, 1)) && c != '.' && c != '-') c = '-';
    return name.substr(std::min(name.find_first_not_of(".-"), name.size()));
}

std::vector<CatalogFile> FilesNamed(const std::string& file, const std::string& sha256) {
    std::vector<CatalogFile> files;
    for (const std::string& name : SplitNames(file))
        files.push_back({.name = name, .bytes = 0, .sha256 = {}});
    if (files.size() == 1) files[0].sha256 = Lower(sha256);
    return files;
}

// "owner/repo" or "owner/repo:path/file": both hubs know repositories by such names.
Result<CatalogModel> PlanRepository(const PullRequest& request) {
    std::string_view text = request.model;
    size_t colon = text.find(':');
    std::string repo(text.substr(0, colon));
    std::string path = colon == text.npos ? "" : std::string(text.substr(colon + 1));
    size_t slash = path.rfind('/');
    std::string folder = slash == path.npos ? "" : path.substr(0, slash + 1);
    std::string file = path.substr(folder.size());

    CatalogModel plan;
    for (SourceKind kind : {SourceKind::kHuggingFace, SourceKind::kModelScope})
        plan.sources.push_back({.kind = kind,
                                .repo = repo,
                                .revision = request.revision,
                                .folder = folder,
                                .location = {},
                                .pieces = {}});
    if (file.empty()) {
        plan.name = Lower(repo.substr(repo.rfind('/') + 1));
        return plan;
    }
    LATHE_RETURN_IF_ERROR(CheckFileName(file));
    plan.name = NameFromFile(file);
    plan.files = FilesNamed(file, request.sha256);
    return plan;
}

Result<CatalogModel> PlanUrl(const PullRequest& request) {
    LATHE_TRY(net::Url url, net::Url::Parse(request.model));
    std::string path = url.target.substr(0, url.target.find('?'));
    std::string file;
    if (!net::PercentDecode(path.substr(path.rfind('/') + 1), file) || !CheckFileName(file))
        return InvalidArgument("{} does not end in a file name", url.ForMessages());
    CatalogModel plan;
    plan.name = NameFromFile(file);
    plan.files = FilesNamed(file, request.sha256);
    std::string location = request.model;
    // The parts of a split file lie side by side.
    if (plan.files.size() > 1) location.replace(location.rfind(file), file.size(), "{file}");
    plan.sources.push_back({.kind = SourceKind::kUrl,
                            .repo = {},
                            .revision = {},
                            .folder = {},
                            .location = location,
                            .pieces = {}});
    return plan;
}

Result<CatalogModel> PlanLocal(const PullRequest& request) {
    fs::path path(request.model);
    std::error_code error;
    CatalogModel plan;
    fs::path folder = path;
    if (fs::is_directory(path, error)) {
        for (const auto& entry : fs::directory_iterator(path, error))
            if (entry.is_regular_file(error) && CheckFileName(entry.path().filename().string()))
                plan.files.push_back(
                    {.name = entry.path().filename().string(), .bytes = 0, .sha256 = {}});
        std::ranges::sort(plan.files, {}, &CatalogFile::name);
        LATHE_TRY(plan.files, ChooseModelFiles(std::move(plan.files), path.string()));
        plan.name = Lower(fs::absolute(path).lexically_normal().filename().string());
    } else {
        LATHE_RETURN_IF_ERROR(CheckFileName(path.filename().string()));
        plan.files = FilesNamed(path.filename().string(), request.sha256);
        plan.name = NameFromFile(path.filename().string());
        folder = path.parent_path();
    }
    plan.sources.push_back({.kind = SourceKind::kFile,
                            .repo = {},
                            .revision = {},
                            .folder = {},
                            .location = (folder / "{file}").string(),
                            .pieces = {}});
    return plan;
}

Result<CatalogModel> PlanFor(const PullRequest& request, const Catalog& catalog) {
    const std::string& model = request.model;
    if (const CatalogModel* known = catalog.Find(model)) {
        CatalogModel plan = *known;
        for (Source& source : plan.sources)
            if (!request.revision.empty()) source.revision = request.revision;
        if (!request.sha256.empty() && plan.files.size() == 1)
            plan.files[0].sha256 = Lower(request.sha256);
        return plan;
    }
    if (model.find("://") != model.npos) return PlanUrl(request);
    std::error_code ignored;
    if (request.only_source == SourceKind::kFile || fs::exists(model, ignored))
        return PlanLocal(request);
    size_t slash = model.substr(0, model.find(':')).find('/');
    bool repository = slash != model.npos && slash > 0 && !model.starts_with('.') &&
                      model.substr(0, model.find(':')).find('/', slash + 1) == model.npos;
    if (repository) return PlanRepository(request);
    auto here = ModelStore("").Resolve(model);  // for its message with near names
    return MakeError(Code::kNotFound,
                     "{}. To pull something else give owner/repo, owner/repo:file, a URL or a path",
                     here ? model : here.error().message);
}

class Puller {
public:
    Puller(CatalogModel plan, const Endpoints& endpoints, const PullOptions& options)
        : plan_(std::move(plan)),
          endpoints_(endpoints),
          options_(options),
          context_{options.client, options.display, options.stop, options.retries_max,
                   options.retry_delay},
          store_(options.home) {}

    Result<PulledModel> Run() {
        LATHE_TRY(ModelLock lock, Lock());
        if (plan_.files.empty()) LATHE_RETURN_IF_ERROR(ListFiles());
        PulledModel pulled;
        LATHE_TRY(pulled.was_here, AllHere());
        if (!pulled.was_here) {
            LATHE_RETURN_IF_ERROR(WriteState(/*complete=*/false));
            for (CatalogFile& file : plan_.files) LATHE_RETURN_IF_ERROR(BringFile(file));
            LATHE_RETURN_IF_ERROR(WriteState(/*complete=*/true));
        }
        pulled.source = source_;
        pulled.model = store_.Look(plan_.name);
        return pulled;
    }

private:
    fs::path Target(const CatalogFile& file) const { return store_.Folder(plan_.name) / file.name; }

    Result<ModelLock> Lock() {
        ModelLock lock;
        for (bool told = false;; told = true) {
            LATHE_TRY(bool locked, ModelLock::TryLock(store_.Folder(plan_.name), lock));
            if (locked) return lock;
            if (!told)
                options_.display.Say(
                    fmt::format("another pull of {} is running; waiting for it", plan_.name));
            SleepFor(kLockPollInterval, options_.stop);
            if (options_.stop.stop_requested()) return MakeError(Code::kCancelled, "stopped");
        }
    }

    // Which files a repository has, from the first source that answers.
    Status ListFiles() {
        std::vector<std::string> reasons;
        for (const Source& source : plan_.sources) {
            auto files = ListRepository(source, endpoints_, context_);
            if (files) {
                LATHE_TRY(plan_.files, ChooseModelFiles(std::move(*files), source.repo));
                return {};
            }
            if (files.error().code == Code::kCancelled)
                return std::unexpected(std::move(files).error());
            Reject(source, files.error(), reasons);
        }
        return NoSource(reasons);
    }

    Result<bool> IsHere(const CatalogFile& file) const {
        fs::path target = Target(file);
        if (!file.sha256.empty())
            return FileHasSha256(target, file.bytes, file.sha256, options_.stop);
        std::error_code error;
        uint64_t bytes = fs::file_size(target, error);
        return !error && (file.bytes == 0 || bytes == file.bytes);
    }

    Result<bool> AllHere() const {
        for (const CatalogFile& file : plan_.files) {
            LATHE_TRY(bool here, IsHere(file));
            if (!here) return false;
        }
        return true;
    }

    Status BringFile(CatalogFile& file) {
        LATHE_TRY(bool here, IsHere(file));
        if (here) return {};
        std::vector<std::string> reasons;
        // The source that worked for the last file comes first.
        for (size_t i = 0; i < plan_.sources.size(); ++i) {
            const Source& source = plan_.sources[(first_ + i) % plan_.sources.size()];
            options_.display.Say(
                fmt::format("{} from {}", file.name, DescribeSource(source, endpoints_)));
            auto facts = FetchFrom(source, file, Target(file), endpoints_, context_);
            if (facts) {
                first_ = (first_ + i) % plan_.sources.size();
                source_ = DescribeSource(source, endpoints_);
                file.bytes = facts->bytes;
                file.sha256 = facts->sha256;
                return {};
            }
            Code code = facts.error().code;
            if (code == Code::kCancelled || code == Code::kResourceExhausted)
                return std::unexpected(std::move(facts).error());
            Reject(source, facts.error(), reasons);
        }
        return NoSource(reasons);
    }

    void Reject(const Source& source, const Error& error, std::vector<std::string>& reasons) {
        reasons.push_back(fmt::format("{}: {}", SourceKindName(source.kind), error.message));
        code_ = error.code;
        options_.display.Say("  " + error.message);
    }

    Status NoSource(const std::vector<std::string>& reasons) const {
        Code code = reasons.size() == 1 ? code_ : Code::kUnavailable;
        return MakeError(code, "{} could not be pulled.\n  {}", plan_.name,
                         fmt::join(reasons, "\n  "));
    }

    Status WriteState(bool complete) const {
        return WriteProvenance(store_.Folder(plan_.name), {.source = source_,
                                                           .license = plan_.license,
                                                           .files = plan_.files,
                                                           .complete = complete});
    }

    CatalogModel plan_;
    const Endpoints& endpoints_;
    const PullOptions& options_;
    const TransferContext context_;
    const ModelStore store_;
    size_t first_ = 0;
    std::string source_;
    Code code_ = Code::kUnavailable;
};

}  // namespace

Result<CatalogModel> PlanPull(const PullRequest& request, const Catalog& catalog) {
    if (!request.sha256.empty() && !IsSha256(request.sha256))
        return InvalidParam("sha256", "'{}' is no SHA-256: 64 hexadecimal digits", request.sha256);
    LATHE_TRY(CatalogModel plan, PlanFor(request, catalog));
    if (!request.name.empty()) plan.name = request.name;
    LATHE_RETURN_IF_ERROR(CheckModelName(plan.name));
    if (request.only_source)
        std::erase_if(plan.sources,
                      [&](const Source& source) { return source.kind != *request.only_source; });
    if (plan.sources.empty())
        return InvalidParam(
            "source", "{} cannot be had from {}", request.model,
            request.only_source ? SourceKindName(*request.only_source) : "anywhere");
    if (!request.sha256.empty() && plan.files.size() != 1)
        return InvalidParam("sha256", "{} consists of several files; a checksum fits only one",
                            request.model);
    return plan;
}

Result<PulledModel> Pull(const PullRequest& request, const Catalog& catalog,
                         const PullOptions& options) {
    LATHE_TRY(CatalogModel plan, PlanPull(request, catalog));
    Endpoints endpoints = catalog.endpoints();
    endpoints.ReadEnvironment();
    return Puller(std::move(plan), endpoints, options).Run();
}

}  // namespace lathe::registry
