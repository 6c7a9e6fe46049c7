#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/json/json.h"

namespace lathe::eval {

// The documents of one split: JSON objects, all with the same columns in the same order;
// what a document lacks is null, as Hugging Face's datasets reads such files.
struct Documents {
    std::vector<std::string> columns;
    std::vector<Json> rows;
};

enum class DataFormat : uint8_t {
    kJson,  // a line per document, a list of documents, or {FIELD: list}
    kCsv,   // RFC 4180 with a head line; cells that are numbers become numbers
};

struct DataOptions {
    DataFormat format = DataFormat::kJson;
    std::string field{};   // of a JSON file that is one object: where the list is
    char delimiter = ',';  // of CSV
};

inline constexpr size_t kDataFileBytesMax = size_t{1} << 30;

// Errors name the line and what was expected there.
Result<Documents> ParseDocuments(std::string_view text, const DataOptions& options);

// Several files one after the other. Errors name the file.
Result<Documents> ReadDocuments(const std::vector<std::filesystem::path>& paths,
                                const DataOptions& options);

}  // namespace lathe::eval
