#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "compute/kernels/table.h"

namespace lathe::kernels {
namespace {

class SelectTableTest : public testing::Test {
protected:
    void SetUp() override { unsetenv("LATHE_KERNELS"); }
    void TearDown() override { unsetenv("LATHE_KERNELS"); }
};

TEST_F(SelectTableTest, TakesTheFastestUnlessToldOtherwise) {
    EXPECT_EQ(AvailableTables().front(), &GenericTable());
    EXPECT_EQ(SelectTable("").value(), AvailableTables().back());
    for (const Table* table : AvailableTables()) EXPECT_EQ(SelectTable(table->name).value(), table);
}

TEST_F(SelectTableTest, ObeysTheEnvironment) {
    setenv("LATHE_KERNELS", "generic", 1);
    EXPECT_EQ(SelectTable("").value(), &GenericTable());
    setenv("LATHE_KERNELS", "", 1);
    EXPECT_EQ(SelectTable("").value(), AvailableTables().back());
}

TEST_F(SelectTableTest, NamesTheChoicesWhenTheNameIsUnknown) {
    setenv("LATHE_KERNELS", "quantum", 1);
    auto result = SelectTable("");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::kFailedPrecondition);
    EXPECT_THAT(result.error().message, testing::HasSubstr("LATHE_KERNELS 'quantum'"));
    EXPECT_THAT(result.error().message, testing::HasSubstr("generic"));
}

TEST_F(SelectTableTest, RefusesAnInstructionSetThatTheMachineLacks) {
    for (std::string_view name : {"avx2", "avxvnni", "avx512", "amx"}) {
        auto result = SelectTable(name);
        if (result) {
            EXPECT_EQ((*result)->name, name);
            continue;
        }
        EXPECT_EQ(result.error().code, Code::kFailedPrecondition);
        EXPECT_THAT(result.error().message, testing::HasSubstr(std::string(name)));
    }
}

}  // namespace
}  // namespace lathe::kernels
