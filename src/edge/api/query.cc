#include "edge/api/query.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "core/net/server_message.h"

namespace lathe::api {
namespace {

bool Decode(std::string_view text, std::string& out) {
    std::string spaced(text);
    std::ranges::replace(spaced, '+', ' ');
    return !spaced.contains('\0') && net::PercentDecode(spaced, out);
}

}  // namespace

Result<Query> ParseQuery(std::string_view text, std::span<const std::string_view> known) {
    Query query;
    while (!text.empty()) {
        size_t end = std::min(text.find('&'), text.size());
        std::string_view pair = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (pair.empty()) continue;
        size_t equals = std::min(pair.find('='), pair.size());
        std::string name, value;
        bool is_whole = Decode(pair.substr(0, equals), name) &&
                        Decode(pair.substr(std::min(equals + 1, pair.size())), value);
        if (!is_whole)
            return InvalidParam(name, "the query has a broken %-escape or a NUL: {}", pair);
        if (std::ranges::find(known, name) == known.end())
            return InvalidParam(name, "{} is not a parameter here; there are {}", name,
                                fmt::join(known, ", "));
        if (!query.emplace(name, std::move(value)).second)
            return InvalidParam(name, "{} is given twice", name);
    }
    return query;
}

Result<size_t> CountOr(const Query& query, std::string_view name, size_t fallback, size_t max) {
    auto found = query.find(name);
    if (found == query.end()) return fallback;
    const std::string& text = found->second;
    size_t value = 0;
    auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc() || end != text.data() + text.size() || value > max)
        return InvalidParam(name, "{} must be a whole number from 0 to {}", name, max);
    return value;
}

std::string TextOr(const Query& query, std::string_view name) {
    auto found = query.find(name);
    return found == query.end() ? std::string() : found->second;
}

}  // namespace lathe::api
