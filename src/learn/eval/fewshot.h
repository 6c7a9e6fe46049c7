#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/json/json.h"
#include "learn/eval/python_random.h"

namespace lathe::eval {

// Where the examples before a question come from. Draws as lm-evaluation-harness's
// samplers do: "default" with one generator over all questions of a task in their order,
// "first_n" always the first. One thread; borrows the documents.
class FewshotSource {
public:
    struct Options {
        std::string sampler = "default";
        uint64_t seed = 1234;
    };
    FewshotSource(const std::vector<Json>& documents, const Options& options)
        : documents_(documents), options_(options), random_(options.seed) {}

    // `count` examples; not the document `but`, if that is not null. Error
    // (kInvalidArgument) if there are not so many.
    Result<std::vector<const Json*>> Draw(size_t count, const Json* but);

private:
    std::vector<const Json*> AllBut(const Json* but) const;
    std::vector<const Json*> Sample(const std::vector<const Json*>& pool, size_t count);

    const std::vector<Json>& documents_;
    Options options_;
    PythonRandom random_;
};

}  // namespace lathe::eval
