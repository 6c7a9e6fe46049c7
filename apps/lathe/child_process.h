#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace lathe::app {

// Runs this program again with other arguments and gives what it prints, so that a
// measurement has a process, and a peak of memory, of its own. What it says on standard error
// becomes the message if it fails. Stopping ends the child.
Result<std::string> RunSelf(const std::vector<std::string>& arguments, std::stop_token stop);

}  // namespace lathe::app
