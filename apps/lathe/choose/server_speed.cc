#include "choose/server_speed.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include "bench/bench_text.h"
#include "bench/serve_bench.h"
#include "core/json/json.h"
#include "core/net/http_client.h"

namespace lathe::app {
namespace {

using Clock = std::chrono::steady_clock;

double Seconds(Clock::duration duration) {
    return std::chrono::duration<double>(duration).count();
}

// One streamed answer: when its pieces came.
class AnswerTimes : public net::FetchSink {
public:
    static constexpr size_t kLineBytesMax = 1u << 20;

    Status OnHead(const net::ResponseHead& head) override {
        ok_ = head.ok();
        status_ = head.status;
        return {};
    }
    Status OnBody(std::span<const char> bytes) override {
        rest_.append(bytes.data(), bytes.size());
        if (!ok_) return {};
        for (size_t end; (end = rest_.find('\n')) != std::string::npos; rest_.erase(0, end + 1))
            TakeLine(std::string_view(rest_).substr(0, end));
        if (rest_.size() > kLineBytesMax)
            return MakeError(Code::kDataLoss, "the server sends a line without an end");
        return {};
    }
    // What the server said instead of answering; nothing if it answered.
    std::optional<Error> Problem() const {
        if (!ok_)
            return Error{Code::kUnavailable,
                         fmt::format("the server answers {}: {}", status_, rest_.substr(0, 500)),
                         ""};
        if (pieces_ == 0)
            return Error{Code::kUnavailable, "the server streamed an answer without text", ""};
        return std::nullopt;
    }

    Clock::time_point first, last;
    double tokens() const { return static_cast<double>(counted_.value_or(pieces_)); }

private:
    void TakeLine(std::string_view line) {
        constexpr std::string_view kData = "data:";
        if (!line.starts_with(kData)) return;
        auto event = ParseJson(line.substr(kData.size()));
        if (!event || !event->is_object()) return;  // [DONE]
        const Json& usage = event->value("usage", Json());
        if (usage.is_object() && usage.value("completion_tokens", Json()).is_number_unsigned())
            counted_ = usage["completion_tokens"].get<uint64_t>();
        if (!HasText(*event)) return;
        last = Clock::now();
        if (pieces_++ == 0) first = last;
    }
    static bool HasText(const Json& event) {
        for (const char* place : {"/choices/0/text", "/choices/0/delta/content"}) {
            Json::json_pointer pointer(place);
            if (event.contains(pointer) && event[pointer].is_string() &&
                !event[pointer].get_ref<const std::string&>().empty())
                return true;
        }
        return false;
    }

    bool ok_ = false;
    int status_ = 0;
    std::string rest_;
    uint64_t pieces_ = 0;
    std::optional<uint64_t> counted_;
};

// About `tokens` tokens, each from another place so that none shares a beginning.
std::string PromptFrom(size_t place, int tokens) {
    constexpr size_t kBytesEach = 4;
    std::string text;
    while (text.size() < static_cast<size_t>(tokens) * kBytesEach)
        text += kBenchText.substr(text.empty() ? place * 97 % kBenchText.size() : 0);
    return text.substr(0, static_cast<size_t>(tokens) * kBytesEach);
}

net::ClientRequest RequestOf(const ServerSpeedOptions& options, const choose::Traffic& traffic,
                             size_t place) {
    Json body{{"model", options.model},
              {"max_tokens", traffic.answer_tokens},
              {"temperature", 0},
              {"stream", true},
              {"stream_options", {{"include_usage", true}}}};
    std::string prompt = PromptFrom(place, traffic.prompt_tokens);
    if (options.chat)
        body["messages"] = Json::array({{{"role", "user"}, {"content", prompt}}});
    else
        body["prompt"] = prompt;
    net::ClientRequest request{
        .method = "POST",
        .url = options.url + (options.chat ? "/chat/completions" : "/completions")};
    request.headers.push_back({"Content-Type", "application/json"});
    if (!options.api_key.empty())
        request.headers.push_back({"Authorization", "Bearer " + options.api_key});
    request.body = DumpJson(body);
    return request;
}

struct Round {
    double first_token_ms = 0;     // nine of ten
    double tokens_per_second = 0;  // of the reader in the middle
    double answers_per_second = 0;
};

Result<Round> Read(const net::HttpClient& client, const ServerSpeedOptions& options,
                   const choose::Traffic& traffic, size_t readers, size_t first_place,
                   std::stop_token stop) {
    std::vector<AnswerTimes> answers(readers);
    std::vector<std::optional<Error>> errors(readers);
    auto start = Clock::now();
    {
        std::vector<std::jthread> threads;
        for (size_t i = 0; i < readers; ++i)
            threads.emplace_back([&, i] {
                auto head = net::Fetch(client, RequestOf(options, traffic, first_place + i),
                                       answers[i], stop);
                if (!head) errors[i] = std::move(head).error();
            });
    }
    Round round;
    std::vector<double> first_ms, speeds;
    double tokens = 0;
    auto end = start;
    for (size_t i = 0; i < readers; ++i) {
        if (!errors[i]) errors[i] = answers[i].Problem();
        if (errors[i]) return std::unexpected(*errors[i]);
        first_ms.push_back(Seconds(answers[i].first - start) * 1e3);
        double between = Seconds(answers[i].last - answers[i].first);
        if (between > 0) speeds.push_back((answers[i].tokens() - 1) / between);
        tokens += answers[i].tokens();
        end = std::max(end, answers[i].last);
    }
    round.first_token_ms = PercentilesOf(std::move(first_ms)).p90;
    round.answers_per_second = tokens / Seconds(end - start);
    round.tokens_per_second = speeds.empty()
                                  ? round.answers_per_second / static_cast<double>(readers)
                                  : PercentilesOf(std::move(speeds)).p50;
    return round;
}

}  // namespace

Result<choose::Costs> MeasureServer(const ServerSpeedOptions& options,
                                    const choose::Traffic& traffic, std::stop_token stop) {
    net::HttpClientOptions http;
    http.stall_timeout = std::chrono::minutes(5);
    http.proxies = net::ProxySettings::FromEnvironment();
    LATHE_TRY(net::HttpClient client, net::HttpClient::Create(std::move(http)));
    LATHE_TRY(Round alone, Read(client, options, traffic, 1, 0, stop));
    LATHE_TRY(Round together,
              Read(client, options, traffic, static_cast<size_t>(traffic.users), 1, stop));
    return choose::Costs{.first_token_ms = together.first_token_ms,
                         .tokens_per_second = together.tokens_per_second,
                         .tokens_per_second_alone = alone.tokens_per_second,
                         .answers_per_second = together.answers_per_second};
}

}  // namespace lathe::app
