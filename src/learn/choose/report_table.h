// The tables of a choice as cells, for both of its reports.
//
// Thread-safe: free functions only.
#pragma once

#include <string>
#include <vector>

#include "learn/choose/choice.h"

namespace lathe::choose {

struct ReportTable {
    std::vector<std::string> heads;
    std::vector<std::vector<std::string>> rows;  // as many cells as heads
};

// A row for each standing: place, name, quality, each task's score, costs, what of it.
ReportTable RankingTable(const Choice& choice, Language language);
// Candidates that are not in the ranking, with the reason; and remarks on those that are.
ReportTable FateTable(const Choice& choice, Language language);
// A row for each candidate and named machine.
ReportTable MachineTable(const Choice& choice, Language language);
// A row for each task: weight, metric, chance, documents.
ReportTable TaskTable(const Choice& choice, Language language);

}  // namespace lathe::choose
