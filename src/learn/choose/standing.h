// Who wins a brief, who drops out, and what would change it. Arithmetic only: scores,
// speeds and limits go in.
//
// Thread-safe: free functions only. Deterministic.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "learn/choose/brief.h"
#include "learn/choose/quality.h"

namespace lathe::choose {

// What a candidate costs to run, with the traffic of the brief.
struct Costs {
    std::optional<double> first_token_ms{};           // nine of ten, all users asking at once
    std::optional<double> tokens_per_second{};        // of one reader, while all read
    std::optional<double> tokens_per_second_alone{};  // while nobody else reads
    std::optional<double> answers_per_second{};       // tokens of all readers, prompts' time
                                                      // included
    std::optional<double> memory_gib{};               // of this machine
    // Of the processor time it could have had while its speed was measured; below
    // kUndisturbed it is faster than measured.
    double processor_share = 1;
    std::optional<double> cost_per_million_tokens{};  // of answers, their prompts included
};

// Other programs have not disturbed a measurement.
inline constexpr double kUndisturbed = 0.85;

enum class Limit : uint8_t { kFirstToken, kSpeed, kMemory, kCost };
inline constexpr std::array kLimits = {Limit::kFirstToken, Limit::kSpeed, Limit::kMemory,
                                       Limit::kCost};
std::string_view LimitKey(Limit limit);  // "first_token_ms" ...
std::optional<double> ValueOf(const Costs& costs, Limit limit);
std::optional<double> ValueOf(const Limits& limits, Limit limit);
void SetValue(Limits& limits, Limit limit, std::optional<double> value);
// More is better: speed.
bool IsLeast(Limit limit);
// Whether a value keeps a limit; one that is not known does, as does any without a limit.
bool Keeps(Limit limit, std::optional<double> value, std::optional<double> bound);
bool KeepsAll(const Costs& costs, const Limits& limits);

// A candidate that was measured. All contestants have the same tasks and documents.
struct Contestant {
    std::string name;
    std::vector<TaskScores> tasks;
    Costs costs;
};

// The best quality among those that keep all limits; of equal ones the faster, then the
// smaller, then the first. nullopt: nobody keeps them. `weights` replace the tasks' own.
std::optional<size_t> WinnerOf(std::span<const Contestant> contestants, const Limits& limits,
                               std::span<const double> weights);
std::optional<size_t> WinnerOf(std::span<const Contestant> contestants, const Limits& limits);

struct Standing {
    size_t contestant = 0;
    double quality = 0;
    metrics::Interval interval;
    std::vector<Limit> broken;
    QualityDifference to_winner;  // zero of the winner itself, or if there is none
    // By Holm's correction over all that were compared: not told apart from the winner.
    bool rivals_winner = false;
    bool on_speed_front = false;  // nobody is both better and faster, or equal in one
    bool on_memory_front = false;
    bool on_cost_front = false;
};

// Those that keep all limits first, then by falling quality.
std::vector<Standing> Rank(std::span<const Contestant> contestants, const Limits& limits);

// Why a contestant needs no further measurement: `by` is certainly better (95 %, Holm's
// correction over all pairs), keeps every limit that it keeps, and is no worse in any cost.
struct Drop {
    size_t contestant = 0;
    size_t by = 0;
    QualityDifference difference;  // contestant - by
};
// Two measurements of one speed differ by so much anyway.
inline constexpr double kSpeedTolerance = 0.05;
std::vector<Drop> FindDominated(std::span<const Contestant> contestants, const Limits& limits);

// One number of the brief that makes somebody else win: a limit relaxed to `to`, or a limit
// or weight just past it.
struct Change {
    enum class Kind : uint8_t { kTighten, kRelax, kWeight };
    Kind kind = Kind::kTighten;
    Limit limit = Limit::kFirstToken;  // of kTighten and kRelax
    size_t task = 0;                   // of kWeight
    std::optional<double> from;        // nullopt: there is no such limit
    double to = 0;
    size_t winner = 0;  // then
};

// For each limit and task the nearest change in each direction, nearest (by the ratio)
// first; new limits last. Each was tried: WinnerOf gives another one just past `to`.
std::vector<Change> WhatWouldChange(std::span<const Contestant> contestants, const Limits& limits);

}  // namespace lathe::choose
