#include "learn/eval/server_subject.h"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "learn/eval/server_reply.h"

namespace lathe::eval {
namespace {

using std::chrono::milliseconds;

constexpr size_t kAnswerBytesMax = 64u << 20;
constexpr milliseconds kWaitMax{60'000};
constexpr size_t kStopsMax = 4;  // OpenAI takes no more; the others are looked for here

bool MayPass(int status) {
    return status == 408 || status == 429 || status >= 500;
}

bool MayPass(const Error& error) {
    return error.code == Code::kUnavailable || error.code == Code::kDeadlineExceeded ||
           error.code == Code::kDataLoss;
}

// False if `stop` came first.
bool Sleep(milliseconds duration, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop, duration, [] { return false; });
    return !stop.stop_requested();
}

std::optional<milliseconds> RetryAfter(const net::ResponseHead& head) {
    std::string_view text = head.Get("retry-after");
    int64_t seconds = 0;
    auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (failed != std::errc() || seconds < 0) return std::nullopt;
    return std::min(kWaitMax, milliseconds(std::min<int64_t>(seconds, 3600) * 1000));
}

// Text up to the first of the stop strings.
std::string CutAtStop(std::string text, const std::vector<std::string>& stops) {
    size_t end = text.size();
    for (const std::string& stop : stops)
        if (!stop.empty()) end = std::min(end, text.find(stop));
    return text.substr(0, end);
}

Status WantedKind(const Question& question, bool chat) {
    using Kind = ModelRequest::Kind;
    for (const ModelRequest& request : question.requests) {
        if (request.kind == Kind::kRolling)
            return MakeError(Code::kUnimplemented,
                             "how likely a whole text is (loglikelihood_rolling) takes the "
                             "model's tokenizer to cut it; give the model's file with --model");
        if (request.kind == Kind::kLoglikelihood && chat)
            return MakeError(Code::kFailedPrecondition,
                             "choices cannot be scored in chats over a server: run without "
                             "--apply-chat-template, or tasks that generate");
    }
    return {};
}

// The last message with its images, before its text.
void AddImages(const std::vector<std::string>& images, Json& messages) {
    if (images.empty()) return;
    Json& last = messages.back();
    std::string text = last["content"].get<std::string>();
    constexpr std::string_view kPlace = "<image>";  // where a task's text has one
    for (size_t at = text.find(kPlace); at != std::string::npos; at = text.find(kPlace))
        text.erase(at, kPlace.size());
    Json parts = Json::array();
    for (const std::string& url : images)
        parts.push_back({{"type", "image_url"}, {"image_url", {{"url", url}}}});
    parts.push_back({{"type", "text"}, {"text", text}});
    last["content"] = std::move(parts);
}

}  // namespace

Result<std::unique_ptr<ServerSubject>> ServerSubject::Connect(ServerSubjectOptions options) {
    while (options.url.ends_with('/')) options.url.pop_back();
    net::HttpClientOptions http;
    http.stall_timeout = options.answer_timeout;
    http.ca_file = options.ca_file;
    http.proxies = net::ProxySettings::FromEnvironment();
    LATHE_TRY(net::HttpClient client, net::HttpClient::Create(std::move(http)));
    std::unique_ptr<ServerSubject> subject(
        new ServerSubject(std::move(options), std::move(client)));
    LATHE_RETURN_IF_ERROR(subject->FindModel());
    return subject;
}

Status ServerSubject::FindModel() {
    LATHE_TRY(std::string body, Send("/models", nullptr, {}));
    LATHE_TRY(std::vector<std::string> ids, ParseModelIds(body));
    std::string names;
    for (const std::string& id : ids) names += (names.empty() ? "" : ", ") + id;
    if (options_.model.empty() && ids.size() == 1) options_.model = ids[0];
    if (options_.model.empty())
        return InvalidParam("model", "{} has {}: choose one with --model", options_.url,
                            ids.empty() ? "no model" : names);
    if (!ids.empty() && std::ranges::find(ids, options_.model) == ids.end())
        return InvalidParam("model", "{} has no model {}; it has {}", options_.url, options_.model,
                            names);
    return {};
}

Json ServerSubject::identity() const {
    return Json{{"server", options_.url}, {"model", options_.model}, {"chat", options_.chat}};
}

Result<std::string> ServerSubject::RenderChat(const Conversation& conversation) const {
    if (!options_.chat)
        return MakeError(Code::kFailedPrecondition, "the server was not opened for chats");
    if (!conversation.add_generation_prompt)
        return MakeError(Code::kUnimplemented,
                         "the beginning of an answer (gen_prefix) cannot be given to a chat "
                         "server; run without --apply-chat-template");
    return DumpJson(conversation.messages);
}

Result<std::string> ServerSubject::SendOnce(const char* path, const Json* body,
                                            std::stop_token stop, milliseconds& wait) const {
    net::ClientRequest request{.url = options_.url + path};
    if (!options_.api_key.empty())
        request.headers.push_back({"Authorization", "Bearer " + options_.api_key});
    if (body) {
        request.method = "POST";
        request.headers.push_back({"Content-Type", "application/json"});
        request.body = DumpJson(*body);
    }
    LATHE_TRY(net::FetchedText reply,
              net::FetchText(client_, std::move(request), kAnswerBytesMax, std::move(stop)));
    if (reply.head.ok()) return std::move(reply.body);
    if (auto named = RetryAfter(reply.head)) wait = *named;
    Code code = MayPass(reply.head.status) ? Code::kUnavailable
                : reply.head.status == 401 ? Code::kUnauthenticated
                                           : Code::kInvalidArgument;
    return MakeError(code, "{}{} answered {}: {}{}", options_.url, path, reply.head.status,
                     ParseRefusal(reply.body),
                     reply.head.status == 404 ? " (an address that ends in /v1 is wanted)"
                     : reply.head.status == 401
                         ? " (name the variable that holds the key with --api-key-env)"
                         : "");
}

Result<std::string> ServerSubject::Send(const char* path, const Json* body,
                                        std::stop_token stop) const {
    milliseconds delay = options_.retry_delay;
    for (int attempt = 1;; ++attempt) {
        milliseconds wait = delay;
        auto reply = SendOnce(path, body, stop, wait);
        if (reply || !MayPass(reply.error())) return reply;
        if (attempt == options_.attempts_max)
            return std::unexpected(
                WithContext(std::move(reply).error(), fmt::format("asked {} times", attempt)));
        if (!Sleep(wait, stop)) return MakeError(Code::kCancelled, "stopped");
        delay = std::min(kWaitMax, delay * 2);
    }
}

Result<std::vector<ModelAnswer>> ServerSubject::Score(const Question& question,
                                                      std::stop_token stop) const {
    Json prompts = Json::array();
    for (const ModelRequest& request : question.requests)
        prompts.push_back(request.context + request.continuation);
    Json body{{"model", options_.model},
              {"prompt", std::move(prompts)},
              {"max_tokens", 1},
              {"temperature", 0},
              {"echo", true},
              {"logprobs", 1}};
    LATHE_TRY(std::string reply, Send("/completions", &body, std::move(stop)));
    LATHE_TRY(auto scored, ParseScored(reply, question.requests));
    std::vector<ModelAnswer> answers;  // scores are the same each time
    for (const ModelAnswer& answer : scored)
        answers.insert(answers.end(), static_cast<size_t>(question.repeats), answer);
    return answers;
}

Result<ModelAnswer> ServerSubject::Generate(const Question& question, size_t request, size_t repeat,
                                            std::stop_token stop) const {
    const GenerationConfig& config = *question.generation;
    const std::string& context = question.requests[request].context;
    Json body{{"model", options_.model},
              {"max_tokens", config.tokens_max},
              {"temperature", config.temperature}};
    if (config.top_p < 1) body["top_p"] = config.top_p;
    if (config.top_k > 0) body["top_k"] = config.top_k;
    if (config.temperature > 0)
        body["seed"] = (question.seed * 1'000'003 + request * 1009 + repeat) & 0x7fffffff;
    if (!config.until.empty())
        body["stop"] = std::vector<std::string>(
            config.until.begin(), config.until.begin() + static_cast<ptrdiff_t>(std::min(
                                                             kStopsMax, config.until.size())));
    if (options_.chat) {
        auto messages = ParseJson(context);
        body["messages"] = messages && messages->is_array()
                               ? *std::move(messages)
                               : Json::array({{{"role", "user"}, {"content", context}}});
        AddImages(question.requests[request].images, body["messages"]);
    } else {
        if (!question.requests[request].images.empty())
            return MakeError(Code::kFailedPrecondition,
                             "images go into chats: add --apply-chat-template");
        body["prompt"] = context;
    }
    LATHE_TRY(std::string reply,
              Send(options_.chat ? "/chat/completions" : "/completions", &body, std::move(stop)));
    LATHE_TRY(std::string text, ParseText(reply));
    return ModelAnswer{
        .loglikelihood = 0, .is_greedy = false, .text = CutAtStop(std::move(text), config.until)};
}

Result<std::vector<ModelAnswer>> ServerSubject::Answer(const Question& question,
                                                       std::stop_token stop) const {
    LATHE_RETURN_IF_ERROR(WantedKind(question, options_.chat));
    if (question.requests.empty()) return std::vector<ModelAnswer>();
    if (question.requests[0].kind == ModelRequest::Kind::kLoglikelihood)
        return Score(question, std::move(stop));
    std::vector<ModelAnswer> answers;
    for (size_t request = 0; request < question.requests.size(); ++request)
        for (int64_t repeat = 0; repeat < question.repeats; ++repeat) {
            LATHE_TRY(ModelAnswer answer,
                      Generate(question, request, static_cast<size_t>(repeat), stop));
            answers.push_back(std::move(answer));
        }
    return answers;
}

// One call of Ask: threads that fetch, and the caller's that hands out what comes.
class ServerSubject::Asking {
public:
    Asking(const ServerSubject& subject, std::span<const Question> questions)
        : subject_(subject), questions_(questions) {}

    Status Run(const Sink& sink, const std::stop_token& stop) {
        std::stop_callback forward(stop, [this] { quit_.request_stop(); });
        auto count =
            std::min<size_t>(static_cast<size_t>(subject_.options_.concurrency), questions_.size());
        std::vector<std::jthread> workers;
        for (size_t i = 0; i < count; ++i) workers.emplace_back([this] { Work(); });
        Status status = HandOut(sink);
        quit_.request_stop();
        workers.clear();
        return stop.stop_requested() ? MakeError(Code::kCancelled, "stopped") : status;
    }

private:
    struct Finished {
        size_t index;
        Result<std::vector<ModelAnswer>> answers;
    };

    void Work() {
        for (;;) {
            size_t index = 0;
            {
                std::lock_guard lock(mutex_);
                if (next_ == questions_.size() || quit_.stop_requested()) return;
                index = next_++;
            }
            auto answers = subject_.Answer(questions_[index], quit_.get_token());
            std::lock_guard lock(mutex_);
            finished_.push_back({index, std::move(answers)});
            ready_.notify_one();
        }
    }

    Status HandOut(const Sink& sink) {
        for (size_t given = 0; given < questions_.size(); ++given) {
            std::unique_lock lock(mutex_);
            if (!ready_.wait(lock, quit_.get_token(), [&] { return !finished_.empty(); }))
                return MakeError(Code::kCancelled, "stopped");
            Finished finished = std::move(finished_.front());
            finished_.pop_front();
            lock.unlock();
            if (!finished.answers)
                return std::unexpected(
                    WithContext(std::move(finished.answers).error(),
                                fmt::format("document {}", questions_[finished.index].document)));
            LATHE_RETURN_IF_ERROR(sink(finished.index, *std::move(finished.answers)));
        }
        return {};
    }

    const ServerSubject& subject_;
    std::span<const Question> questions_;
    std::stop_source quit_;

    std::mutex mutex_;
    std::condition_variable_any ready_;
    size_t next_ = 0;                // guarded by mutex_
    std::deque<Finished> finished_;  // guarded by mutex_
};

Status ServerSubject::Ask(std::span<const Question> questions, const Sink& sink,
                          std::stop_token stop) {
    Asking asking(*this, questions);
    return asking.Run(sink, stop);
}

}  // namespace lathe::eval
