#include "core/base/result.h"

#include <cstdio>
#include <cstdlib>

#include "core/base/check.h"

namespace lathe {

std::string_view CodeName(Code code) {
    switch (code) {
        case Code::kCancelled: return "CANCELLED";
        case Code::kInvalidArgument: return "INVALID_ARGUMENT";
        case Code::kDeadlineExceeded: return "DEADLINE_EXCEEDED";
        case Code::kNotFound: return "NOT_FOUND";
        case Code::kAlreadyExists: return "ALREADY_EXISTS";
        case Code::kPermissionDenied: return "PERMISSION_DENIED";
        case Code::kUnauthenticated: return "UNAUTHENTICATED";
        case Code::kResourceExhausted: return "RESOURCE_EXHAUSTED";
        case Code::kFailedPrecondition: return "FAILED_PRECONDITION";
        case Code::kAborted: return "ABORTED";
        case Code::kOutOfRange: return "OUT_OF_RANGE";
        case Code::kUnimplemented: return "UNIMPLEMENTED";
        case Code::kInternal: return "INTERNAL";
        case Code::kUnavailable: return "UNAVAILABLE";
        case Code::kDataLoss: return "DATA_LOSS";
    }
    return "UNKNOWN";
}

Error WithContext(Error error, std::string_view context) {
    error.message = fmt::format("{}: {}", context, error.message);
    return error;
}

void CheckFailed(const char* file, int line, const char* condition) {
    std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, condition);
    std::abort();
}

}  // namespace lathe
