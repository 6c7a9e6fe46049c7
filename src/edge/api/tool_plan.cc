#include "edge/api/tool_plan.h"

#include "edge/api/forced_call.h"

namespace lathe::api {

std::string ToolPlan::Complete(std::string prompt) const {
    if (answer.forced.empty()) return prompt;
    constexpr std::string_view kThink = "<think>";
    auto end = prompt.find_last_not_of(" \n") + 1;
    // A thought that the template has begun must end before a call.
    if (std::string_view(prompt).substr(0, end).ends_with(kThink)) {
        prompt.resize(end);
        prompt += "\n\n</think>\n\n";
    }
    return prompt += answer.forced;
}

Result<ToolPlan> PlanTools(const backends::LocalModel& model, const ToolRequest& request,
                           GrammarCache& grammars) {
    ToolPlan plan;
    if (!request.offered()) return plan;
    const auto* format = model.tool_support()->format();
    if (format == nullptr)
        return InvalidParam("tools",
                            "how \"{}\" writes tool calls is not known; start the server with "
                            "--tool-format NAME, one of {}",
                            model.id(), chat::ToolFormatNames());
    plan.answer = {
        .format = format, .tools = request.tools, .forced = {}, .parallel = request.parallel};
    if (request.forced()) {
        LATHE_TRY(auto forced, MakeForcedCall(*format, request, grammars));
        plan.answer.format = forced.format;
        plan.answer.forced = std::move(forced.begin);
        plan.grammar = std::move(forced.grammar);
    }
    const auto& tokenizer = model.tokenizer();
    for (auto marker : {format->section_begin, format->section_end, format->call_begin,
                        format->name_end, format->call_end, format->key_begin, format->key_end,
                        format->value_begin, format->value_end})
        for (auto id : tokenizer.Encode(marker, {.add_special = false}))
            if (tokenizer.IsSpecial(id)) plan.kept_special.push_back(id);
    return plan;
}

}  // namespace lathe::api
