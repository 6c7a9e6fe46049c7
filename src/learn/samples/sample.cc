#include "learn/samples/sample.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/json/member.h"

namespace lathe::samples {
namespace {

// Metrics that are 0 or 1 for a document, in the order of what a reader would ask first.
constexpr const char* kDeciding[] = {
    "acc",      "exact_match", "acc_norm", "acc_bytes", "acc_mutual_info", "starts_with",
    "contains", "equals",      "pass@1",   "pass_at_k", "tool_call",       "refusal"};

std::string WithoutLeadingSpace(const std::string& text) {
    size_t first = text.find_first_not_of(" \n\t");
    return first == std::string::npos ? text : text.substr(first);
}

struct Request {
    std::string context;
    std::optional<std::string> continuation;  // of one that was scored
    bool generates = false;                   // its settings are an object
};

Request RequestOf(const Json& context, const Json& rest) {
    Request request{.context = ShownOf(context), .continuation = {}, .generates = rest.is_object()};
    if (rest.is_string()) request.continuation = rest.get<std::string>();
    return request;
}

// gen_args_0, gen_args_1, … by their numbers, whatever their order in the file; or, as older
// harnesses wrote, a list of lists.
std::vector<Request> RequestsOf(const Json& line) {
    std::vector<Request> requests;
    const Json& arguments = MemberOf(line, "arguments");
    if (arguments.is_array()) {
        auto at = [](const Json& list, size_t i) {
            return list.is_array() && i < list.size() ? list[i] : Json();
        };
        for (size_t i = 0; i < std::min(arguments.size(), kChoicesMax); ++i)
            requests.push_back(RequestOf(at(arguments[i], 0), at(arguments[i], 1)));
    }
    for (size_t i = 0; arguments.is_object() && i < kChoicesMax; ++i) {
        const Json& one = MemberOf(arguments, fmt::format("gen_args_{}", i));
        if (!one.is_object()) break;
        requests.push_back(RequestOf(MemberOf(one, "arg_0"), MemberOf(one, "arg_1")));
    }
    return requests;
}

struct Likelihood {
    std::optional<double> value;
    bool is_greedy = false;
};

// ["-13.5", "False"], since the harness writes texts; [-13.5, false] too.
std::optional<Likelihood> LikelihoodOf(const Json& said) {
    if (!said.is_array() || said.size() != 2) return std::nullopt;
    if (!said[1].is_boolean() && said[1] != "True" && said[1] != "False") return std::nullopt;
    if (!said[0].is_number() && !said[0].is_string()) return std::nullopt;
    double value = said[0].is_number()
                       ? said[0].get<double>()
                       : std::strtod(said[0].get_ref<const std::string&>().c_str(), nullptr);
    Likelihood likelihood{.value = std::nullopt,
                          .is_greedy = said[1] == Json(true) || said[1] == "True"};
    if (std::isfinite(value)) likelihood.value = value;
    return likelihood;
}

// What was said to each request. `resps` has a list of repeats for each, of which the first
// counts.
std::vector<Likelihood> LikelihoodsOf(const Json& line, size_t count) {
    std::vector<Likelihood> all;
    for (const char* key : {"filtered_resps", "resps"}) {
        const Json& said = MemberOf(line, key);
        if (!said.is_array()) continue;
        for (size_t i = 0; i < std::min(said.size(), count); ++i) {
            auto one = LikelihoodOf(said[i]);
            if (!one && said[i].is_array() && !said[i].empty()) one = LikelihoodOf(said[i][0]);
            all.push_back(one.value_or(Likelihood{}));
        }
        if (!all.empty()) break;
    }
    all.resize(count);
    return all;
}

// Texts at any depth, in order. A likelihood is none, unless the request says that what it
// looks like was written.
void AddTexts(const Json& said, bool was_written, std::vector<std::string>& texts) {
    if (said.is_string() && texts.size() < kTextsMax) texts.push_back(said.get<std::string>());
    if (!said.is_array() || (!was_written && LikelihoodOf(said))) return;
    for (const Json& one : said) AddTexts(one, was_written, texts);
}

std::vector<std::string> TextsIn(const Json& said, bool was_written) {
    std::vector<std::string> texts;
    AddTexts(said, was_written, texts);
    return texts;
}

// The numbers of the right choices.
std::vector<size_t> TargetsOf(const std::string& target, const std::vector<Choice>& choices) {
    auto fits = [&](const Json& value) {
        return value.is_number_integer() && value >= 0 && value < choices.size();
    };
    std::vector<size_t> numbers;
    if (auto value = ParseJson(target); value && fits(*value)) {
        numbers.push_back(value->get<size_t>());
    } else if (value && value->is_array() && std::ranges::all_of(*value, fits)) {
        for (const Json& number : *value) numbers.push_back(number.get<size_t>());
    }
    if (!numbers.empty()) return numbers;
    auto found = std::ranges::find(choices, WithoutLeadingSpace(target), &Choice::text);
    if (found != choices.end()) return {static_cast<size_t>(found - choices.begin())};
    // A truth value stands for its number.
    if (target == "False") return {0};
    if (target == "True" && choices.size() > 1) return {1};
    return {};
}

void ReadChoices(const Json& line, const std::vector<Request>& requests, Sample& sample) {
    std::vector<Likelihood> said = LikelihoodsOf(line, requests.size());
    // For acc_mutual_info every choice is asked for once more, without the question.
    size_t half = requests.size() / 2;
    bool twice = sample.metrics.contains("acc_mutual_info") && requests.size() % 2 == 0;
    size_t count = twice ? half : requests.size();
    bool one_context =
        std::all_of(requests.begin(), requests.begin() + static_cast<std::ptrdiff_t>(count),
                    [&](const Request& request) { return request.context == requests[0].context; });
    for (size_t i = 0; i < count; ++i) {
        std::string text = one_context ? WithoutLeadingSpace(*requests[i].continuation)
                                       : requests[i].context + *requests[i].continuation;
        sample.choices.push_back({.text = std::move(text),
                                  .loglikelihood = said[i].value,
                                  .unconditional = twice ? said[i + half].value : std::nullopt,
                                  .is_greedy = said[i].is_greedy,
                                  .is_target = false});
    }
    std::vector<size_t> targets =
        count == 1 ? std::vector<size_t>{0} : TargetsOf(sample.target, sample.choices);
    for (size_t target : targets) sample.choices[target].is_target = true;
    if (targets.empty()) return;
    sample.target.clear();
    for (const Choice& choice : sample.choices)
        if (choice.is_target) sample.target += (sample.target.empty() ? "" : " | ") + choice.text;
}

void ReadTexts(const Json& line, const std::vector<Request>& requests, Sample& sample) {
    bool was_written = !requests.empty() && requests[0].generates;
    sample.texts = TextsIn(MemberOf(line, "filtered_resps"), was_written);
    sample.raw = TextsIn(MemberOf(line, "resps"), was_written);
    if (MemberOf(line, "filtered_resps").is_null()) sample.texts = sample.raw;
    if (sample.raw.empty()) sample.raw = sample.texts;
    if (const Json& verdicts = MemberOf(line, "verdicts"); verdicts.is_array())
        sample.verdicts = TextsIn(verdicts, true);
}

void ReadMetrics(const Json& line, Sample& sample) {
    const Json& names = MemberOf(line, "metrics");
    if (names.is_array())
        for (const Json& name : names)
            if (name.is_string() && sample.metrics.size() < kChoicesMax)
                sample.metrics[name.get<std::string>()] = MemberOf(line, name.get<std::string>());
    auto decides = [&](const std::string& name, const Json& value) {
        bool is_either = value.is_boolean() || value == 0 || value == 1;
        if (!is_either || sample.right) return;
        sample.deciding = name;
        sample.right = value == true || value == 1;
    };
    for (const char* name : kDeciding) decides(name, MemberOf(line, name));
    // A metric that we do not know, if it is the only one.
    if (sample.metrics.size() == 1)
        decides(sample.metrics.begin().key(), sample.metrics.begin().value());
}

// As the metric compares choices; the best is the highest.
std::optional<double> ValueOf(const Choice& choice, std::string_view metric) {
    if (!choice.loglikelihood) return std::nullopt;
    if (metric == "acc_mutual_info" && choice.unconditional)
        return *choice.loglikelihood - *choice.unconditional;
    size_t length = 1;
    if (metric == "acc_bytes") length = choice.text.size();
    if (metric == "acc_norm")  // code points: the parser has refused what is no UTF-8
        length = static_cast<size_t>(
            std::ranges::count_if(choice.text, [](char c) { return (c & 0xc0) != 0x80; }));
    return *choice.loglikelihood / static_cast<double>(length);
}

std::string Joined(const std::vector<std::string>& texts,
                   const std::vector<std::string>& verdicts) {
    if (texts.size() == 1) return texts[0];
    std::string out;
    for (size_t i = 0; i < texts.size(); ++i) {
        out += fmt::format("{}[{}/{}]", i == 0 ? "" : "\n\n", i + 1, texts.size());
        if (verdicts.size() == texts.size()) out += " " + verdicts[i];
        out += "\n" + texts[i];
    }
    return out;
}

}  // namespace

Result<Sample> ReadSample(const Json& line) {
    if (!line.is_object()) return MakeError(Code::kDataLoss, "it is not an object");
    const Json& id = MemberOf(line, "doc_id");
    if (!id.is_number_integer()) return MakeError(Code::kDataLoss, "it has no integer `doc_id`");
    std::vector<Request> requests = RequestsOf(line);
    Sample sample;
    sample.document = id.get<int64_t>();
    sample.filter = TextOf(line, "filter");
    sample.question = requests.empty() ? ShownOf(MemberOf(line, "doc")) : requests[0].context;
    sample.target = ShownOf(MemberOf(line, "target"));
    ReadMetrics(line, sample);
    bool scored = !requests.empty() && std::ranges::all_of(requests, [](const Request& request) {
        return request.continuation.has_value();
    });
    if (scored) {
        ReadChoices(line, requests, sample);
    } else {
        ReadTexts(line, requests, sample);
    }
    return sample;
}

std::optional<size_t> ChosenOf(const Sample& sample, std::string_view metric) {
    if (sample.choices.size() == 1)
        return sample.choices[0].is_greedy ? std::optional<size_t>(0) : std::nullopt;
    std::optional<size_t> best;
    double highest = 0;
    for (size_t i = 0; i < sample.choices.size(); ++i) {
        auto value = ValueOf(sample.choices[i], metric);
        if (!value || (best && !(*value > highest))) continue;
        best = i;
        highest = *value;
    }
    return best;
}

std::string AnswerOf(const Sample& sample, std::string_view metric) {
    if (sample.choices.empty()) return Joined(sample.texts, sample.verdicts);
    auto chosen = ChosenOf(sample, metric);
    return chosen ? sample.choices[*chosen].text : "";
}

std::string RawAnswerOf(const Sample& sample) {
    return Joined(sample.raw, {});
}

}  // namespace lathe::samples
