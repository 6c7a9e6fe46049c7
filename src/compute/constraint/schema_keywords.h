// The keywords of JSON Schema: which are honoured, which say nothing about validity, and
// which are refused. Free functions, thread-safe.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/json/json.h"

namespace lathe::constraint {

// An error for the first keyword of `schema` that is unknown, refused or of the wrong
// type; it names the keyword and where it stands. Requires: `schema` is an object.
Status CheckKeywords(const Json& schema, const std::string& path);

// Whether `keyword` says nothing about which values are valid.
bool IsAnnotation(std::string_view keyword);

// Whether `schema` (an object) has a keyword besides annotations and those in `but`.
bool HasConstraints(const Json& schema, std::span<const std::string_view> but = {});

// JSON Schema's types as a set, one bit each.
enum TypeBit : unsigned {
    kNullType = 1,
    kBooleanType = 2,
    kIntegerType = 4,
    kNumberType = 8,  // without the integers
    kStringType = 16,
    kArrayType = 32,
    kObjectType = 64,
    kAllTypes = 127,
};
using TypeSet = unsigned;

// What `type` says, or all. Requires: CheckKeywords has passed.
TypeSet DeclaredTypes(const Json& schema);
Json TypesToJson(TypeSet types);
TypeSet TypeOf(const Json& value);
// The types whose keywords `schema` has: {"minLength": 1} gives kStringType.
TypeSet TypesOfKeywords(const Json& schema);

// An error about the keyword at `path`.
template <typename... Args>
std::unexpected<Error> SchemaError(const std::string& path, std::string_view keyword,
                                   fmt::format_string<Args...> format, Args&&... args) {
    return InvalidArgument("the schema at {}{}{}: {}", path, keyword.empty() ? "" : ".", keyword,
                           fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace lathe::constraint
