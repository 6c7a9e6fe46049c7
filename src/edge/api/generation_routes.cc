#include "edge/api/generation_routes.h"

#include <ctime>

#include "core/net/sse.h"
#include "edge/api/chat_request.h"
#include "edge/api/completion_request.h"
#include "edge/api/generation_call.h"
#include "edge/api/limits.h"
#include "edge/api/parameters.h"
#include "edge/api/response_shape.h"
#include "edge/api/tool_plan.h"

namespace lathe::api {
namespace {

using tokenizer::TokenId;

// A request understood, rendered and tokenized: ready for the engine.
struct Prepared {
    std::vector<engine::GenerationRequest> requests;
    std::unique_ptr<ResponseShape> shape;
    bool stream = false;
    bool include_usage = false;
};

ResponseHead MakeHead(std::string_view prefix, const Call& call,
                      const backends::LocalModel& model) {
    return {fmt::format("{}-{}", prefix, call.id), model.id(), std::time(nullptr)};
}

// Compiles what the request wants its text to be into the grammar of its engine requests.
Status SetGrammar(GrammarCache& grammars, GenerationOptions& options) {
    if (!options.structured) return {};
    LATHE_TRY(options.engine.grammar, grammars.Get(*options.structured));
    return {};
}

ApiResult<Prepared> PrepareChat(const GenerationContext& context, const Call& call,
                                std::string_view bytes) {
    const auto& model = context.model;
    auto body = ParseBody(bytes);
    if (!body) return std::unexpected(ApiError(body.error()));
    auto chat = ParseChatRequest(*body, model.sampling_defaults());
    if (!chat) return std::unexpected(ApiError(chat.error()));
    auto& options = chat->options;
    if (auto known = CheckModelName(model, options.model); !known)
        return std::unexpected(known.error());
    if (auto set = SetGrammar(context.grammars, options); !set)
        return std::unexpected(ApiError(set.error()));
    auto text = RenderChat(model, std::move(chat->input));
    if (!text) return std::unexpected(ApiError(text.error()));
    auto tools = PlanTools(model, chat->tools, context.grammars);
    if (!tools) return std::unexpected(ApiError(tools.error()));
    if (tools->grammar) options.engine.grammar = std::move(tools->grammar);
    options.engine.kept_special = std::move(tools->kept_special);
    auto prompt = model.tokenizer().Encode(tools->Complete(*std::move(text)),
                                           {.add_special = options.add_special.value_or(false)});
    Prepared prepared;
    auto& request = prepared.requests.emplace_back(std::move(options.engine));
    request.tenant = call.caller.id;
    int32_t length = model.engine().context_length();
    if (auto fits = FitPrompt(std::move(prompt), options, length, length, "messages", request);
        !fits)
        return std::unexpected(RequestError(fits.error()));
    prepared.stream = options.stream;
    prepared.include_usage = options.include_usage;
    prepared.shape =
        ChatShape(model.tokenizer(), {.head = MakeHead("chatcmpl", call, model),
                                      .logprobs = chat->logprobs,
                                      .include_usage = options.include_usage,
                                      .style = {request.keep_special, options.tokens_as_ids},
                                      .tools = std::move(tools->answer)});
    return prepared;
}

// The tokens of one prompt, and the text that echo shows for it.
Result<std::vector<TokenId>> TokensOf(const backends::LocalModel& model,
                                      const CompletionRequest::Prompt& prompt, bool add_special) {
    const auto& tokenizer = model.tokenizer();
    std::vector<TokenId> tokens;
    if (const auto* text = std::get_if<std::string>(&prompt))
        tokens = tokenizer.Encode(*text, {.add_special = add_special});
    else
        tokens = std::get<std::vector<TokenId>>(prompt);
    if (tokens.empty() && tokenizer.bos()) tokens.push_back(*tokenizer.bos());
    if (tokens.empty() && tokenizer.eos()) tokens.push_back(*tokenizer.eos());
    if (tokens.empty()) return InvalidParam("prompt", "the prompt is empty");
    return tokens;
}

ApiResult<Prepared> PrepareCompletion(const GenerationContext& context, const Call& call,
                                      std::string_view bytes) {
    const auto& model = context.model;
    constexpr int32_t kTokensMaxDefault = 16;  // OpenAI's
    auto body = ParseBody(bytes);
    if (!body) return std::unexpected(ApiError(body.error()));
    const auto& tokenizer = model.tokenizer();
    auto completion =
        ParseCompletionRequest(*body, model.sampling_defaults(), tokenizer.vocab_size());
    if (!completion) return std::unexpected(ApiError(completion.error()));
    auto& options = completion->options;
    if (auto known = CheckModelName(model, options.model); !known)
        return std::unexpected(known.error());
    if (auto set = SetGrammar(context.grammars, options); !set)
        return std::unexpected(ApiError(set.error()));
    Prepared prepared;
    CompletionShapeOptions shape{.head = MakeHead("cmpl", call, model),
                                 .completions = options.engine.completions,
                                 .logprobs = completion->logprobs,
                                 .include_usage = options.include_usage,
                                 .echo = {},
                                 .style = {options.engine.keep_special, options.tokens_as_ids}};
    for (const auto& prompt : completion->prompts) {
        auto tokens = TokensOf(model, prompt, options.add_special.value_or(true));
        if (!tokens) return std::unexpected(ApiError(tokens.error()));
        size_t length = tokens->size();
        auto& request = prepared.requests.emplace_back(options.engine);
        request.tenant = call.caller.id;
        if (auto fits = FitPrompt(std::move(*tokens), options, kTokensMaxDefault,
                                  model.engine().context_length(), "prompt", request);
            !fits)
            return std::unexpected(RequestError(fits.error()));
        if (!completion->echo) continue;
        const auto* text = std::get_if<std::string>(&prompt);
        bool whole = text != nullptr && request.prompt.size() == length;
        shape.echo.push_back(whole ? *text
                                   : tokenizer.Decode(request.prompt, options.engine.keep_special));
    }
    prepared.stream = options.stream;
    prepared.include_usage = options.include_usage;
    prepared.shape = CompletionShape(tokenizer, std::move(shape));
    return prepared;
}

void AddUsage(engine::Usage& sum, const engine::Usage& usage) {
    sum.prompt_tokens += usage.prompt_tokens;
    sum.completion_tokens += usage.completion_tokens;
    sum.cached_prompt_tokens += usage.cached_prompt_tokens;
}

// Why an engine request ended other than by finishing, if it did.
std::optional<ApiError> FailureOf(const engine::GenerationEvent& event) {
    if (event.finish == engine::FinishReason::kError) return ApiError(event.error);
    if (event.finish == engine::FinishReason::kCancelled)
        return ApiError(Error{Code::kUnavailable, "the server is shutting down", {}});
    return std::nullopt;
}

void AddProcessingTime(net::Exchange& exchange) {
    auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - exchange.started());
    exchange.AddHeader("openai-processing-ms", std::to_string(ms.count()));
}

// One call from its preparation to its end.
class Session {
public:
    Session(const GenerationContext& context, net::Exchange& exchange, const Call& call,
            Prepared prepared)
        : context_(context),
          exchange_(exchange),
          api_call_(call),
          prepared_(std::move(prepared)),
          call_(context.model.engine(), exchange) {}

    net::Task<void> Run() {
        for (auto& request : prepared_.requests)
            if (auto status = call_.Submit(std::move(request)); !status)
                co_return Fail(RequestError(status.error()));
        if (prepared_.stream) {
            AddProcessingTime(exchange_);
            exchange_.StartStream(200, net::SseHeaders());
        }
        while (!call_.done()) {
            auto step = co_await call_.Next(context_.options.keep_alive);
            if (step.outcome == GenerationCall::Outcome::kGone) co_return Gone();
            if (step.outcome == GenerationCall::Outcome::kQuiet && prepared_.stream)
                if (!exchange_.Write(net::SseComment("keep-alive"))) co_return Gone();
            for (auto& arrival : step.arrivals) {
                context_.metrics.Count(arrival.event);
                if (auto failure = FailureOf(arrival.event)) co_return Fail(*failure);
                if (arrival.event.last) AddUsage(usage_, arrival.event.usage);
                if (!Take(std::move(arrival))) co_return Gone();
            }
        }
        co_await Finish();
    }

private:
    // False if the client is gone.
    bool Take(GenerationCall::Arrival arrival) {
        if (arrival.event.last) ++finished_;
        if (!prepared_.stream) {
            prepared_.shape->Add(arrival.request, std::move(arrival.event));
            return true;
        }
        std::string bytes;
        for (const auto& chunk : prepared_.shape->Chunks(arrival.request, arrival.event))
            bytes += net::SseData(DumpJson(chunk));
        return exchange_.Write(bytes).has_value();
    }

    net::Task<void> Finish() {
        if (prepared_.stream) {
            std::string bytes;
            if (prepared_.include_usage)
                bytes = net::SseData(DumpJson(prepared_.shape->UsageChunk(usage_)));
            (void)exchange_.Write(bytes += net::kSseDone);  // a client that left misses nothing
            co_return;
        }
        net::ServerResponse response;
        // Log-probabilities of long prompts make large answers.
        co_await exchange_.RunInBackground(
            [&] { response = JsonResponse(200, prepared_.shape->Whole(usage_)); });
        AddProcessingTime(exchange_);
        exchange_.Send(std::move(response));
    }

    void Fail(const ApiError& error) {
        if (error.status == 500) api_call_.log.Error("generation failed: {}", error.message);
        if (!prepared_.stream || exchange_.status() == 0)
            return exchange_.Send(ErrorResponse(error));
        std::string bytes = net::SseData(DumpJson(ErrorBody(error)));
        (void)exchange_.Write(bytes += net::kSseDone);
    }

    void Gone() {
        api_call_.log.Info("the client left; its generation is cancelled");
        context_.metrics.CountGone(prepared_.requests.size() - finished_);
    }

    const GenerationContext& context_;
    net::Exchange& exchange_;
    const Call& api_call_;
    Prepared prepared_;
    GenerationCall call_;  // cancels in its destructor
    engine::Usage usage_;
    size_t finished_ = 0;
};

using Prepare = ApiResult<Prepared> (*)(const GenerationContext&, const Call&, std::string_view);

net::Task<void> Generate(const GenerationContext& context, Prepare prepare, net::Exchange& exchange,
                         const Call& call) {
    if (auto status = CheckContentType(exchange.request()); !status) {
        ApiError error(status.error());
        error.status = 415;
        co_return exchange.Send(ErrorResponse(error));
    }
    ApiResult<Prepared> prepared;
    // Off the io thread: a long prompt takes its time to parse, render and tokenize.
    co_await exchange.RunInBackground(
        [&] { prepared = prepare(context, call, exchange.request().body); });
    exchange.ReleaseBody();
    if (!prepared) co_return exchange.Send(ErrorResponse(prepared.error()));
    if (exchange.client_gone()) co_return;
    Session session(context, exchange, call, std::move(*prepared));
    co_await session.Run();
}

}  // namespace

void AddGenerationRoutes(Router& router, const GenerationContext& context) {
    router.Add(
        {"POST", "/v1/chat/completions", [&context](net::Exchange& exchange, const Call& call) {
             return Generate(context, PrepareChat, exchange, call);
         }});
    router.Add({"POST", "/v1/completions", [&context](net::Exchange& exchange, const Call& call) {
                    return Generate(context, PrepareCompletion, exchange, call);
                }});
}

Result<std::string> RenderChat(const backends::LocalModel& model, chat::RenderInput input) {
    auto text = model.RenderChat(std::move(input));
    if (!text) {
        Error error = text.error();
        if (error.param.empty()) error.param = "messages";
        return std::unexpected(WithContext(std::move(error), "the chat template"));
    }
    return text;
}

Status CheckContentType(const net::ServerRequest& request) {
    auto type = request.Get("content-type");
    auto media = type.substr(0, type.find(';'));
    while (media.ends_with(' ')) media.remove_suffix(1);
    if (net::EqualsIgnoringCase(media, "application/json")) return {};
    return InvalidArgument(
        "the body must be JSON: send the header \"Content-Type: application/json\" "
        "(curl: -H 'Content-Type: application/json')");
}

ApiResult<void> CheckModelName(const backends::LocalModel& model, std::string_view name) {
    if (name.empty() || name == model.id()) return {};
    return std::unexpected(
        WithCode(Error{Code::kNotFound,
                       fmt::format("the model \"{}\" does not exist here; this server has \"{}\"",
                                   name.substr(0, 200), model.id()),
                       "model"},
                 "model_not_found"));
}

}  // namespace lathe::api
