#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "compute/engine/sequence.h"

namespace lathe::engine {

// The first in priority and arrival goes first.
struct ByPriority {
    bool operator()(const ScheduledRequest* a, const ScheduledRequest* b) const;
};

using RequestSet = std::set<ScheduledRequest*, ByPriority>;

// Who requests belong to, and how many rows it was served.
struct Tenant {
    std::string name;
    uint64_t served = 0;   // rows, level with the others at its arrival
    uint64_t turn = 0;     // `served` when the step began, so that its order stands still
    int32_t requests = 0;  // that are not removed
    RequestSet waiting;    // not promoted
    ScheduledRequest* next = nullptr;  // of the walk
};

// The requests that wait, in the order in which they get places:
//   1. promoted ones, by arrival;
//   2. by priority;
//   3. within a priority the tenant that was served least, so that tenants take turns;
//   4. by arrival.
//
// Turns are those of the virtual token counter (Sheng et al., "Fairness in Serving
// Large Language Models", OSDI 2024): who comes back after a pause is lifted to the
// level of those who wait, so that nobody saves up a claim. Rows are charged once,
// when they are planned first: what a preemption repeats and what a shared page spares
// costs nothing.
//
// Nobody starves. A request is promoted when kOvertakenMax later ones of its own
// tenant or of a better priority went before it, when the first request of a tenant
// saw kTurnsMax turns of others, or after kPreemptionsMax preemptions.
//
// A walk: Rewind(), then Best() with Erase() or Skip() of what it gave.
// Engine thread only.
class FairQueue {
public:
    static constexpr int32_t kOvertakenMax = 32;
    static constexpr int32_t kTurnsMax = 256;
    static constexpr int32_t kPreemptionsMax = 3;
    static constexpr size_t kTenantsKept = 1024;  // that have no request now

    // A new request of the tenant its spec names. It waits.
    void Arrive(ScheduledRequest& request);
    // It is removed. Requires: it does not wait.
    void Depart(ScheduledRequest& request);

    void Insert(ScheduledRequest& request);
    void Erase(ScheduledRequest& request);
    bool contains(const ScheduledRequest& request) const;
    size_t size() const { return size_; }

    // Fixes the tenants' turns for a step.
    void BeginStep();

    void Rewind();
    // Null at the end of the walk.
    ScheduledRequest* Best() const;
    // Requires: it is what Best() gave.
    void Skip(ScheduledRequest& request);

    static void Charge(ScheduledRequest& request, int32_t rows) {
        request.tenant->served += static_cast<uint64_t>(rows);
    }

    // `by` got a place before those who came earlier and wait.
    void CountOvertaken(const ScheduledRequest& by);
    // Whether `by` went before `request` though it came later, other than in its turn.
    static bool Overtakes(const ScheduledRequest& by, const ScheduledRequest& request);
    // Promotes those who are due. True if one was.
    bool Promote();
    static bool Due(const ScheduledRequest& request);

    // Tenants with requests, or with a debt to those who have.
    size_t tenant_count() const { return tenants_.size(); }

private:
    RequestSet& SetOf(const ScheduledRequest& request);
    ScheduledRequest*& NextOf(const ScheduledRequest& request);
    uint64_t Level() const;
    void ForgetOne();

    std::map<std::string, std::unique_ptr<Tenant>, std::less<>> tenants_;
    RequestSet promoted_;                        // by arrival: see ByPriority
    ScheduledRequest* promoted_next_ = nullptr;  // of the walk
    size_t size_ = 0;
    size_t live_ = 0;           // requests that are not removed
    uint64_t last_served_ = 0;  // of the tenant that left the queue last
};

}  // namespace lathe::engine
