#pragma once

#include <memory>
#include <optional>

#include "core/telemetry/progress.h"
#include "learn/eval/evaluation.h"

namespace lathe::app {

// A bar that counts documents.
class DocumentProgress {
public:
    void operator()(const eval::EvaluationProgress& state) {
        if (!bar_)
            bar_.emplace(*display_, telemetry::ProgressOptions{.label = "eval",
                                                               .unit = "documents",
                                                               .total = state.total,
                                                               .start = state.found});
        bar_->Set(state.done);
        if (state.done == state.total) bar_->Finish();
    }

private:
    std::unique_ptr<telemetry::ProgressDisplay> display_ =
        telemetry::ProgressDisplay::ForStandardError();
    std::optional<telemetry::Progress> bar_;
};

}  // namespace lathe::app
