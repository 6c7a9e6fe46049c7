#include "compute/modelfile/gguf_writer.h"

#include <algorithm>
#include <cstring>

#include "compute/modelfile/ggml_types.h"
#include "core/base/check.h"

namespace lathe::modelfile {
namespace {

template <typename T>
void Append(std::string& bytes, T value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void AppendText(std::string& bytes, std::string_view text) {
    Append<uint64_t>(bytes, text.size());
    bytes += text;
}

void AppendType(std::string& bytes, GgufType type) {
    Append(bytes, static_cast<uint32_t>(type));
}

template <typename T>
std::string Scalar(GgufType type, T value) {
    std::string bytes;
    AppendType(bytes, type);
    Append(bytes, value);
    return bytes;
}

std::string ArrayHead(GgufType element, uint64_t count) {
    std::string bytes;
    AppendType(bytes, GgufType::kArray);
    AppendType(bytes, element);
    Append(bytes, count);
    return bytes;
}

template <typename T>
std::string Numbers(GgufType element, std::span<const T> values) {
    std::string bytes = ArrayHead(element, values.size());
    bytes.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
    return bytes;
}

uint64_t Aligned(uint64_t bytes) {
    return (bytes + GgufWriter::kAlignment - 1) / GgufWriter::kAlignment * GgufWriter::kAlignment;
}

uint64_t TensorBytes(const GgufTensor& tensor) {
    const GgmlType* type = FindGgmlType(tensor.type);
    LATHE_CHECK(type != nullptr && !tensor.shape.empty());
    LATHE_CHECK(tensor.shape.back() % type->block_size == 0);
    uint64_t count = 1;
    for (uint64_t size : tensor.shape) count *= size;
    return count / type->block_size * type->block_bytes;
}

// Everything before the tensors' bytes, padded.
std::string Header(const GgufMetadata& metadata, std::span<const GgufTensor> tensors) {
    std::string bytes = "GGUF";
    Append<uint32_t>(bytes, 3);
    Append<uint64_t>(bytes, tensors.size());
    Append<uint64_t>(bytes, metadata.size());
    metadata.AppendTo(bytes);
    uint64_t offset = 0;
    for (const GgufTensor& tensor : tensors) {
        AppendText(bytes, tensor.name);
        Append(bytes, static_cast<uint32_t>(tensor.shape.size()));
        for (size_t i = tensor.shape.size(); i-- > 0;) Append(bytes, tensor.shape[i]);
        Append(bytes, tensor.type);
        Append(bytes, offset);
        offset += Aligned(TensorBytes(tensor));
    }
    bytes.resize(Aligned(bytes.size()), '\0');
    return bytes;
}

}  // namespace

void GgufMetadata::SetU32(std::string_view key, uint32_t value) {
    SetBytes(key, Scalar(GgufType::kU32, value));
}

void GgufMetadata::SetF32(std::string_view key, float value) {
    SetBytes(key, Scalar(GgufType::kF32, value));
}

void GgufMetadata::SetBool(std::string_view key, bool value) {
    SetBytes(key, Scalar<uint8_t>(GgufType::kBool, value ? 1 : 0));
}

void GgufMetadata::SetString(std::string_view key, std::string_view value) {
    std::string bytes;
    AppendType(bytes, GgufType::kString);
    AppendText(bytes, value);
    SetBytes(key, std::move(bytes));
}

void GgufMetadata::SetStrings(std::string_view key, std::span<const std::string> values) {
    std::string bytes = ArrayHead(GgufType::kString, values.size());
    for (const std::string& value : values) AppendText(bytes, value);
    SetBytes(key, std::move(bytes));
}

void GgufMetadata::SetI32s(std::string_view key, std::span<const int32_t> values) {
    SetBytes(key, Numbers(GgufType::kI32, values));
}

void GgufMetadata::SetF32s(std::string_view key, std::span<const float> values) {
    SetBytes(key, Numbers(GgufType::kF32, values));
}

void GgufMetadata::SetBools(std::string_view key, const std::vector<bool>& values) {
    std::string bytes = ArrayHead(GgufType::kBool, values.size());
    for (bool value : values) Append<uint8_t>(bytes, value ? 1 : 0);
    SetBytes(key, std::move(bytes));
}

void GgufMetadata::Set(std::string_view key, const GgufValue& value) {
    std::string bytes;
    if (value.type() == GgufType::kArray)
        bytes = ArrayHead(value.element_type(), value.count());
    else
        AppendType(bytes, value.type());
    std::span<const std::byte> payload = value.payload();
    bytes.append(reinterpret_cast<const char*>(payload.data()), payload.size());
    SetBytes(key, std::move(bytes));
}

void GgufMetadata::SetBytes(std::string_view key, std::string bytes) {
    auto found = std::ranges::find(entries_, key, &Entry::key);
    if (found == entries_.end())
        entries_.push_back({std::string(key), std::move(bytes)});
    else
        found->bytes = std::move(bytes);
}

void GgufMetadata::Remove(std::string_view key) {
    std::erase_if(entries_, [&](const Entry& entry) { return entry.key == key; });
}

bool GgufMetadata::Has(std::string_view key) const {
    return std::ranges::find(entries_, key, &Entry::key) != entries_.end();
}

void GgufMetadata::AppendTo(std::string& bytes) const {
    for (const Entry& entry : entries_) {
        AppendText(bytes, entry.key);
        bytes += entry.bytes;
    }
}

uint64_t GgufWriter::FileBytes(const GgufMetadata& metadata, std::span<const GgufTensor> tensors) {
    uint64_t bytes = Header(metadata, tensors).size();
    for (const GgufTensor& tensor : tensors) bytes += Aligned(TensorBytes(tensor));
    return bytes;
}

Result<GgufWriter> GgufWriter::Create(const std::filesystem::path& path, GgufMetadata metadata,
                                      std::span<const GgufTensor> tensors) {
    metadata.Remove("general.alignment");  // ours is the format's default
    std::string header = Header(metadata, tensors);
    std::vector<Place> places;
    uint64_t end = header.size();
    for (const GgufTensor& tensor : tensors) {
        places.push_back({end, TensorBytes(tensor)});
        end += Aligned(places.back().bytes);
    }
    LATHE_TRY(platform::AtomicFile file, platform::AtomicFile::Create(path, end));
    GgufWriter writer(std::move(file));
    writer.places_ = std::move(places);
    writer.file_bytes_ = end;
    LATHE_RETURN_IF_ERROR(writer.file_.WriteAt(0, std::as_bytes(std::span(header))));
    return writer;
}

Status GgufWriter::Write(size_t tensor, uint64_t offset, std::span<const std::byte> bytes) {
    LATHE_CHECK(tensor < places_.size() && offset + bytes.size() <= places_[tensor].bytes);
    return file_.WriteAt(places_[tensor].begin + offset, bytes);
}

Status GgufWriter::Finish() {
    return file_.Commit();
}

}  // namespace lathe::modelfile
