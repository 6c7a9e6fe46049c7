// The first byte chooses the format, the rest is the file: an error or rows that all have
// the same columns.
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "learn/eval/data_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace lathe::eval;
    if (size == 0) return 0;
    DataOptions options;
    options.format = data[0] % 2 == 0 ? DataFormat::kJson : DataFormat::kCsv;
    if (data[0] % 4 == 2) options.field = "data";
    std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    auto documents = ParseDocuments(text, options);
    if (documents)
        for (const lathe::Json& row : documents->rows)
            LATHE_CHECK(row.size() == documents->columns.size());
    return 0;
}
