// The parameters of a request body as a table: each one a client can send is honoured,
// harmless, or refused with its name. Free functions, thread-safe.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/json/json.h"

namespace lathe::api {

enum class Kind : uint8_t {
    kAny,
    kBool,
    kInteger,  // also a number such as 16.0
    kNumber,
    kString,
    kArray,
    kObject,
    kStringOrArray,
    kStringOrObject,
};

enum class Treatment : uint8_t {
    kHonoured,
    kHarmless,  // accepted, changes nothing: `note` says why that is right
    kOnly,      // accepted with one of the values in `note` (a JSON array), which change nothing
    kRefused,   // `note` says what to do instead
};

constexpr double kNoBound = std::numeric_limits<double>::infinity();

struct Parameter {
    std::string_view name;
    Kind kind = Kind::kAny;
    Treatment treatment = Treatment::kHonoured;
    double min = -kNoBound;  // of a number; of the length of an array
    double max = kNoBound;
    std::string_view note = {};
};

// The tables, for the parsers and for the test that docs/api.md names every entry.
std::span<const Parameter> ChatParameters();
std::span<const Parameter> CompletionParameters();
std::span<const Parameter> TokenizeParameters();
std::span<const Parameter> DetokenizeParameters();

// An error for the first member of `body` that is unknown, refused, of the wrong type or
// out of range; its `param` is `prefix` and the member's name. A null member counts as absent.
Status CheckParameters(const Json& body, std::span<const Parameter> table,
                       std::string_view prefix = {});

// The member, or null if it is absent or null.
const Json* Find(const Json& body, std::string_view name);

// The member if it is there, else `otherwise`. Requires: CheckParameters has passed.
bool BoolOr(const Json& body, std::string_view name, bool otherwise);
int64_t IntegerOr(const Json& body, std::string_view name, int64_t otherwise);
float FloatOr(const Json& body, std::string_view name, float otherwise);
std::string StringOr(const Json& body, std::string_view name, std::string_view otherwise);

// An integer however it is written; empty if it is none or beyond 64 bits.
std::optional<int64_t> AsInteger(const Json& value);

// "a string", "null", "an array of 3": what a value is, for messages.
std::string Describe(const Json& value);

// A request body: valid JSON, valid UTF-8, an object.
Result<Json> ParseBody(std::string_view bytes);

}  // namespace lathe::api
