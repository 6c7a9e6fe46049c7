// What results.json of an evaluation says, in the form that pages show. The bytes may be
// anybody's: whatever is missing or of another type is left out. Free functions, thread-safe.
#pragma once

#include "core/json/json.h"

namespace lathe::runs {

// Every score, in the order of the file:
//   [{"task", "alias", "metric", "filter", "value", "stderr"|null, "higher_is_better"|null,
//     "documents"|null, "shots"|null, "version"|null, "is_group"}]
Json ScoresOf(const Json& results);

// The first score of each task, groups before tasks, and members of groups left out if there are
// groups: what a list has room for.
Json HeadlineOf(const Json& scores, const Json& results);

}  // namespace lathe::runs
