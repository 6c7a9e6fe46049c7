#pragma once

#include <string>
#include <vector>

#include "learn/choose/brief.h"

namespace lathe::choose {

inline constexpr std::string_view kAsIs = "as-is";

// A model at one precision, or a server's model: what is compared.
struct Candidate {
    std::string name;    // "qwen2.5-coder-0.5b Q8_0", unique in a brief
    std::string folder;  // the name made fit for a file system, unique too
    std::string model;
    std::string precision;  // kAsIs, a mix's name, or "" for a server's
    BriefCandidate entry;   // where it comes from

    bool is_remote() const { return !entry.server.empty(); }
};

// In the brief's order.
std::vector<Candidate> CandidatesOf(const Brief& brief);

}  // namespace lathe::choose
