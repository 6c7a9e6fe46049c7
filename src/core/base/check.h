// LATHE_CHECK(condition): aborts with file, line and condition when one of our
// own assumptions is broken. Never for input; always on, also in release builds.
#pragma once

namespace lathe {
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);
}  // namespace lathe

#define LATHE_CHECK(condition)            \
    (static_cast<bool>(condition) ? void(0) \
                                  : ::lathe::CheckFailed(__FILE__, __LINE__, #condition))
