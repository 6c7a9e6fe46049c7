// Whatever a model writes, in every format: cut anywhere it gives the same content and
// calls, and what shows no call is all content.
#include <cstdint>
#include <memory>

#include "compute/chat/tool_call_parser.h"
#include "core/base/check.h"

namespace {

using namespace lathe;
using namespace lathe::chat;

struct Outcome {
    std::string content;
    std::vector<std::pair<std::string, std::string>> calls;
    bool operator==(const Outcome&) const = default;
};

void Add(const std::vector<ToolDelta>& deltas, Outcome& outcome) {
    for (const ToolDelta& delta : deltas) {
        LATHE_CHECK(!delta.text.empty());
        if (delta.kind == ToolDelta::Kind::kContent) {
            outcome.content += delta.text;
        } else if (delta.kind == ToolDelta::Kind::kCall) {
            outcome.calls.emplace_back(delta.text, "");
        } else {
            LATHE_CHECK(!outcome.calls.empty());
            outcome.calls.back().second += delta.text;
        }
    }
}

Outcome Parse(const ToolFormat& format, std::string_view text, size_t piece) {
    static const auto kTools = std::make_shared<const Json>(Json::parse(R"([{"type": "function",
        "function": {"name": "f", "parameters": {"type": "object", "properties": {
        "s": {"type": "string"}, "i": {"type": "integer"}, "o": {"anyOf": [{"type": "object"}]}}}}}])"));
    ToolCallParser parser(format, kTools);
    Outcome outcome;
    for (size_t at = 0; at < text.size(); at += piece) {
        std::vector<ToolDelta> deltas;
        parser.Push(text.substr(at, piece), deltas);
        Add(deltas, outcome);
    }
    std::vector<ToolDelta> deltas;
    parser.Finish(deltas);
    Add(deltas, outcome);
    LATHE_CHECK(parser.call_count() == outcome.calls.size());
    for (const auto& call : outcome.calls) LATHE_CHECK(call.second.starts_with('{'));
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 2 || size > 4096) return 0;
    auto formats = ToolFormats();
    const ToolFormat& format = formats[data[0] % formats.size()];
    size_t piece = 1 + data[1] % 16;
    std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
    Outcome whole = Parse(format, text, text.size() + 1);
    LATHE_CHECK(Parse(format, text, piece) == whole);
    if (whole.calls.empty()) LATHE_CHECK(whole.content == text);
    return 0;
}
