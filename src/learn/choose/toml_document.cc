#include "learn/choose/toml_document.h"

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
// The header's own code does not keep our warnings.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#include <toml++/toml.h>
#pragma clang diagnostic pop

#include <algorithm>
#include <utility>
#include <vector>

namespace lathe::choose {
namespace {

class Converter {
public:
    explicit Converter(TomlDocument& document) : document_(document) {}

    Result<Json> Convert(const toml::node& node, const std::string& path) {
        document_.lines[path] = static_cast<int>(node.source().begin.line);
        if (const auto* table = node.as_table()) return ConvertTable(*table, path);
        if (const auto* array = node.as_array()) return ConvertArray(*array, path);
        if (const auto* text = node.as_string()) return Json(text->get());
        if (const auto* number = node.as_integer()) return Json(number->get());
        if (const auto* number = node.as_floating_point()) return Json(number->get());
        if (const auto* flag = node.as_boolean()) return Json(flag->get());
        return InvalidParam(path, "{}{}: dates and times are not used here; write text in quotes",
                            path, document_.LineOf(path));
    }

private:
    Result<Json> ConvertTable(const toml::table& table, const std::string& path) {
        // The parser sorts keys; the text's order is that of their places.
        struct Entry {
            const toml::key* key;
            const toml::node* node;
            std::pair<uint32_t, uint32_t> place;
        };
        std::vector<Entry> entries;
        for (const auto& [key, node] : table) {
            auto begin = key.source().begin;
            entries.push_back({&key, &node, {begin.line, begin.column}});
        }
        std::ranges::sort(entries, {}, [](const Entry& entry) {
            return std::pair(entry.place, entry.key->str());
        });
        Json out = Json::object();
        for (const Entry& entry : entries) {
            std::string key(entry.key->str());
            std::string below = path.empty() ? key : path + "." + key;
            LATHE_TRY(out[key], Convert(*entry.node, below));
            document_.lines[below] = static_cast<int>(entry.place.first);
        }
        return out;
    }

    Result<Json> ConvertArray(const toml::array& array, const std::string& path) {
        Json out = Json::array();
        for (const toml::node& node : array) {
            LATHE_TRY(Json one, Convert(node, fmt::format("{}[{}]", path, out.size())));
            out.push_back(std::move(one));
        }
        return out;
    }

    TomlDocument& document_;
};

// The parser (3.3) assumes, without checking, that a table's header begins with a key. Refuses
// lines that begin with brackets and something else, as `[[ {`; those of lists in lists
// may not either.
Status CheckHeaders(std::string_view text) {
    auto is_key = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-' || c == '"' || c == '\'' || c == ']';
    };
    int line = 1;
    for (size_t at = 0; at < text.size(); ++line) {
        size_t end = std::min(text.find('\n', at), text.size());
        // White space outside ASCII is skipped by the parser too.
        while (at < end && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' ||
                            static_cast<unsigned char>(text[at]) >= 0x80))
            ++at;
        bool header = at < end && text[at] == '[';
        for (int brackets = 0; header && brackets < 2 && at < end && text[at] == '['; ++brackets)
            ++at;
        while (header && at < end && (text[at] == ' ' || text[at] == '\t')) ++at;
        if (header && (at == end || !is_key(text[at])))
            return InvalidArgument("line {}: a key is missing behind the bracket, as in [limits]",
                                   line);
        at = end + 1;
    }
    return {};
}

}  // namespace

Result<TomlDocument> TomlDocument::Parse(std::string_view text) {
    if (text.size() > kBytesMax)
        return InvalidArgument("the text has {} bytes; at most {} are read", text.size(),
                               kBytesMax);
    LATHE_RETURN_IF_ERROR(CheckHeaders(text));
    toml::parse_result parsed = toml::parse(text);
    if (!parsed) {
        const toml::parse_error& error = parsed.error();
        return InvalidArgument("line {}, column {}: {}", error.source().begin.line,
                               error.source().begin.column, error.description());
    }
    TomlDocument document;
    Converter converter(document);
    LATHE_TRY(document.root, converter.Convert(parsed.table(), ""));
    return document;
}

std::string TomlDocument::LineOf(const std::string& path) const {
    auto found = lines.find(path);
    return found == lines.end() || path.empty() ? "" : fmt::format(" (line {})", found->second);
}

}  // namespace lathe::choose
