#include "learn/choose/candidate.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace lathe::choose {
namespace {

std::string FolderName(const std::string& name) {
    std::string out;
    for (char c : name) {
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '.' || c == '-' || c == '_';
        out += plain ? c : '_';
    }
    return out.starts_with('.') ? "_" + out : out;
}

// A path is long; what it ends in says as much.
std::string ShortName(const BriefCandidate& entry) {
    if (!entry.server.empty()) return entry.model + " (server)";
    std::filesystem::path path = std::filesystem::path(entry.model).lexically_normal();
    if (path.filename().empty()) path = path.parent_path();
    return path.extension() == ".gguf" ? path.stem().string() : path.filename().string();
}

template <typename Field>
void MakeUnique(std::vector<Candidate>& candidates, Field field) {
    for (size_t i = 0; i < candidates.size(); ++i) {
        std::string name = candidates[i].*field;
        auto taken = [&](const std::string& wanted) {
            return std::any_of(candidates.begin(),
                               candidates.begin() + static_cast<std::ptrdiff_t>(i),
                               [&](const Candidate& other) { return other.*field == wanted; });
        };
        for (int n = 2; taken(candidates[i].*field); ++n)
            candidates[i].*field = fmt::format("{}-{}", name, n);
    }
}

}  // namespace

std::vector<Candidate> CandidatesOf(const Brief& brief) {
    std::vector<Candidate> out;
    for (const BriefCandidate& entry : brief.candidates) {
        std::string name = ShortName(entry);
        if (!entry.server.empty()) {
            out.push_back({.name = name,
                           .folder = FolderName(name),
                           .model = entry.model,
                           .precision = "",
                           .entry = entry});
            continue;
        }
        for (const std::string& precision : entry.precisions) {
            std::string full = name + " " + precision;
            out.push_back({.name = full,
                           .folder = FolderName(full),
                           .model = entry.model,
                           .precision = precision,
                           .entry = entry});
        }
    }
    MakeUnique(out, &Candidate::name);
    MakeUnique(out, &Candidate::folder);
    return out;
}

}  // namespace lathe::choose
