#include "core/json/json.h"

#include <optional>

namespace lathe {
namespace {

// Counts nesting before the real parse, so that no parser state grows with it.
std::optional<size_t> FirstOffsetDeeperThan(std::string_view text, size_t depth_max) {
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (in_string) {
            if (c == '\\') ++i;
            else if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > depth_max) return i;
        } else if ((c == '}' || c == ']') && depth > 0) {
            --depth;
        }
    }
    return std::nullopt;
}

// "[json.exception.parse_error.101] parse error at line 1, column 2: rest" -> "parse error ..."
std::string_view WithoutExceptionTag(std::string_view message) {
    size_t end = message.find("] ");
    return end == std::string_view::npos ? message : message.substr(end + 2);
}

}  // namespace

Result<Json> ParseJson(std::string_view text, const JsonLimits& limits) {
    if (text.size() > limits.bytes_max)
        return InvalidArgument("JSON of {} bytes is longer than the limit of {}", text.size(),
                               limits.bytes_max);
    // The parser would take a zero byte for the end and drop what follows.
    if (size_t zero = text.find('\0'); zero != std::string_view::npos)
        return InvalidArgument("not valid JSON: byte {} is zero; write \\u0000 inside a string", zero);
    if (auto offset = FirstOffsetDeeperThan(text, limits.depth_max))
        return InvalidArgument("JSON is nested deeper than {} levels at byte {}; flatten it",
                               limits.depth_max, *offset);
    try {
        return Json::parse(text.begin(), text.end());
    } catch (const nlohmann::json::exception& exception) {
        return InvalidArgument("not valid JSON: {}", WithoutExceptionTag(exception.what()));
    }
}

std::string DumpJson(const Json& value, int indent) {
    return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace lathe
