// What `lathe eval` and `lathe choose` measure: a model of this machine, or one behind a
// server.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "core/base/result.h"
#include "learn/eval/server_subject.h"
#include "learn/eval/subject.h"
#include "model_options.h"

namespace lathe::app {

struct SubjectOptions {
    ModelOptions model;
    bool model_given = false;  // on the command line
    bool no_prefix_cache = false;
    std::string server;  // "": a model of this machine
    std::string api_key_env;
    std::string ca_file;
    int concurrency = 8;
};

// --model and the rest of a local model's, --server and its own.
void AddSubjectOptions(CLI::App& command, SubjectOptions& options);

struct OpenedSubject {
    std::unique_ptr<backends::LocalModel> model;  // null: it is behind a server
    std::unique_ptr<eval::Subject> subject;       // borrows the model
};

// Loads the model with an engine for many short requests at once.
// `shares_prefixes`: what questions have in common is computed once.
Result<OpenedSubject> OpenLocalSubject(const ModelOptions& options, bool shares_prefixes = true);

// Tells models apart without reading gigabytes: of a file its size and a hash of its beginning
// and its end; of a folder those of its weights and configuration.
Result<std::string> FingerprintOfModel(const std::filesystem::path& path);

// The key comes from the environment's variable `api_key_env`, unless that is "".
Result<OpenedSubject> OpenServerSubject(eval::ServerSubjectOptions options,
                                        const std::string& api_key_env);

// What the options say; `chat`: prompts are conversations. Requires: AddSubjectOptions parsed.
Result<OpenedSubject> OpenSubject(const SubjectOptions& options, bool chat);

}  // namespace lathe::app
