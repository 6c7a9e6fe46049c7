#include "compute/constraint/schema_merge.h"

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>

#include "compute/constraint/schema_keywords.h"

namespace lathe::constraint {
namespace {

constexpr size_t kDepthMax = 32;
constexpr size_t kCombinationsMax = 64;

constexpr std::string_view kObjectMembers[] = {"properties", "additionalProperties",
                                               "patternProperties"};

// %-escapes of a URI fragment.
std::string Unescaped(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        auto hex = text.substr(i, 3);
        bool escaped = hex.size() == 3 && hex[0] == '%' &&
                       hex.find_first_not_of("0123456789abcdefABCDEF", 1) == hex.npos;
        if (!escaped) {
            out += text[i];
            continue;
        }
        out += static_cast<char>(std::stoi(std::string(hex.substr(1)), nullptr, 16));
        i += 2;
    }
    return out;
}

Json AllOf(const Json& a, const Json& b) {
    if (a == true || a == Json::object()) return b;
    if (b == true || b == Json::object()) return a;
    if (a == b) return a;
    if (a == false || b == false) return false;
    return Json{{"allOf", Json::array({a, b})}};
}

// The schema of a property by `properties` or else additionalProperties.
Json PropertyIn(const Json& schema, const std::string& name) {
    if (auto list = schema.find("properties"); list != schema.end() && list->contains(name))
        return (*list)[name];
    return schema.value("additionalProperties", Json(true));
}

Status MergeProperties(const Json& a, const Json& b, const std::string& path, Json& out) {
    auto has_any = [](const Json& schema) {
        return std::ranges::any_of(kObjectMembers,
                                   [&](auto name) { return schema.contains(name); });
    };
    if (!has_any(a) || !has_any(b)) {
        for (auto name : kObjectMembers)
            for (const Json* from : {&a, &b})
                if (from->contains(name)) out[std::string(name)] = (*from)[std::string(name)];
        return {};
    }
    if (a.contains("patternProperties") || b.contains("patternProperties"))
        return SchemaError(path, "patternProperties",
                           "it cannot be combined with another schema's properties");
    Json properties = Json::object();
    for (const Json* from : {&a, &b})
        if (from->contains("properties"))
            for (const auto& [name, unused] : (*from)["properties"].items())
                if (!properties.contains(name))
                    properties[name] = AllOf(PropertyIn(a, name), PropertyIn(b, name));
    if (!properties.empty()) out["properties"] = std::move(properties);
    if (a.contains("additionalProperties") || b.contains("additionalProperties"))
        out["additionalProperties"] = AllOf(a.value("additionalProperties", Json(true)),
                                            b.value("additionalProperties", Json(true)));
    return {};
}

void MergeItems(const Json& a, const Json& b, Json& out) {
    auto item = [](const Json& schema, size_t index) {
        if (auto prefix = schema.find("prefixItems");
            prefix != schema.end() && index < prefix->size())
            return (*prefix)[index];
        return schema.value("items", Json(true));
    };
    size_t count = 0;
    for (const Json* from : {&a, &b})
        if (from->contains("prefixItems")) count = std::max(count, (*from)["prefixItems"].size());
    for (size_t i = 0; i < count; ++i) out["prefixItems"].push_back(AllOf(item(a, i), item(b, i)));
    if (a.contains("items") || b.contains("items"))
        out["items"] = AllOf(a.value("items", Json(true)), b.value("items", Json(true)));
}

Json MergeEnums(const Json& a, const Json& b) {
    Json out = Json::array();
    for (const Json& value : a)
        if (std::ranges::find(b, value) != b.end()) out.push_back(value);
    return out;
}

// Of a keyword that both have, other than those that are merged together.
Result<Json> MergeKeyword(const std::string& name, const Json& a, const Json& b,
                          const std::string& path) {
    if (a == b) return a;
    if (name.starts_with("max") || name == "exclusiveMaximum") return std::min(a, b);
    if (name.starts_with("min") || name == "exclusiveMinimum") return std::max(a, b);
    if (name == "uniqueItems") return a == true || b == true;
    if (name == "enum") return MergeEnums(a, b);
    if (name == "required" || name == "pattern") {
        Json out = a;
        for (const Json& value : b)
            if (std::ranges::find(a, value) == a.end()) out.push_back(value);
        return out;
    }
    if (name == "anyOf") {
        if (a.size() * b.size() > kCombinationsMax)
            return SchemaError(path, name, "there are too many combinations of alternatives");
        Json out = Json::array();
        for (const Json& in_a : a)
            for (const Json& in_b : b) out.push_back(AllOf(in_a, in_b));
        return out;
    }
    return SchemaError(path, name,
                       "two different values of it hold at once (by allOf, $ref or anyOf), "
                       "which is not supported");
}

// Puts old and short forms into the one that the rest knows.
void Normalize(Json& schema) {
    if (schema.value("nullable", false)) {
        if (schema.contains("type"))
            schema["type"] = TypesToJson(DeclaredTypes(schema) | kNullType);
        if (schema.contains("enum") &&
            std::ranges::find(schema["enum"], nullptr) == schema["enum"].end())
            schema["enum"].push_back(nullptr);
    }
    schema.erase("nullable");
    if (schema.contains("pattern")) schema["pattern"] = Json::array({schema["pattern"]});
    if (schema.contains("const")) {
        Json value = Json::array({schema["const"]});
        schema["enum"] = schema.contains("enum") ? MergeEnums(value, schema["enum"]) : value;
        schema.erase("const");
    }
    if (schema.contains("items") && schema["items"].is_array()) {
        schema["prefixItems"] = schema["items"];
        schema.erase("items");
        if (schema.contains("additionalItems")) schema["items"] = schema["additionalItems"];
    }
    schema.erase("additionalItems");
    if (schema.contains("unevaluatedProperties") && !schema.contains("additionalProperties"))
        schema["additionalProperties"] = false;
    schema.erase("unevaluatedProperties");
}

}  // namespace

Result<const Json*> SchemaDocument::Resolve(const std::string& reference,
                                            const std::string& path) const {
    if (!reference.starts_with("#"))
        return SchemaError(path, "$ref",
                           "\"{}\" is not in this schema; only references such as "
                           "\"#/$defs/name\" are supported",
                           reference);
    std::string text = Unescaped(std::string_view(reference).substr(1));
    if (text.empty()) return &root_;
    const Json* found = nullptr;
    if (text.starts_with('/')) {
        found = &root_;
        for (size_t at = 0; at < text.size() && found != nullptr;) {
            size_t end = std::min(text.find('/', at + 1), text.size());
            std::string name = text.substr(at + 1, end - at - 1);
            for (size_t i = 0; (i = name.find('~', i)) != std::string::npos; ++i)
                name.replace(i, 2, name.substr(i, 2) == "~1" ? "/" : "~");
            at = end;
            if (found->is_object()) {
                auto member = found->find(name);
                found = member == found->end() ? nullptr : &*member;
            } else if (found->is_array()) {
                bool number = !name.empty() && name.size() < 9 &&
                              name.find_first_not_of("0123456789") == std::string::npos;
                size_t index = number ? std::stoul(name) : found->size();
                found = index < found->size() ? &(*found)[index] : nullptr;
            } else {
                found = nullptr;
            }
        }
    }
    if (found == nullptr || !(found->is_object() || found->is_boolean()))
        return SchemaError(path, "$ref", "there is no schema at \"{}\"", reference);
    return found;
}

Result<Json> SchemaDocument::Flatten(const Json& schema, const std::string& path) const {
    return FlattenAt(schema, path, 0);
}

Result<Json> SchemaDocument::FlattenAt(const Json& schema, const std::string& path,
                                       size_t depth) const {
    if (!schema.is_object()) return schema;
    if (depth == kDepthMax)
        return SchemaError(path, "", "references and allOf are nested too deeply, or for ever");
    LATHE_RETURN_IF_ERROR(CheckKeywords(schema, path));
    Json flat = Json::object();
    for (const auto& [name, value] : schema.items())
        if (!IsAnnotation(name) && name != "$ref" && name != "allOf") flat[name] = value;
    Normalize(flat);
    if (auto reference = schema.find("$ref"); reference != schema.end()) {
        LATHE_TRY(const Json* target, Resolve(reference->get<std::string>(), path));
        LATHE_TRY(Json other, FlattenAt(*target, reference->get<std::string>(), depth + 1));
        LATHE_TRY(flat, MergeSchemas(other, flat, path));
    }
    if (auto all = schema.find("allOf"); all != schema.end()) {
        for (size_t i = 0; i < all->size(); ++i) {
            LATHE_TRY(Json other,
                      FlattenAt((*all)[i], fmt::format("{}.allOf[{}]", path, i), depth + 1));
            LATHE_TRY(flat, MergeSchemas(flat, other, path));
        }
    }
    return flat;
}

Result<Json> MergeSchemas(const Json& a, const Json& b, const std::string& path) {
    if (a == false || b == false) return Json(false);
    if (a == true || a == Json::object()) return b;
    if (b == true || b == Json::object()) return a;
    Json out = Json::object();
    if (a.contains("type") || b.contains("type")) {
        TypeSet types = DeclaredTypes(a) & DeclaredTypes(b);
        if (types == 0) return Json(false);
        out["type"] = TypesToJson(types);
    }
    LATHE_RETURN_IF_ERROR(MergeProperties(a, b, path, out));
    MergeItems(a, b, out);
    for (const Json* from : {&a, &b})
        for (const auto& [name, value] : from->items()) {
            if (out.contains(name)) continue;
            const Json& other = from == &a ? b : a;
            if (!other.contains(name)) {
                out[name] = value;
                continue;
            }
            LATHE_TRY(out[name], MergeKeyword(name, a[name], b[name], path));
        }
    return out;
}

Result<bool> AreDisjoint(const SchemaDocument& document, const Json& a, const Json& b,
                         const std::string& path) {
    if (a == false || b == false) return true;
    if (!a.is_object() || !b.is_object()) return false;
    auto types = [](const Json& schema) {
        TypeSet declared = DeclaredTypes(schema);
        if (!schema.contains("enum")) return declared;
        TypeSet present = 0;
        for (const Json& value : schema["enum"]) present |= TypeOf(value);
        return declared & present;
    };
    if ((types(a) & types(b)) == 0) return true;
    if (a.contains("enum") && b.contains("enum")) return MergeEnums(a["enum"], b["enum"]).empty();
    if ((types(a) & types(b)) != kObjectType) return false;
    auto required = [](const Json& schema, const std::string& name) {
        return schema.contains("required") &&
               std::ranges::find(schema["required"], Json(name)) != schema["required"].end();
    };
    auto is_barred = [](const Json& schema, const std::string& name) {
        return PropertyIn(schema, name) == false && !schema.contains("patternProperties");
    };
    for (auto [from, other] : {std::pair(&a, &b), std::pair(&b, &a)}) {
        if (!from->contains("required")) continue;
        for (const Json& name_value : (*from)["required"]) {
            auto name = name_value.get<std::string>();
            if (is_barred(*other, name)) return true;
            if (!required(*other, name)) continue;
            LATHE_TRY(Json in_a, document.Flatten(PropertyIn(*from, name), path));
            LATHE_TRY(Json in_b, document.Flatten(PropertyIn(*other, name), path));
            if (in_a == false || in_b == false) return true;
            if (!in_a.is_object() || !in_b.is_object()) continue;
            if ((types(in_a) & types(in_b)) == 0) return true;
            if (in_a.contains("enum") && in_b.contains("enum") &&
                MergeEnums(in_a["enum"], in_b["enum"]).empty())
                return true;
        }
    }
    return false;
}

}  // namespace lathe::constraint
