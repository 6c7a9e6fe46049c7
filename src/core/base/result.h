// Errors as values.
//
// A function that can fail because of its input, a file, the network or its
// configuration returns Result<T>; a bug of ours aborts through LATHE_CHECK.
// The message of an Error is read by a person: it says what was wrong and how
// to mend it. The codes are gRPC's, so that one table at the edge maps them to
// HTTP, OpenAI and gRPC errors.
#pragma once

#include <fmt/format.h>

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace lathe {

enum class Code {
    kCancelled,
    kInvalidArgument,
    kDeadlineExceeded,
    kNotFound,
    kAlreadyExists,
    kPermissionDenied,
    kUnauthenticated,
    kResourceExhausted,
    kFailedPrecondition,
    kAborted,
    kOutOfRange,
    kUnimplemented,
    kInternal,
    kUnavailable,
    kDataLoss,
};

// "INVALID_ARGUMENT" and so on, gRPC's spelling.
std::string_view CodeName(Code code);

struct Error {
    Code code = Code::kInternal;
    std::string message;
    std::string param;  // the name of the offending parameter, if one is to blame
};

template <typename T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

// return MakeError(Code::kNotFound, "no model named {}; `lathe list` shows them", name);
template <typename... Args>
[[nodiscard]] std::unexpected<Error> MakeError(Code code, fmt::format_string<Args...> format,
                                               Args&&... args) {
    return std::unexpected(
        Error{code, fmt::format(format, std::forward<Args>(args)...), std::string()});
}

template <typename... Args>
[[nodiscard]] std::unexpected<Error> InvalidArgument(fmt::format_string<Args...> format,
                                                     Args&&... args) {
    return MakeError(Code::kInvalidArgument, format, std::forward<Args>(args)...);
}

// An invalid argument with the parameter's name, for the `param` of an API error.
template <typename... Args>
[[nodiscard]] std::unexpected<Error> InvalidParam(std::string_view param,
                                                  fmt::format_string<Args...> format,
                                                  Args&&... args) {
    return std::unexpected(Error{Code::kInvalidArgument,
                                 fmt::format(format, std::forward<Args>(args)...),
                                 std::string(param)});
}

// Puts `context: ` before the message, keeping code and param.
[[nodiscard]] Error WithContext(Error error, std::string_view context);

}  // namespace lathe

#define LATHE_CONCAT_INNER(a, b) a##b
#define LATHE_CONCAT(a, b) LATHE_CONCAT_INNER(a, b)

// LATHE_TRY(auto file, Open(path));  -- declares `file` or returns the error.
#define LATHE_TRY(declaration, expression)                                          \
    auto LATHE_CONCAT(lathe_try_, __LINE__) = (expression);                         \
    if (!LATHE_CONCAT(lathe_try_, __LINE__))                                        \
        return std::unexpected(std::move(LATHE_CONCAT(lathe_try_, __LINE__)).error()); \
    declaration = std::move(*LATHE_CONCAT(lathe_try_, __LINE__))

// LATHE_RETURN_IF_ERROR(Write(bytes));
#define LATHE_RETURN_IF_ERROR(expression)                                        \
    if (auto lathe_status = (expression); !lathe_status)                         \
    return std::unexpected(std::move(lathe_status).error())
