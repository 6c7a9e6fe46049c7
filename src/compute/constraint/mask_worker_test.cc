#include "compute/constraint/mask_worker.h"

#include <gtest/gtest.h>

#include "compute/constraint/constraint_fixture.h"
#include "support/byte_tokenizer.h"

namespace lathe::constraint {
namespace {

TEST(MaskWorker, GivesTheSameMasksWhoeverComputesThem) {
    auto tokenizer = testing_support::MakeByteTokenizer();
    MaskWorker worker(tokenizer, 300);
    auto grammar = CompileOrFail(JsonObject());
    const std::string text = R"({"key": [1.5, "value", {"x": null}]})";
    std::vector<std::shared_ptr<Matcher>> matchers;
    for (int i = 0; i < 8; ++i) matchers.push_back(worker.NewMatcher(grammar));
    for (char c : text) {
        std::vector<std::shared_ptr<MaskTask>> tasks;
        for (const auto& matcher : matchers) tasks.push_back(worker.Post(matcher));
        Matcher alone = MakeMatcher(grammar);
        ASSERT_TRUE(*alone.Accept(matchers[0]->text()));
        for (size_t i = 0; i < matchers.size(); ++i) {
            auto mask = tasks[i]->Get();
            ASSERT_TRUE(mask.has_value());
            EXPECT_EQ((*mask)->bits.size(), 5u);
            EXPECT_EQ((*mask)->count, (*alone.Allowed())->count);
            ASSERT_TRUE(*matchers[i]->Accept({&c, 1}));
        }
    }
    EXPECT_TRUE(matchers[0]->finished());
}

TEST(MaskWorker, KeepsWhatRunningTextsNeedWhenOtherGrammarsCome) {
    auto tokenizer = testing_support::MakeByteTokenizer();
    MaskWorker worker(tokenizer, 257);
    auto first = worker.NewMatcher(CompileOrFail(Regex("[a-z]+")));
    for (size_t i = 0; i < 2 * MaskWorker::kAutomataMax; ++i) {
        auto matcher = worker.NewMatcher(CompileOrFail(Regex("x{" + std::to_string(i + 1) + "}")));
        EXPECT_EQ((*worker.Post(matcher)->Get())->count, 1u);
    }
    EXPECT_EQ((*worker.Post(first)->Get())->count, 26u);
}

}  // namespace
}  // namespace lathe::constraint
