#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <thread>

#include "compute/chat/tool_format.h"
#include "core/platform/cpu.h"
#include "edge/api/api.h"
#include "learn/eval/run_diff.h"
#include "model_options.h"
#include "runs_folder.h"

namespace lathe::app {
namespace {

struct ServeOptions {
    ModelOptions model;
    std::string host = "127.0.0.1";
    uint16_t port = 8080;
    int health_port = -1;  // -1: none
    std::string api_key_file;
    std::string runs;  // "": LATHE_HOME/runs
    bool open = false;
    int32_t running_max = 64;
    int32_t queue_max = 1024;
    double token_ms_max = 200;
    bool no_prefix_cache = false;
    bool no_speculation = false;
    uint64_t body_bytes_max = 16u << 20;
    int grace_seconds = 30;
    std::string log_level = "info";
    bool log_json = false;
};

// SIGTERM and SIGINT, taken by a thread of its own. Before the server is ready one ends
// the process, as without us; afterwards the first asks to drain and the second ends it.
// Make it before any other thread, so that all inherit the blocked signals.
class StopSignals {
public:
    StopSignals() {
        sigemptyset(&set_);
        sigaddset(&set_, SIGTERM);
        sigaddset(&set_, SIGINT);
        pthread_sigmask(SIG_BLOCK, &set_, nullptr);
        thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
    }

    void SetReady() {
        std::lock_guard lock(mutex_);
        ready_ = true;
    }

    // Waits for the first signal.
    void Wait() {
        std::unique_lock lock(mutex_);
        asked_changed_.wait(lock, [this] { return asked_; });
    }

private:
    void Run(const std::stop_token& stop) {
        const timespec interval{.tv_sec = 0, .tv_nsec = 200'000'000};
        while (!stop.stop_requested()) {
            int signal = sigtimedwait(&set_, nullptr, &interval);
            if (signal <= 0) continue;
            std::lock_guard lock(mutex_);
            if (!ready_ || asked_) std::_Exit(128 + signal);
            asked_ = true;
            asked_changed_.notify_all();
        }
    }

    sigset_t set_;
    std::mutex mutex_;
    std::condition_variable asked_changed_;
    bool ready_ = false;  // guarded by mutex_, as asked_
    bool asked_ = false;
    std::jthread thread_;
};

// Requests go to the API once there is one; before that they hear that the model is loading.
class Front {
public:
    net::HttpHooks Hooks() {
        return {[this](net::Exchange& exchange) -> net::Task<void> {
                    if (const auto* hooks = ready_.load()) return hooks->handle(exchange);
                    return api::AnswerLoading(exchange);
                },
                api::RefuseInOpenAiForm};
    }
    // `hooks` outlive the server.
    void Open(const net::HttpHooks& hooks) { ready_.store(&hooks); }

private:
    std::atomic<const net::HttpHooks*> ready_{nullptr};
};

Result<std::shared_ptr<const api::Access>> MakeAccess(const ServeOptions& options) {
    if (!options.api_key_file.empty()) return api::KeyFileAccess::Load(options.api_key_file);
    if (options.open) return api::OpenAccess();
    if (options.host.starts_with("127.") || options.host == "::1") return api::LoopbackAccess();
    return InvalidArgument(
        "--host {} lets other machines call: give --api-key-file FILE so that they need a key, or "
        "--open if anyone may",
        options.host);
}

Result<std::unique_ptr<net::HttpServer>> Listen(const ServeOptions& options, uint16_t port,
                                                std::string_view option, net::HttpHooks hooks,
                                                const telemetry::Log& log) {
    net::HttpServerOptions server;
    server.address = options.host;
    server.port = port;
    server.limits.body_bytes_max = options.body_bytes_max;
    server.bodies_bytes_max = std::max(server.bodies_bytes_max, 2 * options.body_bytes_max);
    auto listening = net::HttpServer::Start(server, std::move(hooks), log);
    if (!listening && listening.error().code == Code::kAlreadyExists)
        listening.error().message = fmt::format(
            "port {} of {} is already in use, perhaps by another lathe serve; choose another "
            "with {} ({} 0 takes a free one)",
            port, options.host, option, option);
    return listening;
}

// Waits until what runs has finished, at most so long. A poll, since it happens once.
void WaitForTheEnd(const net::HttpServer& server, const engine::Engine& engine,
                   std::chrono::seconds grace) {
    auto deadline = std::chrono::steady_clock::now() + grace;
    while ((server.exchanges() > 0 || !engine.idle()) &&
           std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

Status Serve(const ServeOptions& options) {
    StopSignals signals;
    LATHE_TRY(auto level, telemetry::ParseLogLevel(options.log_level));
    auto log = telemetry::Log::ToStandardError(
        level, options.log_json ? telemetry::LogFormat::kJson : telemetry::LogFormat::kText);
    LATHE_TRY(auto access, MakeAccess(options));

    // What comes later here goes first: servers, then the API, then the model.
    telemetry::Metrics metrics;
    std::unique_ptr<backends::LocalModel> model;
    std::optional<api::Api> api;
    net::HttpHooks hooks, health_hooks;
    Front front, health_front;
    // Listening before the model is loaded shows a taken port at once, and lets probes ask.
    LATHE_TRY(auto server, Listen(options, options.port, "--port", front.Hooks(), log));
    std::unique_ptr<net::HttpServer> health;
    if (options.health_port >= 0) {
        LATHE_TRY(health, Listen(options, static_cast<uint16_t>(options.health_port),
                                 "--health-port", health_front.Hooks(), log));
    }

    engine::EngineOptions engine;
    engine.sequences_max = options.running_max;
    engine.queue_max = options.queue_max;
    engine.token_seconds_max = options.token_ms_max / 1000;
    engine.shares_prefixes = !options.no_prefix_cache;
    engine.speculates = !options.no_speculation;
    LATHE_TRY(model, LoadModel(options.model, engine));
    api::ApiOptions api_options;
    LATHE_TRY(api_options.runs_folder, RunsFolder(options.runs));
    api_options.compare_runs = eval::DiffRuns;
    api.emplace(*model, access, metrics, log, api_options);
    hooks = api->Hooks();
    health_hooks = api->HealthHooks();
    front.Open(hooks);
    health_front.Open(health_hooks);
    signals.SetReady();
    bool v6 = options.host.contains(':');
    std::printf("Lathe serves %s: console and API at http://%s%s%s:%d\n", model->id().c_str(),
                v6 ? "[" : "", options.host.c_str(), v6 ? "]" : "", server->port());
    if (health) std::printf("Health alone at port %d\n", health->port());
    std::fflush(stdout);

    signals.Wait();
    log.Info("draining: finishing what runs within {} s; a second signal ends at once",
             options.grace_seconds);
    api->Drain();
    server->Drain();
    WaitForTheEnd(*server, model->engine(), std::chrono::seconds(options.grace_seconds));
    log.Info("stopped");
    return {};
}

}  // namespace

void AddServeCommand(CLI::App& app, int& exit_code) {
    auto* command = app.add_subcommand(
        "serve", "Serve a model to OpenAI clients and browsers (see docs/api.md)");
    auto options = std::make_shared<ServeOptions>();
    AddModelOptions(*command, options->model);
    command->add_option("--host", options->host, "The IP address to listen on")
        ->transform([](std::string host) { return host == "localhost" ? "127.0.0.1" : host; })
        ->capture_default_str();
    command->add_option("-p,--port", options->port, "Port (0: a free one)")->capture_default_str();
    command
        ->add_option("--health-port", options->health_port,
                     "A second port that answers only health (0: a free one; default: none)")
        ->check(CLI::Range(0, 65535));
    auto* keys = command
                     ->add_option("--api-key-file", options->api_key_file,
                                  "Ask callers for one of these keys, one a line")
                     ->check(CLI::ExistingFile);
    command->add_flag("--open", options->open, "Anyone who reaches the port may call")
        ->excludes(keys);
    command->add_option("--max-running", options->running_max, "Texts generated at once")
        ->check(CLI::Range(1, 4096))
        ->capture_default_str();
    command
        ->add_option("--max-queue", options->queue_max,
                     "Requests that wait; more are refused with 429")
        ->check(CLI::Range(0, 1 << 20))
        ->capture_default_str();
    command
        ->add_option("--inter-token-latency-ms", options->token_ms_max,
                     "Prompts are cut so that running texts get a token this often (0: no cut)")
        ->check(CLI::Range(0.0, 60000.0))
        ->capture_default_str();
    command->add_flag("--no-prefix-cache", options->no_prefix_cache,
                      "Requests that begin alike do not share what was computed");
    command->add_flag("--no-speculation", options->no_speculation,
                      "Every token takes a step of its own, also where a text repeats itself");
    command
        ->add_option("--max-body", options->body_bytes_max,
                     "Largest request body, as 512KiB or 16MiB (default: 16MiB)")
        ->transform(CLI::AsSizeValue(false));
    command
        ->add_option("--grace-seconds", options->grace_seconds,
                     "Time for running requests to finish after SIGTERM")
        ->check(CLI::Range(0, 86400))
        ->capture_default_str();
    command->add_option("--runs", options->runs,
                        "The folder whose runs the console shows (default: LATHE_HOME/runs)");
    command->add_option("--tool-format", options->model.tool_format,
                        "How the model writes tool calls: " + chat::ToolFormatNames() +
                            ", or none (default: by its chat template)");
    command->add_option("--log-level", options->log_level, "debug, info, warn, error or off")
        ->capture_default_str();
    command->add_flag("--log-json", options->log_json, "Log lines as JSON");
    command->callback([options, &exit_code] {
        auto status = Serve(*options);
        exit_code = status ? 0 : Fail(status.error());
    });
}

}  // namespace lathe::app
