// Options that every subcommand which runs a model shares, and what they open.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "commands.h"
#include "service/backends/local_model.h"

namespace lathe::app {

struct ModelOptions {
    std::string model = "smollm2-135m";
    std::string activations = "auto";
    std::string kv_type = "auto";
    std::string kernels;
    std::string chat_template;  // a file
    std::string tool_format;    // "": by the template
    int threads = 0;
    int context = 0;
    uint64_t kv_bytes = 0;
};

void AddModelOptions(CLI::App& command, ModelOptions& options);

// What --kv-type says; nothing for "auto".
std::optional<kernels::KvType> KvTypeOf(const ModelOptions& options);

// Resolves the name, reads the template file and loads. `engine` as its defaults, but
// the context of `options`.
Result<std::unique_ptr<backends::LocalModel>> LoadModel(const ModelOptions& options,
                                                        engine::EngineOptions engine = {});

void AddSamplingOptions(CLI::App& command, sampling::SamplingParams& sampling);

// "lathe: <message>" on standard error; returns the exit code 1.
int Fail(const Error& error);

// The events of one request, handed from the engine's thread to the caller's.
class EventQueue {
public:
    engine::EventSink Sink();
    // Waits for the next event. After the one marked `last` there is none.
    engine::GenerationEvent Pop();

private:
    std::mutex mutex_;
    std::condition_variable ready_;
    std::deque<engine::GenerationEvent> events_;
};

}  // namespace lathe::app
