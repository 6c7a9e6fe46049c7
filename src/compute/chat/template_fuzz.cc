#include <cstdint>
#include <cstdlib>

#include "compute/chat/chat_template.h"

namespace {

using lathe::Json;

lathe::chat::RenderInput Conversation() {
    lathe::chat::RenderInput input;
    input.messages = Json::parse(R"([
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi <b>you</b>\n é世界😀 "},
        {"role": "assistant", "content": null, "tool_calls": [{"type": "function", "id": "c1",
         "function": {"name": "f", "arguments": {"a": 1, "b": [1.5, true, null, "x"]}}}]},
        {"role": "tool", "content": "7", "tool_call_id": "c1"}])");
    input.tools = Json::parse(R"([{"type": "function", "function": {"name": "f",
        "description": "d", "parameters": {"type": "object", "required": ["a"],
        "properties": {"a": {"type": "integer", "maximum": 18446744073709551615}}}}}])");
    input.extra = Json{{"n", -3}, {"s", "Straße İ ΑΣ"}, {"f", 1e-7}};
    input.bos_token = "<s>";
    input.eos_token = "</s>";
    input.now = std::chrono::system_clock::from_time_t(1'700'000'000);
    return input;
}

}  // namespace

// Whatever the source: an error with a message, or a text within the limits.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const lathe::chat::RenderInput kInput = Conversation();
    lathe::chat::TemplateLimits limits;
    limits.steps_max = 20'000;
    limits.output_bytes_max = 1u << 16;
    limits.memory_bytes_max = 1u << 20;
    limits.depth_max = 60;
    auto parsed =
        lathe::chat::ChatTemplate::Parse({reinterpret_cast<const char*>(data), size}, limits);
    if (!parsed) {
        if (parsed.error().message.empty()) std::abort();
        return 0;
    }
    auto text = parsed->Render(kInput);
    if (!text) {
        if (text.error().message.empty()) std::abort();
    } else if (text->size() > limits.output_bytes_max) {
        std::abort();
    }
    return 0;
}
