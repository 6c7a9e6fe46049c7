#include "learn/eval/data_file.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_set>

#include "core/platform/files.h"

namespace lathe::eval {
namespace {

bool IsBlank(std::string_view line) {
    return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

// Gives all rows the same columns.
Documents WithColumns(std::vector<Json> rows) {
    Documents documents;
    std::unordered_set<std::string> known;
    for (const Json& row : rows)
        for (const auto& [name, value] : row.items())
            if (known.insert(name).second) documents.columns.push_back(name);
    for (Json& row : rows) {
        bool alike = row.size() == documents.columns.size();
        size_t i = 0;
        for (auto item = row.begin(); alike && item != row.end(); ++item, ++i)
            alike = item.key() == documents.columns[i];
        if (!alike) {
            Json full = Json::object();
            for (const std::string& column : documents.columns)
                full[column] = row.contains(column) ? std::move(row[column]) : Json(nullptr);
            row = std::move(full);
        }
        documents.rows.push_back(std::move(row));
    }
    return documents;
}

Result<std::vector<Json>> ParseLines(std::string_view text) {
    std::vector<Json> rows;
    size_t number = 0;
    for (size_t at = 0; at < text.size();) {
        ++number;
        size_t end = std::min(text.find('\n', at), text.size());
        std::string_view line = text.substr(at, end - at);
        at = end + 1;
        if (IsBlank(line)) continue;
        auto row = ParseJson(line);
        if (!row)
            return std::unexpected(
                WithContext(std::move(row).error(), fmt::format("line {}", number)));
        if (!row->is_object())
            return InvalidArgument(
                "line {}: a document must be a JSON object, as {{\"text\": ...}}", number);
        rows.push_back(*std::move(row));
    }
    return rows;
}

Result<std::vector<Json>> RowsOfList(Json list, std::string_view where) {
    if (!list.is_array()) return InvalidArgument("{} must be a list of documents", where);
    std::vector<Json> rows;
    for (size_t i = 0; i < list.size(); ++i) {
        if (!list[i].is_object())
            return InvalidArgument("document {} of {} must be a JSON object", i, where);
        rows.push_back(std::move(list[i]));
    }
    return rows;
}

Result<std::vector<Json>> ParseJsonRows(std::string_view text, const DataOptions& options) {
    if (!options.field.empty()) {
        LATHE_TRY(Json whole, ParseJson(text));
        if (!whole.is_object() || !whole.contains(options.field))
            return InvalidParam("field", "the file has no `{}` at its top", options.field);
        return RowsOfList(std::move(whole[options.field]), options.field);
    }
    size_t first = text.find_first_not_of(" \t\r\n");
    if (first != std::string_view::npos && text[first] == '[') {
        LATHE_TRY(Json whole, ParseJson(text));
        return RowsOfList(std::move(whole), "the file");
    }
    return ParseLines(text);
}

// The cells of one CSV record after the other.
class CsvReader {
public:
    CsvReader(std::string_view text, char delimiter) : text_(text), delimiter_(delimiter) {
        if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;
    }

    bool AtEnd() const { return at_ >= text_.size(); }
    size_t line() const { return line_; }

    // One record; empty lines give one empty cell.
    Result<std::vector<std::string>> Next() {
        std::vector<std::string> cells;
        while (true) {
            LATHE_TRY(std::string cell, Cell());
            cells.push_back(std::move(cell));
            if (AtEnd()) return cells;
            char c = text_[at_++];
            if (c == delimiter_) continue;
            if (c == '\r' && !AtEnd() && text_[at_] == '\n') ++at_;
            ++line_;
            return cells;
        }
    }

private:
    Result<std::string> Cell() {
        if (AtEnd() || text_[at_] != '"') {
            size_t begin = at_;
            while (!AtEnd() && text_[at_] != delimiter_ && text_[at_] != '\n' && text_[at_] != '\r')
                ++at_;
            return std::string(text_.substr(begin, at_ - begin));
        }
        size_t opened = line_;
        std::string cell;
        for (++at_; !AtEnd(); ++at_) {
            char c = text_[at_];
            line_ += c == '\n';
            if (c != '"') {
                cell.push_back(c);
            } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
                cell.push_back('"');
                ++at_;
            } else {
                return Closed(std::move(cell));
            }
        }
        return InvalidArgument("line {}: a quoted cell has no end; close it with \"", opened);
    }

    Result<std::string> Closed(std::string cell) {
        ++at_;
        if (!AtEnd() && text_[at_] != delimiter_ && text_[at_] != '\n' && text_[at_] != '\r')
            return InvalidArgument(
                "line {}: text follows a closing quote; write \"\" for a quote inside a cell",
                line_);
        return cell;
    }

    std::string_view text_;
    const char delimiter_;
    size_t at_ = 0;
    size_t line_ = 1;
};

Json CellValue(const std::string& cell) {
    if (cell.empty()) return nullptr;
    const char* end = cell.data() + cell.size();
    int64_t integer = 0;
    auto whole = std::from_chars(cell.data(), end, integer);
    if (whole.ec == std::errc() && whole.ptr == end) return integer;
    double real = 0;
    auto point = std::from_chars(cell.data(), end, real);
    if (point.ec == std::errc() && point.ptr == end && std::isfinite(real)) return real;
    return cell;
}

// A column is of numbers only if all of its cells are.
void KeepTextColumns(std::vector<Json>& rows, const std::vector<std::vector<std::string>>& cells,
                     const std::vector<std::string>& head) {
    for (size_t c = 0; c < head.size(); ++c) {
        bool has_text =
            std::ranges::any_of(rows, [&](Json& row) { return row[head[c]].is_string(); });
        if (!has_text) continue;
        for (size_t r = 0; r < rows.size(); ++r)
            if (!rows[r][head[c]].is_null()) rows[r][head[c]] = cells[r][c];
    }
}

Result<std::vector<Json>> ParseCsvRows(std::string_view text, char delimiter) {
    CsvReader reader(text, delimiter);
    if (reader.AtEnd()) return InvalidArgument("the file is empty; CSV begins with a head line");
    LATHE_TRY(std::vector<std::string> head, reader.Next());
    std::vector<std::vector<std::string>> records;
    std::vector<Json> rows;
    while (!reader.AtEnd()) {
        size_t line = reader.line();
        LATHE_TRY(std::vector<std::string> cells, reader.Next());
        if (cells.size() == 1 && cells[0].empty()) continue;
        if (cells.size() != head.size())
            return InvalidArgument("line {} has {} cells and the head line {}", line, cells.size(),
                                   head.size());
        Json row = Json::object();
        for (size_t i = 0; i < head.size(); ++i) row[head[i]] = CellValue(cells[i]);
        rows.push_back(std::move(row));
        records.push_back(std::move(cells));
    }
    KeepTextColumns(rows, records, head);
    return rows;
}

}  // namespace

Result<Documents> ParseDocuments(std::string_view text, const DataOptions& options) {
    LATHE_TRY(std::vector<Json> rows, options.format == DataFormat::kCsv
                                          ? ParseCsvRows(text, options.delimiter)
                                          : ParseJsonRows(text, options));
    return WithColumns(std::move(rows));
}

Result<Documents> ReadDocuments(const std::vector<std::filesystem::path>& paths,
                                const DataOptions& options) {
    std::vector<Json> rows;
    for (const auto& path : paths) {
        LATHE_TRY(std::string text, platform::ReadFile(path, kDataFileBytesMax));
        auto part = ParseDocuments(text, options);
        if (!part) return std::unexpected(WithContext(std::move(part).error(), path.string()));
        for (Json& row : part->rows) rows.push_back(std::move(row));
    }
    return WithColumns(std::move(rows));
}

}  // namespace lathe::eval
