#include "learn/eval/engine_subject.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <utility>

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
        while (in_flight_ > 0) (void)Take(std::stop_token());
    }

    Status Run(const std::stop_token& stop) {
        size_t next = 0;
        while (next < questions_.size() || in_flight_ > 0) {
            while (next < questions_.size() && in_flight_ < options_.requests_max) {
                if (stop.stop_requested()) return Stopped();
                if (auto submitted = Submit(next); !submitted)
                    return std::unexpected(About(next, std::move(submitted).error()));
                ++next;
            }
            std::optional<Finished> finished = Take(stop);
            if (!finished) return Stopped();
            LATHE_RETURN_IF_ERROR(Accept(*std::move(finished)));
        }
        return {};
    }

private:
    // Where the result of one request of the engine belongs.
    struct Place {
        size_t question = 0;
        size_t answer = 0;
        size_t part = 0;         // window of a text
        size_t scored_from = 0;  // of a likelihood: the first token that counts
    };
    struct Finished {
        Place place;
        engine::RequestId id{};
        ModelAnswer answer;
        std::optional<Error> error;
    };
    struct Pending {
        std::vector<std::vector<ModelAnswer>> parts;  // of each answer
        size_t missing = 0;
    };

    static Status Stopped() { return MakeError(Code::kCancelled, "stopped"); }

    Error About(size_t question, Error error) const {
        return WithContext(std::move(error),
                           fmt::format("document {}", questions_[question].document));
    }

    Status Submit(size_t index) {
        const Question& question = questions_[index];
        auto repeats = static_cast<size_t>(question.repeats);
        Pending& pending = pending_[index];
        pending.parts.resize(question.requests.size() * repeats);
        for (size_t i = 0; i < question.requests.size(); ++i)
            for (size_t repeat = 0; repeat < repeats; ++repeat)
                LATHE_RETURN_IF_ERROR(SubmitOne(question, i, {index, i * repeats + repeat, 0, 0}));
        if (pending.missing == 0) return Deliver(index);  // an empty text to roll over
        return {};
    }

    Status SubmitOne(const Question& question, size_t request, Place place) {
        const ModelRequest& wanted = question.requests[request];
        int32_t context = options_.engine->context_length();
        switch (wanted.kind) {
            case ModelRequest::Kind::kLoglikelihood: {
                LATHE_TRY(ScoredTokens tokens, EncodePair(*options_.tokenizer, wanted.context,
                                                          wanted.continuation, context - 1));
                return Score(std::move(tokens), place);
            }
            case ModelRequest::Kind::kRolling: {
                LATHE_TRY(auto windows,
                          EncodeRolling(*options_.tokenizer, wanted.context, context - 1));
                for (ScoredTokens& window : windows) {
                    LATHE_RETURN_IF_ERROR(Score(std::move(window), place));
                    ++place.part;
                }
                return {};
            }
            case ModelRequest::Kind::kGenerate:
                return Generate(question, wanted, place);
        }
        return {};
    }

    Status Score(ScoredTokens tokens, Place place) {
        GenerationRequest request;
        place.scored_from = tokens.context.size();
        request.prompt = std::move(tokens.context);
        request.prompt.insert(request.prompt.end(), tokens.continuation.begin(),
                              tokens.continuation.end());
        request.tokens_max = 0;
        request.prompt_logprobs = true;
        request.top_logprobs = 1;
        return Send(std::move(request), place);
    }

    Status Generate(const Question& question, const ModelRequest& wanted, Place place) {
        const GenerationConfig& config = *question.generation;
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
        return Send(std::move(request), place);
    }

    Status Send(GenerationRequest request, Place place) {
        auto answer = std::make_shared<ModelAnswer>();
        answer->is_greedy = true;
        auto sent = options_.engine->Submit(
            std::move(request), [this, place, answer](GenerationEvent&& event) {
                Collect(event, place, *answer);
                if (!event.last) return;
                Finished finished{place, event.request, std::move(*answer), std::nullopt};
                if (event.finish == FinishReason::kError) finished.error = std::move(event.error);
                if (event.finish == FinishReason::kCancelled)
                    finished.error = Error{Code::kCancelled, "stopped", ""};
                std::lock_guard lock(mutex_);
                finished_.push_back(std::move(finished));
                ready_.notify_one();
            });
        if (!sent) return std::unexpected(std::move(sent).error());
        live_.push_back(*sent);
        ++in_flight_;
        Pending& pending = pending_[place.question];
        ++pending.missing;
        pending.parts[place.answer].resize(place.part + 1);
        return {};
    }

    // On the engine's thread.
    static void Collect(const GenerationEvent& event, const Place& place, ModelAnswer& answer) {
        answer.text += event.text;
        for (size_t i = place.scored_from; i < event.prompt.size(); ++i) {
            const engine::ScoredToken& token = event.prompt[i];
            answer.loglikelihood += static_cast<double>(token.logprob);
            answer.is_greedy &= !token.top.empty() && token.top[0].token == token.token;
        }
    }

    // Nothing if `stop` is requested first.
    std::optional<Finished> Take(const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        if (!ready_.wait(lock, stop, [&] { return !finished_.empty(); })) return std::nullopt;
        Finished finished = std::move(finished_.front());
        finished_.pop_front();
        --in_flight_;
        std::erase(live_, finished.id);
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
    int32_t in_flight_ = 0;

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
