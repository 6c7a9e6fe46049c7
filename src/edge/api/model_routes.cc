#include "edge/api/model_routes.h"

#include <ctime>

#include "edge/api/chat_request.h"
#include "edge/api/generation_options.h"
#include "edge/api/generation_routes.h"
#include "edge/api/parameters.h"
#include "edge/api/token_text.h"

namespace lathe::api {
namespace {

Json ModelJson(const backends::LocalModel& model, int64_t created) {
    return {{"id", model.id()},
            {"object", "model"},
            {"created", created},
            {"owned_by", "lathe"},
            {"root", model.id()},
            {"parent", nullptr},
            {"max_model_len", model.engine().context_length()}};
}

ApiResult<Json> Tokenize(const backends::LocalModel& model, std::string_view bytes) {
    auto body = ParseBody(bytes);
    if (!body) return std::unexpected(ApiError(body.error()));
    if (auto status = CheckParameters(*body, TokenizeParameters()); !status)
        return std::unexpected(ApiError(status.error()));
    if (auto known = CheckModelName(model, StringOr(*body, "model", "")); !known)
        return std::unexpected(known.error());
    bool chat = Find(*body, "messages") != nullptr;
    if (chat == (Find(*body, "prompt") != nullptr))
        return std::unexpected(
            ApiError(Error{Code::kInvalidArgument, "give either prompt or messages", "prompt"}));
    std::string text = StringOr(*body, "prompt", "");
    if (chat) {
        auto input = ParseRenderInput(*body);
        if (!input) return std::unexpected(ApiError(input.error()));
        auto rendered = RenderChat(model, std::move(*input));
        if (!rendered) return std::unexpected(ApiError(rendered.error()));
        text = std::move(*rendered);
    }
    // A template writes the special tokens itself.
    auto tokens =
        model.tokenizer().Encode(text, {.add_special = BoolOr(*body, "add_special_tokens", !chat)});
    Json out;
    out["tokens"] = tokens;
    out["count"] = tokens.size();
    out["max_model_len"] = model.engine().context_length();
    if (BoolOr(*body, "return_token_strs", false)) {
        out["token_strs"] = Json::array();
        for (auto id : tokens) out["token_strs"].push_back(TokenLabel(model.tokenizer(), id, {}));
    }
    return out;
}

ApiResult<Json> Detokenize(const backends::LocalModel& model, std::string_view bytes) {
    auto body = ParseBody(bytes);
    if (!body) return std::unexpected(ApiError(body.error()));
    if (auto status = CheckParameters(*body, DetokenizeParameters()); !status)
        return std::unexpected(ApiError(status.error()));
    if (auto known = CheckModelName(model, StringOr(*body, "model", "")); !known)
        return std::unexpected(known.error());
    const Json* tokens = Find(*body, "tokens");
    if (tokens == nullptr)
        return std::unexpected(
            ApiError(Error{Code::kInvalidArgument, "tokens must be given", "tokens"}));
    auto ids = ParseTokenIds(*tokens, model.tokenizer().vocab_size(), "tokens");
    if (!ids) return std::unexpected(ApiError(ids.error()));
    return Json{{"prompt", model.tokenizer().Decode(*ids, /*keep_special=*/true)}};
}

// What a client that tokenizes through the server has to know beforehand, by the names
// of Hugging Face's tokenizer_config.json, as vLLM gives it.
Json TokenizerInfo(const backends::LocalModel& model) {
    const auto& tokenizer = model.tokenizer();
    auto text = [&](std::optional<tokenizer::TokenId> id) {
        return id ? Json(tokenizer.TokenBytes(*id)) : Json(nullptr);
    };
    Json out{{"bos_token", text(tokenizer.bos())},
             {"eos_token", text(tokenizer.eos())},
             {"vocab_size", tokenizer.vocab_size()},
             {"model_max_length", model.engine().context_length()}};
    out["chat_template"] =
        model.chat_template() ? Json(model.chat_template()->source()) : Json(nullptr);
    return out;
}

using Answer = ApiResult<Json> (*)(const backends::LocalModel&, std::string_view);

// Runs `answer` on the body, off the io thread.
net::Task<void> AnswerBody(const backends::LocalModel& model, Answer answer,
                           net::Exchange& exchange) {
    if (auto status = CheckContentType(exchange.request()); !status) {
        ApiError error(status.error());
        error.status = 415;
        co_return exchange.Send(ErrorResponse(error));
    }
    net::ServerResponse response;
    co_await exchange.RunInBackground([&] {
        auto body = answer(model, exchange.request().body);
        response = body ? JsonResponse(200, *body) : ErrorResponse(body.error());
    });
    exchange.Send(std::move(response));
}

}  // namespace

void AddModelRoutes(Router& router, const backends::LocalModel& model) {
    int64_t created = std::time(nullptr);
    router.Add({"GET", "/v1/models",
                [&model, created](net::Exchange& exchange, const Call&) -> net::Task<void> {
                    Json list;
                    list["object"] = "list";
                    list["data"] = Json::array({ModelJson(model, created)});
                    exchange.Send(JsonResponse(200, list));
                    co_return;
                }});
    router.Add({"GET", "/v1/models/{id}/facts",
                [&model](net::Exchange& exchange, const Call& call) -> net::Task<void> {
                    auto known = CheckModelName(model, call.capture);
                    exchange.Send(known ? JsonResponse(200, model.facts())
                                        : ErrorResponse(known.error()));
                    co_return;
                }});
    router.Add({"GET", "/v1/models/{id}",
                [&model, created](net::Exchange& exchange, const Call& call) -> net::Task<void> {
                    auto known = CheckModelName(model, call.capture);
                    exchange.Send(known ? JsonResponse(200, ModelJson(model, created))
                                        : ErrorResponse(known.error()));
                    co_return;
                }});
    router.Add({"GET", "/tokenizer_info",
                [&model](net::Exchange& exchange, const Call&) -> net::Task<void> {
                    exchange.Send(JsonResponse(200, TokenizerInfo(model)));
                    co_return;
                }});
    router.Add({"POST", "/tokenize", [&model](net::Exchange& exchange, const Call&) {
                    return AnswerBody(model, Tokenize, exchange);
                }});
    router.Add({"POST", "/detokenize", [&model](net::Exchange& exchange, const Call&) {
                    return AnswerBody(model, Detokenize, exchange);
                }});
}

}  // namespace lathe::api
