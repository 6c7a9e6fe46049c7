#include "learn/eval/engine_subject.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <utility>

#include "compute/engine/request_limits.h"
#include "core/base/check.h"
#include "learn/eval/request_tokens.h"

namespace lathe::eval {
namespace {

using engine::FinishReason;
using engine::GenerationEvent;
using engine::GenerationRequest;

}  // namespace

// One call of Ask: requests go out as places become free, and come back in any order.
class EngineSubject::Asking {
public:
    Asking(const EngineSubjectOptions& options, std::span<const Question> questions,
           const Sink& sink)
        : options_(options), questions_(questions), sink_(sink) {}

    // Nothing of it may reach the engine's thread any more.
    ~Asking() {
        for (engine::RequestId id : live_) options_.engine->Cancel(id);
        while (!live_.empty()) (void)Take(std::stop_token());
    }

    Status Run(const std::stop_token& stop) {
        size_t next = 0;
        while (next < questions_.size() || !live_.empty()) {
            while (next < questions_.size() && in_flight() < options_.requests_max) {
                if (stop.stop_requested()) return Stopped();
                if (auto submitted = Submit(next); !submitted)
                    return std::unexpected(About(next, std::move(submitted).error()));
                ++next;
            }
            if (live_.empty()) break;
            std::optional<Finished> finished = Take(stop);
            if (!finished) return Stopped();
            LATHE_RETURN_IF_ERROR(Accept(*std::move(finished)));
        }
        return {};
    }

private:
    // Where the answer of one completion belongs.
    struct Place {
        size_t question = 0;
        size_t answer = 0;
        size_t part = 0;  // window of a text
    };
    struct Finished {
        Place place;
        ModelAnswer answer;
        std::optional<Error> error;
        std::optional<engine::RequestId> over;  // of the request's last completion
    };
    // A request in the engine: what has come of each completion. Its thread's own.
    struct Flight {
        std::vector<Place> places;
        std::vector<ModelAnswer> answers;
    };
    // Continuations of one context, scored together.
    struct Group {
        std::vector<TokenId> context;
        std::vector<std::vector<TokenId>> continuations;
        std::vector<Place> places;
    };
    struct Pending {
        std::vector<std::vector<ModelAnswer>> parts;  // of each answer
        size_t missing = 0;
    };

    int32_t in_flight() const { return static_cast<int32_t>(live_.size()); }

    static Status Stopped() { return MakeError(Code::kCancelled, "stopped"); }

    Error About(size_t question, Error error) const {
        return WithContext(std::move(error),
                           fmt::format("document {}", questions_[question].document));
    }

    Status Submit(size_t index) {
        const Question& question = questions_[index];
        auto repeats = static_cast<size_t>(question.repeats);
        pending_[index].parts.resize(question.requests.size() * repeats);
        std::vector<Group> groups;
        for (size_t i = 0; i < question.requests.size(); ++i)
            for (size_t repeat = 0; repeat < repeats; ++repeat)
                LATHE_RETURN_IF_ERROR(
                    SubmitOne(question, i, {index, i * repeats + repeat, 0}, groups));
        for (Group& group : groups) LATHE_RETURN_IF_ERROR(Score(std::move(group)));
        if (pending_[index].missing == 0) return Deliver(index);  // an empty text to roll over
        return {};
    }

    // Generates at once; what is to be scored goes into `groups`.
    Status SubmitOne(const Question& question, size_t request, Place place,
                     std::vector<Group>& groups) {
        const ModelRequest& wanted = question.requests[request];
        int32_t context = options_.engine->context_length();
        if (wanted.kind == ModelRequest::Kind::kGenerate) return Generate(question, wanted, place);
        if (wanted.kind == ModelRequest::Kind::kLoglikelihood) {
            LATHE_TRY(ScoredTokens tokens, EncodePair(*options_.tokenizer, wanted.context,
                                                      wanted.continuation, context));
            AddTo(groups, std::move(tokens), place);
            return {};
        }
        LATHE_TRY(auto windows, EncodeRolling(*options_.tokenizer, wanted.context, context));
        for (ScoredTokens& window : windows) {
            AddTo(groups, std::move(window), place);
            ++place.part;
        }
        return {};
    }

    static void AddTo(std::vector<Group>& groups, ScoredTokens tokens, const Place& place) {
        auto group = std::ranges::find_if(groups, [&](const Group& other) {
            return other.context == tokens.context &&
                   other.continuations.size() < engine::kContinuationsMax;
        });
        if (group == groups.end())
            group = groups.insert(groups.end(), Group{std::move(tokens.context), {}, {}});
        group->continuations.push_back(std::move(tokens.continuation));
        group->places.push_back(place);
    }

    Status Score(Group group) {
        GenerationRequest request;
        request.prompt = std::move(group.context);
        request.continuations = std::move(group.continuations);
        request.tokens_max = 0;
        request.top_logprobs = 1;
        return Send(std::move(request), std::move(group.places));
    }

    Status Generate(const Question& question, const ModelRequest& wanted, Place place) {
        const GenerationConfig& config = *question.generation;
        if (!wanted.images.empty())
            return MakeError(Code::kFailedPrecondition,
                             "models of this machine see no images: run tasks with doc_to_image "
                             "with --server and --apply-chat-template");
        GenerationRequest request;
        request.prompt = EncodeText(*options_.tokenizer, wanted.context);
        int32_t room = options_.engine->context_length() - config.tokens_max;
        if (room < 1)
            return InvalidParam("max_gen_toks",
                                "max_gen_toks is {} and the model's context {}; give fewer",
                                config.tokens_max, options_.engine->context_length());
        if (request.prompt.empty()) {
            LATHE_TRY(TokenId prefix, PrefixToken(*options_.tokenizer));
            request.prompt = {prefix};
        }
        if (request.prompt.size() > static_cast<size_t>(room))
            request.prompt.erase(request.prompt.begin(), request.prompt.end() - room);
        request.tokens_max = config.tokens_max;
        request.stop = config.until;
        request.sampling.temperature = config.temperature;
        request.sampling.top_p = config.top_p;
        request.sampling.top_k = config.top_k;
        request.sampling.seed = question.seed * 1'000'003 + place.answer;
        return Send(std::move(request), {place});
    }

    Status Send(GenerationRequest request, std::vector<Place> places) {
        for (const Place& place : places) {
            Pending& pending = pending_[place.question];
            ++pending.missing;
            std::vector<ModelAnswer>& parts = pending.parts[place.answer];
            parts.resize(std::max(parts.size(), place.part + 1));
        }
        auto flight = std::make_shared<Flight>();
        flight->answers.resize(places.size());
        flight->places = std::move(places);
        auto sent = options_.engine->Submit(
            std::move(request),
            [this, flight](GenerationEvent&& event) { Collect(std::move(event), *flight); });
        if (!sent) return std::unexpected(std::move(sent).error());
        live_.push_back(*sent);
        return {};
    }

    // On the engine's thread.
    void Collect(GenerationEvent&& event, Flight& flight) {
        auto index = static_cast<size_t>(event.index);
        ModelAnswer& answer = flight.answers[index];
        answer.text += event.text;
        answer.is_greedy = true;
        for (const engine::ScoredToken& token : event.tokens) {
            if (token.top.empty()) continue;  // generated
            answer.loglikelihood += static_cast<double>(token.logprob);
            answer.is_greedy &= token.top[0].token == token.token;
        }
        if (!event.finish) return;
        Finished finished{flight.places[index], std::move(answer), std::nullopt, std::nullopt};
        if (event.finish == FinishReason::kError) finished.error = std::move(event.error);
        if (event.finish == FinishReason::kCancelled)
            finished.error = Error{Code::kCancelled, "stopped", ""};
        if (event.last) finished.over = event.request;
        std::lock_guard lock(mutex_);
        finished_.push_back(std::move(finished));
        ready_.notify_one();
    }

    // Nothing if `stop` is requested first.
    std::optional<Finished> Take(const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        if (!ready_.wait(lock, stop, [&] { return !finished_.empty(); })) return std::nullopt;
        Finished finished = std::move(finished_.front());
        finished_.pop_front();
        if (finished.over) std::erase(live_, *finished.over);
        return finished;
    }

    Status Accept(Finished finished) {
        size_t index = finished.place.question;
        if (finished.error) return std::unexpected(About(index, *std::move(finished.error)));
        Pending& pending = pending_.at(index);
        pending.parts[finished.place.answer][finished.place.part] = std::move(finished.answer);
        if (--pending.missing > 0) return {};
        return Deliver(index);
    }

    // In the order of the text, whatever came back first.
    static ModelAnswer Sum(std::vector<ModelAnswer> parts) {
        ModelAnswer sum;
        sum.is_greedy = true;
        for (ModelAnswer& part : parts) {
            sum.loglikelihood += part.loglikelihood;
            sum.is_greedy &= part.is_greedy;
            sum.text += part.text;
        }
        return sum;
    }

    Status Deliver(size_t index) {
        std::vector<ModelAnswer> answers;
        for (std::vector<ModelAnswer>& parts : pending_.at(index).parts)
            answers.push_back(Sum(std::move(parts)));
        pending_.erase(index);
        return sink_(index, std::move(answers));
    }

    const EngineSubjectOptions& options_;
    std::span<const Question> questions_;
    const Sink& sink_;
    std::map<size_t, Pending> pending_;  // by question
    std::vector<engine::RequestId> live_;

    std::mutex mutex_;
    std::condition_variable_any ready_;
    std::deque<Finished> finished_;  // guarded by mutex_
};

EngineSubject::EngineSubject(EngineSubjectOptions options) : options_(std::move(options)) {
    LATHE_CHECK(options_.engine && options_.tokenizer && options_.requests_max >= 1);
}
EngineSubject::~EngineSubject() = default;

Result<std::string> EngineSubject::RenderChat(const Conversation& conversation) const {
    if (!options_.render_chat)
        return MakeError(Code::kFailedPrecondition,
                         "the model has no chat template; run without --apply-chat-template or "
                         "give one with --template FILE");
    return options_.render_chat(conversation);
}

Status EngineSubject::Ask(std::span<const Question> questions, const Sink& sink,
                          std::stop_token stop) {
    Asking asking(options_, questions, sink);
    return asking.Run(stop);
}

}  // namespace lathe::eval
