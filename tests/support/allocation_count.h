#pragma once

#include <cstdint>

namespace lathe::testing_support {

// Calls of operator new on this thread since it began. Only in test executables that
// link lathe_test_allocations, which replaces the global operators by ones that count.
uint64_t AllocationCount();

}  // namespace lathe::testing_support
