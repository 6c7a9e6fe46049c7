#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/json/json.h"
#include "learn/advise/machine.h"
#include "learn/advise/speed.h"
#include "learn/choose/candidate.h"
#include "learn/choose/standing.h"
#include "learn/eval/subject.h"

namespace lathe::choose {

// What a machine would do with a candidate. The truth lies between each speed divided by and
// multiplied with its factor.
struct Prediction {
    double memory_gib = 0;  // weights, keys and values of all users, the program
    double first_token_ms = 0;
    double tokens_per_second = 0;  // of one reader, while all read
    advise::ErrorFactor error;
    double parameters = 0;
};
inline constexpr double kMemoryError = 1.1;

struct MachinePrediction {
    advise::Machine machine;
    Prediction prediction;
    bool fits = false;  // the machine's memory
};

struct Predictions {
    Prediction here;
    std::vector<MachinePrediction> machines;  // those the brief names
};

// A candidate that can be asked.
class OpenCandidate {
public:
    virtual ~OpenCandidate() = default;
    virtual eval::Subject& subject() = 0;
};

// What the chooser needs of the world: models, this machine, servers. The program brings a
// real one, tests a scripted one. One thread. Errors concern the candidate alone, which is
// then left out with the message, but for kCancelled.
class Workbench {
public:
    virtual ~Workbench() = default;

    // For the report: "Intel Xeon ..., 2 threads".
    virtual std::string machine() const = 0;
    // Everything that speeds depend on, so that a measurement is used again by the same only.
    virtual Result<Json> Identity(const Candidate& candidate) = 0;
    // Something the reader should know of it; "" mostly.
    virtual std::string Remark(const Candidate& candidate) = 0;
    // nullopt: nothing can be said, as of a server.
    virtual Result<std::optional<Predictions>> Predict(const Candidate& candidate) = 0;
    virtual Result<std::unique_ptr<OpenCandidate>> Open(const Candidate& candidate,
                                                        std::stop_token stop) = 0;
    // With the brief's traffic; all but what it costs. Not while a candidate is open.
    virtual Result<Costs> MeasureCosts(const Candidate& candidate, std::stop_token stop) = 0;
};

}  // namespace lathe::choose
