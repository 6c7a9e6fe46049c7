// Masks over the vocabulary of a real model.
//
//   LATHE_BENCH_MODEL=FILE.gguf lathe_constraint_bench
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <ctime>
#include <memory>

#include "compute/constraint/automaton.h"
#include "compute/constraint/grammar.h"
#include "compute/modelfile/model_package.h"
#include "core/base/check.h"

namespace lathe::constraint {
namespace {

constexpr const char* kSchema = R"({"type":"object","properties":{
    "name":{"type":"string"},"age":{"type":"integer","minimum":0,"maximum":150},
    "tags":{"type":"array","items":{"type":"string","maxLength":20}},
    "kind":{"enum":["first","second","third"]},"note":{}},"required":["name","age","kind"]})";
constexpr const char* kText =
    R"({"name": "Ada \"Countess\" Lovelace", "age": 36, "tags": ["one", "another tag"], )"
    R"("kind": "second", "note": {"a": [1.5, true, "x"]}})";

const tokenizer::Tokenizer& ModelTokenizer() {
    static const auto* const kTokenizer = [] {
        const char* file = std::getenv("LATHE_BENCH_MODEL");
        LATHE_CHECK(file != nullptr);
        auto package = modelfile::ModelPackage::Open(file);
        LATHE_CHECK(package.has_value());
        return new tokenizer::Tokenizer(tokenizer::Tokenizer::FromPackage(*package).value());
    }();
    return *kTokenizer;
}

const TokenTrie& ModelTrie() {
    static const auto* const kTrie = new TokenTrie(ModelTokenizer(), ModelTokenizer().vocab_size());
    return *kTrie;
}

GrammarPtr MakeGrammar() {
    return Compile(JsonSchema(Json::parse(kSchema)).value()).value();
}

void BM_BuildTrie(benchmark::State& state) {
    for (auto _ : state)
        benchmark::DoNotOptimize(TokenTrie(ModelTokenizer(), ModelTokenizer().vocab_size()));
    state.counters["tokens"] = static_cast<double>(ModelTokenizer().vocab_size());
    state.counters["nodes"] = static_cast<double>(ModelTrie().node_count());
}
BENCHMARK(BM_BuildTrie)->Unit(benchmark::kMillisecond);

void BM_CompileSchema(benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(MakeGrammar());
    state.counters["states"] = static_cast<double>(MakeGrammar()->state_count());
}
BENCHMARK(BM_CompileSchema)->Unit(benchmark::kMicrosecond);

// Of processor time, which other programs on the machine do not lengthen.
double ThreadMicroseconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

// A text of some forty tokens; `kept` says whether masks of texts before are still there.
void Follow(benchmark::State& state, bool kept) {
    auto tokens = ModelTokenizer().Encode(kText, {.add_special = false});
    auto grammar = MakeGrammar();
    auto automaton = std::make_shared<Automaton>(grammar, ModelTrie());
    double worst = 0;
    for (auto _ : state) {
        if (!kept) automaton = std::make_shared<Automaton>(grammar, ModelTrie());
        Matcher matcher(automaton);
        for (auto token : tokens) {
            double begin = ThreadMicroseconds();
            auto mask = matcher.Allowed();
            LATHE_CHECK(mask.has_value());
            worst = std::max(worst, ThreadMicroseconds() - begin);
            auto accepted = matcher.Accept(ModelTokenizer().TokenBytes(token));
            LATHE_CHECK(accepted && *accepted);
        }
        LATHE_CHECK(matcher.finished());
    }
    state.counters["us_per_mask"] = benchmark::Counter(
        static_cast<double>(tokens.size()) * static_cast<double>(state.iterations()) / 1e6,
        benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
    state.counters["us_worst"] = worst;
    state.counters["bytes"] = static_cast<double>(automaton->bytes());
}
void BM_FirstText(benchmark::State& state) {
    Follow(state, false);
}
BENCHMARK(BM_FirstText)->Unit(benchmark::kMicrosecond);
void BM_LaterText(benchmark::State& state) {
    Follow(state, true);
}
BENCHMARK(BM_LaterText)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace lathe::constraint
