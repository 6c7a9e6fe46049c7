#include "learn/quant/importance_matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "compute/modelfile/byte_reader.h"
#include "compute/modelfile/gguf.h"
#include "compute/modelfile/gguf_writer.h"
#include "compute/modelfile/printable.h"
#include "core/platform/files.h"
#include "core/platform/mapped_file.h"

namespace lathe::quant {
namespace {

using modelfile::ByteReader;
using modelfile::Printable;

constexpr std::string_view kSums = ".in_sum2";
constexpr std::string_view kCounts = ".counts";
// Weight of a column that the text never used, relative to the mean of all.
constexpr float kLeastShare = 1e-4f;

std::unexpected<Error> Damaged(const std::string& name, std::string_view what) {
    return InvalidArgument("{}: not an importance matrix, or damaged: {}", name, what);
}

bool AllFinite(std::span<const float> values) {
    return std::ranges::all_of(values,
                               [](float value) { return std::isfinite(value) && value >= 0; });
}

Result<std::string> ReadText(ByteReader& reader, const std::string& name, std::string_view what) {
    auto length = reader.Read<int32_t>();
    if (!length || *length < 0) return Damaged(name, fmt::format("{} has no length", what));
    auto bytes = reader.ReadBytes(static_cast<uint64_t>(*length));
    if (!bytes) return Damaged(name, fmt::format("{} is longer than the file", what));
    return std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size());
}

Result<ImportanceMatrix::Entry> ReadEntry(ByteReader& reader, const std::string& name,
                                          const std::string& tensor) {
    auto calls = reader.Read<int32_t>();
    auto count = reader.Read<int32_t>();
    if (!calls || !count || *count < 1 || *calls < 0)
        return Damaged(name, fmt::format("'{}' has no values", Printable(tensor)));
    auto bytes = reader.ReadBytes(static_cast<uint64_t>(*count) * sizeof(float));
    if (!bytes) return Damaged(name, fmt::format("'{}' is cut off", Printable(tensor)));
    ImportanceMatrix::Entry entry;
    entry.rows = static_cast<uint32_t>(*calls);
    entry.mean_square.resize(static_cast<size_t>(*count));
    std::memcpy(entry.mean_square.data(), bytes->data(), bytes->size());
    if (!AllFinite(entry.mean_square))
        return Damaged(name, fmt::format("'{}' holds values that are negative or not finite",
                                         Printable(tensor)));
    if (*calls > 0)
        for (float& value : entry.mean_square) value /= static_cast<float>(*calls);
    return entry;
}

Result<ImportanceMatrix> FromGguf(const modelfile::Gguf& file) {
    std::string name = file.path().string();
    if (file.GetString("general.type").value_or("") != "imatrix")
        return Damaged(name, "its general.type is not imatrix");
    ImportanceMatrix matrix;
    for (std::string_view text :
         file.GetStrings("imatrix.datasets").value_or(std::vector<std::string_view>()))
        matrix.texts.emplace_back(text);
    matrix.chunks = static_cast<uint32_t>(file.GetUnsigned("imatrix.chunk_count").value_or(0));
    matrix.chunk_tokens = static_cast<uint32_t>(file.GetUnsigned("imatrix.chunk_size").value_or(0));
    for (const tensor::TensorView& sums : file.tensors()) {
        if (!sums.name.ends_with(kSums)) continue;
        std::string tensor = sums.name.substr(0, sums.name.size() - kSums.size());
        const tensor::TensorView* counts = file.FindTensor(tensor + std::string(kCounts));
        if (counts == nullptr || counts->type != tensor::DType::kF32 ||
            sums.type != tensor::DType::kF32 || counts->element_count() != sums.rows())
            return Damaged(name, fmt::format("'{}' has no counts", Printable(tensor)));
        ImportanceMatrix::Entry entry;
        std::vector<float> rows(counts->element_count());
        entry.mean_square.resize(sums.element_count());
        tensor::Dequantize(counts->type, counts->data.data(), rows);
        tensor::Dequantize(sums.type, sums.data.data(), entry.mean_square);
        if (!AllFinite(entry.mean_square) || !AllFinite(rows))
            return Damaged(name, fmt::format("'{}' holds values that are negative or not finite",
                                             Printable(tensor)));
        for (size_t i = 0; i < entry.mean_square.size(); ++i)
            if (float count = rows[i / sums.cols()]; count > 0) entry.mean_square[i] /= count;
        entry.rows = rows.empty() ? 0 : static_cast<uint32_t>(std::min(rows[0], 4e9f));
        matrix.entries.emplace(std::move(tensor), std::move(entry));
    }
    if (matrix.entries.empty()) return Damaged(name, "it has no entries");
    return matrix;
}

template <typename T>
void Append(std::string& bytes, T value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void AppendText(std::string& bytes, std::string_view text) {
    Append(bytes, static_cast<int32_t>(text.size()));
    bytes += text;
}

Status WriteDat(const ImportanceMatrix& matrix, const std::filesystem::path& path) {
    std::string bytes;
    Append(bytes, static_cast<int32_t>(matrix.entries.size()));
    for (const auto& [name, entry] : matrix.entries) {
        AppendText(bytes, name);
        // Readers divide the values by this number; the form knows no other count.
        auto calls = static_cast<int32_t>(std::max<uint32_t>(1, matrix.chunks));
        Append(bytes, calls);
        Append(bytes, static_cast<int32_t>(entry.mean_square.size()));
        for (float value : entry.mean_square) Append(bytes, value * static_cast<float>(calls));
    }
    Append(bytes, static_cast<int32_t>(matrix.chunks));
    AppendText(bytes, matrix.texts.empty() ? "" : matrix.texts.front());
    return platform::WriteFileAtomically(path, bytes);
}

Status WriteGguf(const ImportanceMatrix& matrix, const std::filesystem::path& path) {
    modelfile::GgufMetadata metadata;
    metadata.SetString("general.type", "imatrix");
    metadata.SetStrings("imatrix.datasets", matrix.texts);
    metadata.SetU32("imatrix.chunk_count", matrix.chunks);
    metadata.SetU32("imatrix.chunk_size", matrix.chunk_tokens);
    std::vector<modelfile::GgufTensor> tensors;
    for (const auto& [name, entry] : matrix.entries) {
        tensors.push_back({name + std::string(kSums), 0, {1, entry.mean_square.size()}});
        tensors.push_back({name + std::string(kCounts), 0, {1, 1}});
    }
    LATHE_TRY(auto writer, modelfile::GgufWriter::Create(path, std::move(metadata), tensors));
    size_t index = 0;
    for (const auto& [name, entry] : matrix.entries) {
        auto rows = static_cast<float>(entry.rows);
        std::vector<float> sums = entry.mean_square;
        for (float& value : sums) value *= rows;
        LATHE_RETURN_IF_ERROR(writer.Write(index++, 0, std::as_bytes(std::span(sums))));
        LATHE_RETURN_IF_ERROR(writer.Write(index++, 0, std::as_bytes(std::span(&rows, 1))));
    }
    return writer.Finish();
}

}  // namespace

Result<ImportanceMatrix> ImportanceMatrix::Read(const std::filesystem::path& path) {
    LATHE_TRY(platform::MappedFile file, platform::MappedFile::Open(path));
    std::span<const std::byte> bytes = file.bytes();
    if (bytes.size() < 4 || std::memcmp(bytes.data(), "GGUF", 4) != 0)
        return ParseDat(bytes, path.string());
    LATHE_TRY(modelfile::Gguf gguf, modelfile::Gguf::Open(path));
    return FromGguf(gguf);
}

Result<ImportanceMatrix> ImportanceMatrix::ParseDat(std::span<const std::byte> bytes,
                                                    const std::string& name) {
    ByteReader reader(bytes);
    auto count = reader.Read<int32_t>();
    if (!count || *count < 1) return Damaged(name, "it does not begin with the number of entries");
    ImportanceMatrix matrix;
    for (int32_t i = 0; i < *count; ++i) {
        LATHE_TRY(std::string tensor,
                  ReadText(reader, name, fmt::format("the name of entry {}", i)));
        LATHE_TRY(Entry entry, ReadEntry(reader, name, tensor));
        if (!matrix.entries.emplace(tensor, std::move(entry)).second)
            return Damaged(name, fmt::format("'{}' is there twice", Printable(tensor)));
    }
    if (reader.remaining() == 0) return matrix;  // the first versions ended here
    if (auto chunks = reader.Read<int32_t>(); chunks && *chunks > 0)
        matrix.chunks = static_cast<uint32_t>(*chunks);
    LATHE_TRY(std::string text, ReadText(reader, name, "the name of the text"));
    if (!text.empty()) matrix.texts.push_back(std::move(text));
    return matrix;
}

Status ImportanceMatrix::Write(const std::filesystem::path& path) const {
    return path.extension() == ".gguf" ? WriteGguf(*this, path) : WriteDat(*this, path);
}

Result<Importance> ImportanceMatrix::ForSource(const Source& source) const {
    Importance importance;
    for (const SourceTensor& tensor : source.tensors()) {
        auto found = entries.find(tensor.name);
        if (found == entries.end() || !IsQuantizable(tensor.name, tensor.shape.size())) continue;
        const std::vector<float>& values = found->second.mean_square;
        if (values.size() != tensor.cols())
            return InvalidParam("imatrix",
                                "the importance matrix has {} columns for '{}', which has {}; it "
                                "is of another model",
                                values.size(), tensor.name, tensor.cols());
        double sum = std::accumulate(values.begin(), values.end(), 0.0);
        if (sum <= 0) continue;
        float least = kLeastShare * static_cast<float>(sum / static_cast<double>(values.size()));
        std::vector<float>& weights = importance[tensor.name];
        for (float value : values) weights.push_back(std::max(value, least));
    }
    if (importance.empty())
        return InvalidParam("imatrix",
                            "the importance matrix knows none of the model's matrices; it is of "
                            "another model");
    return importance;
}

}  // namespace lathe::quant
