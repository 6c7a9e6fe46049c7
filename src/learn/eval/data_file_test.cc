#include "learn/eval/data_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe::eval {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Documents Parsed(std::string_view text, const DataOptions& options = {}) {
    auto documents = ParseDocuments(text, options);
    EXPECT_TRUE(documents) << documents.error().message;
    return documents ? *documents : Documents();
}

std::string ErrorOf(std::string_view text, const DataOptions& options = {}) {
    auto documents = ParseDocuments(text, options);
    EXPECT_FALSE(documents);
    return documents ? "" : documents.error().message;
}

const DataOptions kCsv{.format = DataFormat::kCsv, .field = {}};

TEST(DataFile, ReadsLinesAndListsAndGivesAllRowsTheSameColumns) {
    for (std::string_view text : {"{\"a\": 1}\n\n{\"b\": [2], \"a\": \"x\"}\n",
                                  "[{\"a\": 1}, {\"b\": [2], \"a\": \"x\"}]"}) {
        Documents documents = Parsed(text);
        EXPECT_THAT(documents.columns, ElementsAre("a", "b"));
        EXPECT_THAT(documents.rows,
                    ElementsAre(Json{{"a", 1}, {"b", nullptr}}, Json{{"a", "x"}, {"b", {2}}}));
    }
    EXPECT_EQ(Parsed("{\"data\": [{\"a\": 1}]}", {.field = "data"}).rows[0]["a"], 1);
}

TEST(DataFile, NamesTheLineThatIsWrong) {
    EXPECT_THAT(ErrorOf("{\"a\": 1}\n{\"a\": \n"), HasSubstr("line 2: not valid JSON"));
    EXPECT_THAT(ErrorOf("{\"a\": 1}\n5\n"), HasSubstr("line 2: a document must be a JSON object"));
    EXPECT_THAT(ErrorOf("[1]"), HasSubstr("document 0"));
    EXPECT_THAT(ErrorOf("{}", {.field = "data"}), HasSubstr("no `data`"));
}

TEST(DataFile, ReadsCsvWithQuotesLineBreaksAndNumbers) {
    Documents documents =
        Parsed("\xef\xbb\xbfname,n,mixed\r\n\"a, \"\"b\"\"\nc\",1,2\r\nd,,x\n", kCsv);
    EXPECT_THAT(documents.rows, ElementsAre(Json{{"name", "a, \"b\"\nc"}, {"n", 1}, {"mixed", "2"}},
                                            Json{{"name", "d"}, {"n", nullptr}, {"mixed", "x"}}));
}

TEST(DataFile, NamesTheLineOfCsvThatIsWrong) {
    EXPECT_THAT(ErrorOf("a,b\n1,2\n1\n", kCsv),
                HasSubstr("line 3 has 1 cells and the head line 2"));
    EXPECT_THAT(ErrorOf("a\n\"x", kCsv), HasSubstr("line 2: a quoted cell has no end"));
    EXPECT_THAT(ErrorOf("a\n\"x\"y\n", kCsv), HasSubstr("line 2: text follows a closing quote"));
    EXPECT_THAT(ErrorOf("", kCsv), HasSubstr("empty"));
}

}  // namespace
}  // namespace lathe::eval
