#include "edge/api/run_routes.h"

#include "core/net/sse.h"
#include "edge/api/api_error.h"
#include "edge/api/query.h"

namespace lathe::api {
namespace {

constexpr size_t kChangedMax = 500;  // documents of a comparison that are sent
constexpr size_t kOffsetMax = 1'000'000'000;
constexpr size_t kSearchBytesMax = 1000;

// The page is a file that anyone may have written: it may show itself and nothing else.
constexpr const char* kPagePolicy =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; sandbox allow-popups";

Result<runs::SampleQuery> SampleQueryOf(std::string_view text) {
    static constexpr std::string_view kKnown[] = {"task",   "filter", "outcome",
                                                  "search", "offset", "limit"};
    LATHE_TRY(Query query, ParseQuery(text, kKnown));
    runs::SampleQuery wanted;
    wanted.task = TextOr(query, "task");
    if (wanted.task.empty()) return InvalidParam("task", "task must be given");
    wanted.filter = TextOr(query, "filter");
    wanted.search = TextOr(query, "search");
    if (wanted.search.size() > kSearchBytesMax)
        return InvalidParam("search", "search may have at most {} bytes", kSearchBytesMax);
    if (std::string outcome = TextOr(query, "outcome"); outcome == "right") {
        wanted.outcome = runs::Outcome::kRight;
    } else if (outcome == "wrong") {
        wanted.outcome = runs::Outcome::kWrong;
    } else if (!outcome.empty()) {
        return InvalidParam("outcome", "outcome must be right or wrong");
    }
    LATHE_TRY(wanted.offset, CountOr(query, "offset", 0, kOffsetMax));
    LATHE_TRY(wanted.count, CountOr(query, "limit", wanted.count, runs::SampleQuery::kCountMax));
    return wanted;
}

Result<Json> List(const RunContext& context) {
    LATHE_TRY(Json list, context.folders.List());
    return Json{
        {"object", "list"}, {"folder", context.folders.root().string()}, {"data", std::move(list)}};
}

Result<Json> Samples(const RunContext& context, const std::string& id, std::string_view query) {
    LATHE_TRY(runs::SampleQuery wanted, SampleQueryOf(query));
    return context.folders.Samples(id, wanted);
}

Result<Json> Compare(const RunContext& context, const std::string& id, std::string_view text) {
    static constexpr std::string_view kKnown[] = {"with"};
    LATHE_TRY(Query query, ParseQuery(text, kKnown));
    std::string other = TextOr(query, "with");
    if (other.empty()) return InvalidParam("with", "with must name the other run");
    LATHE_TRY(std::filesystem::path a, context.folders.FolderOfResults(id));
    LATHE_TRY(std::filesystem::path b, context.folders.FolderOfResults(other));
    if (!context.compare)
        return MakeError(Code::kUnimplemented, "this server does not compare runs");
    LATHE_TRY(Json compared, context.compare(a, b));
    if (!compared.contains("changed")) return compared;
    compared["changed_total"] = compared["changed"].size();
    if (Json& changed = compared["changed"]; changed.size() > kChangedMax)
        changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(kChangedMax), changed.end());
    return compared;
}

// Reads files, so off the io thread.
using Answer = std::function<Result<Json>(const net::ServerRequest&, const std::string& id)>;

Route JsonRoute(std::string path, Answer answer) {
    auto handler = [answer = std::move(answer)](net::Exchange& exchange,
                                                const Call& call) -> net::Task<void> {
        net::ServerResponse response;
        co_await exchange.RunInBackground([&] {
            auto json = answer(exchange.request(), call.capture);
            response =
                json ? JsonResponse(200, *json) : ErrorResponse(ApiError(std::move(json).error()));
        });
        response.headers.push_back({"cache-control", "no-store"});
        exchange.Send(std::move(response));
    };
    return {"GET", std::move(path), std::move(handler)};
}

net::Task<void> SendPage(const RunContext& context, net::Exchange& exchange, const Call& call) {
    net::ServerResponse response;
    co_await exchange.RunInBackground([&] {
        auto page = context.folders.Page(call.capture);
        if (!page) {
            response = ErrorResponse(ApiError(page.error()));
            return;
        }
        response.headers = {{"content-type", "text/html; charset=utf-8"},
                            {"content-security-policy", kPagePolicy},
                            {"x-content-type-options", "nosniff"},
                            {"referrer-policy", "no-referrer"},
                            {"cache-control", "no-store"}};
        response.body = std::move(*page);
    });
    exchange.Send(std::move(response));
}

net::Task<void> StreamState(const RunContext& context, net::Exchange& exchange, const Call& call) {
    Result<Json> run;
    auto look = [&] { run = context.folders.Summary(call.capture); };
    co_await exchange.RunInBackground(look);
    if (!run || exchange.request().method == "HEAD")
        co_return exchange.Send(run ? JsonResponse(200, *run)
                                    : ErrorResponse(ApiError(run.error())));
    exchange.StartStream(200, net::SseHeaders());
    std::string last;
    std::chrono::milliseconds quiet{0};
    while (run) {
        std::string text = DumpJson(*run);
        bool is_news = text != last;
        if (is_news || quiet >= context.keep_alive) {
            auto written = exchange.Write(is_news ? net::SseData(text) : net::SseComment("wait"));
            if (!written) co_return;
            quiet = {};
            last = std::move(text);
        }
        if ((*run)["state"] != "running" || context.draining.load()) break;
        if (co_await exchange.Wait(context.look_every) == net::Exchange::Event::kGone) co_return;
        quiet += context.look_every;
        co_await exchange.RunInBackground(look);
    }
    (void)exchange.Write(net::kSseDone);
}

}  // namespace

void AddRunRoutes(Router& router, const RunContext& context) {
    Route list = JsonRoute("/v1/runs", [&context](const net::ServerRequest&, const std::string&) {
        return List(context);
    });
    list.is_polled = true;
    router.Add(std::move(list));
    router.Add(JsonRoute("/v1/runs/{id}/samples",
                         [&context](const net::ServerRequest& request, const std::string& id) {
                             return Samples(context, id, request.query);
                         }));
    router.Add(JsonRoute("/v1/runs/{id}/comparison",
                         [&context](const net::ServerRequest& request, const std::string& id) {
                             return Compare(context, id, request.query);
                         }));
    router.Add(
        {"GET", "/v1/runs/{id}/events", [&context](net::Exchange& exchange, const Call& call) {
             return StreamState(context, exchange, call);
         }});
    router.Add({"GET", "/v1/runs/{id}/page", [&context](net::Exchange& exchange, const Call& call) {
                    return SendPage(context, exchange, call);
                }});
    router.Add(
        JsonRoute("/v1/runs/{id}", [&context](const net::ServerRequest&, const std::string& id) {
            return context.folders.Get(id);
        }));
}

}  // namespace lathe::api
