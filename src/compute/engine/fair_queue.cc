#include "compute/engine/fair_queue.h"

#include <algorithm>
#include <tuple>

#include "core/base/check.h"

namespace lathe::engine {
namespace {

auto Rank(const ScheduledRequest& request) {
    bool promoted = request.promoted;
    return std::tuple(!promoted, promoted ? 0 : request.spec.priority,
                      promoted ? 0 : request.tenant->turn, request.spec.arrival);
}

}  // namespace

ScheduledRequest::ScheduledRequest(const Spec& request)
    : spec(request),
      sequences(static_cast<size_t>(request.completions)),
      computes_prompt(request.computes_prompt) {
    for (size_t i = 0; i < sequences.size(); ++i) {
        sequences[i].request = this;
        sequences[i].index = static_cast<int32_t>(i);
        size_t known = spec.prompt.size();
        if (has_continuations()) known += spec.continuations[i].size() - 1;
        sequences[i].length = static_cast<int32_t>(known);
    }
}

std::vector<TokenId> ScheduledRequest::KnownTokens(int32_t index) const {
    std::vector<TokenId> tokens(spec.prompt.begin(), spec.prompt.end());
    if (has_continuations()) {
        const std::vector<TokenId>& text = spec.continuations[static_cast<size_t>(index)];
        tokens.insert(tokens.end(), text.begin(), text.end() - 1);
    }
    return tokens;
}

bool RanksBefore(const Sequence* a, const Sequence* b) {
    return std::tuple(Rank(*a->request), a->index) < std::tuple(Rank(*b->request), b->index);
}

bool ByPriority::operator()(const ScheduledRequest* a, const ScheduledRequest* b) const {
    return std::tuple(a->promoted ? 0 : a->spec.priority, a->spec.arrival) <
           std::tuple(b->promoted ? 0 : b->spec.priority, b->spec.arrival);
}

RequestSet& FairQueue::SetOf(const ScheduledRequest& request) {
    return request.promoted ? promoted_ : request.tenant->waiting;
}

ScheduledRequest*& FairQueue::NextOf(const ScheduledRequest& request) {
    return request.promoted ? promoted_next_ : request.tenant->next;
}

// What the least served of those who wait was served.
uint64_t FairQueue::Level() const {
    uint64_t level = UINT64_MAX;
    for (const auto& [name, tenant] : tenants_)
        if (!tenant->waiting.empty()) level = std::min(level, tenant->served);
    return level == UINT64_MAX ? last_served_ : level;
}

void FairQueue::Arrive(ScheduledRequest& request) {
    auto found = tenants_.find(request.spec.tenant);
    if (found == tenants_.end()) {
        if (tenants_.size() >= kTenantsKept + live_) ForgetOne();
        auto tenant = std::make_unique<Tenant>();
        tenant->name = request.spec.tenant;
        found = tenants_.emplace(tenant->name, std::move(tenant)).first;
    }
    Tenant& tenant = *found->second;
    if (tenant.waiting.empty()) tenant.served = std::max(tenant.served, Level());
    ++tenant.requests;
    ++live_;
    request.tenant = &tenant;
    Insert(request);
}

// When nobody is left there is nobody to owe anything to.
void FairQueue::Depart(ScheduledRequest& request) {
    LATHE_CHECK(!contains(request));
    --request.tenant->requests;
    request.tenant = nullptr;
    if (--live_ > 0) return;
    tenants_.clear();
    last_served_ = 0;
}

// Of the tenants without requests the one that owes least.
void FairQueue::ForgetOne() {
    auto least = tenants_.end();
    for (auto next = tenants_.begin(); next != tenants_.end(); ++next)
        if (next->second->requests == 0 &&
            (least == tenants_.end() || next->second->served < least->second->served))
            least = next;
    if (least != tenants_.end()) tenants_.erase(least);
}

void FairQueue::Insert(ScheduledRequest& request) {
    LATHE_CHECK(SetOf(request).insert(&request).second);
    ++size_;
}

void FairQueue::Erase(ScheduledRequest& request) {
    if (NextOf(request) == &request) Skip(request);
    LATHE_CHECK(SetOf(request).erase(&request) == 1);
    --size_;
    if (!request.promoted) last_served_ = request.tenant->served;
}

bool FairQueue::contains(const ScheduledRequest& request) const {
    auto* key = const_cast<ScheduledRequest*>(&request);
    return request.promoted ? promoted_.contains(key) : request.tenant->waiting.contains(key);
}

void FairQueue::BeginStep() {
    for (auto& [name, tenant] : tenants_) tenant->turn = tenant->served;
}

void FairQueue::Rewind() {
    auto first = [](const RequestSet& set) { return set.empty() ? nullptr : *set.begin(); };
    promoted_next_ = first(promoted_);
    for (auto& [name, tenant] : tenants_) tenant->next = first(tenant->waiting);
}

ScheduledRequest* FairQueue::Best() const {
    if (promoted_next_ != nullptr) return promoted_next_;
    ScheduledRequest* best = nullptr;
    auto rank = [](const ScheduledRequest& request) {
        return std::tuple(request.spec.priority, request.tenant->served, request.spec.arrival);
    };
    for (const auto& [name, tenant] : tenants_) {
        ScheduledRequest* request = tenant->next;
        if (request != nullptr && (best == nullptr || rank(*request) < rank(*best))) best = request;
    }
    return best;
}

void FairQueue::Skip(ScheduledRequest& request) {
    RequestSet& set = SetOf(request);
    auto after = set.upper_bound(&request);
    NextOf(request) = after == set.end() ? nullptr : *after;
}

bool FairQueue::Overtakes(const ScheduledRequest& by, const ScheduledRequest& request) {
    if (request.spec.arrival >= by.spec.arrival) return false;
    bool a_turn =
        request.tenant != by.tenant && !by.promoted && request.spec.priority <= by.spec.priority;
    return !a_turn;
}

void FairQueue::CountOvertaken(const ScheduledRequest& by) {
    for (ScheduledRequest* request : promoted_) request->overtaken += Overtakes(by, *request);
    for (auto& [name, tenant] : tenants_) {
        for (ScheduledRequest* request : tenant->waiting)
            request->overtaken += Overtakes(by, *request);
        if (tenant->waiting.empty() || by.tenant == tenant.get()) continue;
        ScheduledRequest* first = *tenant->waiting.begin();
        first->turns += first->spec.arrival < by.spec.arrival;
    }
}

bool FairQueue::Due(const ScheduledRequest& request) {
    return !request.promoted && (request.overtaken >= kOvertakenMax || request.turns >= kTurnsMax ||
                                 request.preemptions >= kPreemptionsMax);
}

bool FairQueue::Promote() {
    bool promoted = false;
    for (auto& [name, tenant] : tenants_) {
        for (auto next = tenant->waiting.begin(); next != tenant->waiting.end();) {
            ScheduledRequest* request = *next;
            if (!Due(*request)) {
                ++next;
                continue;
            }
            next = tenant->waiting.erase(next);
            request->promoted = true;
            promoted_.insert(request);
            promoted = true;
        }
    }
    return promoted;
}

}  // namespace lathe::engine
