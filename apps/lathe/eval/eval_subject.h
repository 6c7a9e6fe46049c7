// What `lathe eval` and `lathe choose` measure: a model of this machine, or one behind a
// server.
#pragma once

#include <memory>
#include <string>

#include "core/base/result.h"
#include "learn/eval/server_subject.h"
#include "learn/eval/subject.h"
#include "model_options.h"

namespace lathe::app {

struct OpenedSubject {
    std::unique_ptr<backends::LocalModel> model;  // null: it is behind a server
    std::unique_ptr<eval::Subject> subject;       // borrows the model
};

// Loads the model with an engine for many short requests at once.
Result<OpenedSubject> OpenLocalSubject(const ModelOptions& options);

// The key comes from the environment's variable `api_key_env`, unless that is "".
Result<OpenedSubject> OpenServerSubject(eval::ServerSubjectOptions options,
                                        const std::string& api_key_env);

}  // namespace lathe::app
