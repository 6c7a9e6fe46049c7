// The sentences of a choice, in English or Chinese.
//
// Const-safe: free functions only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "learn/choose/choice.h"

namespace lathe::choose {

// The one of two that a report's language wants.
std::string Say(Language language, std::string_view english, std::string_view chinese);

// "memory" ...; and a value with its unit, "0.61 GiB".
std::string LimitName(Limit limit, Language language);
std::string LimitValue(Limit limit, double value, const Brief& brief);
// A quality or a difference of two in points: 100 is all right, 0 as good as guessing.
std::string Points(double quality);
std::string SignedPoints(double difference);

// Whom to take and why: costs, limits that bind, rivals that are not told apart.
std::vector<std::string> RecommendationSentences(const Choice& choice, Language language);
// The nearest limits and weights with which somebody else would be recommended.
std::vector<std::string> ChangeSentences(const Choice& choice, Language language);
// Tune or grow; empty without a recommendation.
std::vector<std::string> AdviceSentences(const Choice& choice, Language language);
// Why a candidate is not in the ranking; "" if it is.
std::string FateSentence(const Choice& choice, const Outcome& outcome, Language language);
// That other programs disturbed the measurement of its speed; "" if they did not.
std::string DisturbanceSentence(const Outcome& outcome, Language language);
// Of a row of the ranking: recommended, not told apart, certainly worse, breaks a limit.
std::string StandingWords(const Choice& choice, const Standing& standing, Language language);
// How predictions for other machines are to be read.
std::string PredictionSentence(Language language);
// The scale of quality.
std::string QualitySentence(Language language);
// How speeds and memory were measured.
std::string TrafficSentence(const Choice& choice, Language language);

}  // namespace lathe::choose
