#pragma once

#include <string>

#include "core/base/result.h"
#include "core/json/json.h"

namespace lathe::constraint {

// References within one schema document, and allOf as one schema. The document outlives it.
//
// Const-safe.
class SchemaDocument {
public:
    explicit SchemaDocument(const Json& root) : root_(root) {}

    const Json& root() const { return root_; }

    // What "#", "#/$defs/name" and so on point to. Errors name the reference and its path.
    Result<const Json*> Resolve(const std::string& reference, const std::string& path) const;

    // An equivalent schema without $ref, allOf and nullable at its top (boolean, or an object
    // whose keywords have been checked). In it `pattern` is an array of patterns that all
    // hold. `path` is where `schema` stands. Errors: references, keywords, what cannot be combined.
    Result<Json> Flatten(const Json& schema, const std::string& path) const;

private:
    Result<Json> FlattenAt(const Json& schema, const std::string& path, size_t depth) const;

    const Json& root_;
};

// A schema for values that are valid under both, which Flatten has given.
Result<Json> MergeSchemas(const Json& a, const Json& b, const std::string& path);

// Whether no value is valid under both of two flat schemas, as far as can be told by types,
// constants, and required properties. False: perhaps some is.
Result<bool> AreDisjoint(const SchemaDocument& document, const Json& a, const Json& b,
                         const std::string& path);

}  // namespace lathe::constraint
