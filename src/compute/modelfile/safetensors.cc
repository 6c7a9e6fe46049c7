#include "compute/modelfile/safetensors.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "compute/modelfile/byte_reader.h"
#include "compute/modelfile/foreign_bytes.h"
#include "compute/modelfile/printable.h"
#include "compute/modelfile/safetensors_header.h"

namespace lathe::modelfile {
namespace {

struct ElementType {
    std::string_view name;
    uint32_t bits;
};

constexpr auto kElementTypes = std::to_array<ElementType>({
    {"F64", 64},    {"F32", 32},    {"F16", 16},    {"BF16", 16},   {"I64", 64},
    {"I32", 32},    {"I16", 16},    {"I8", 8},      {"U64", 64},    {"U32", 32},
    {"U16", 16},    {"U8", 8},      {"BOOL", 8},    {"F8_E4M3", 8}, {"F8_E5M2", 8},
    {"F8_E8M0", 8}, {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"F4", 4},      {"C64", 64},
});

std::optional<tensor::DType> SupportedType(std::string_view name) {
    if (name == "F32") return tensor::DType::kF32;
    if (name == "F16") return tensor::DType::kF16;
    if (name == "BF16") return tensor::DType::kBF16;
    return std::nullopt;
}

std::unexpected<Error> Damaged(const std::string& name, const std::string& what) {
    return InvalidArgument("{}: {}; the file is truncated or damaged, download it again", name,
                           what);
}

// Bytes of a tensor, or nullopt if its type is unknown or the size does not fit.
std::optional<uint64_t> BytesOf(const SafetensorsHeader::Tensor& tensor) {
    auto type = std::ranges::find(kElementTypes, tensor.type_name, &ElementType::name);
    if (type == kElementTypes.end()) return std::nullopt;
    std::optional<uint64_t> bits = type->bits;
    for (uint64_t size : tensor.shape)
        if (bits) bits = CheckedMultiply(*bits, size);
    if (!bits || *bits % 8 != 0) return std::nullopt;
    return *bits / 8;
}

// Checks that the tensors have their sizes and fill [0, data_bytes) one after another.
Status CheckOffsets(const SafetensorsHeader& header, uint64_t data_bytes, const std::string& name) {
    for (const SafetensorsHeader::Tensor& tensor : header.tensors) {
        auto [begin, end] = tensor.offsets;
        if (begin > end || end > data_bytes)
            return Damaged(name, fmt::format("tensor '{}' claims bytes {} to {} of {}",
                                             Printable(tensor.name), begin, end, data_bytes));
        auto needed = BytesOf(tensor);
        if (needed != end - begin)
            return Damaged(name, fmt::format("tensor '{}' ({}) does not have the size of its shape",
                                             Printable(tensor.name), Printable(tensor.type_name)));
    }
    std::vector<size_t> order(header.tensors.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::sort(order, {}, [&](size_t i) { return header.tensors[i].offsets; });
    uint64_t position = 0;
    for (size_t i : order) {
        const SafetensorsHeader::Tensor& tensor = header.tensors[i];
        if (tensor.offsets[0] != position)
            return Damaged(name, fmt::format("tensor '{}' begins at byte {} instead of {}: tensors "
                                             "overlap or leave a gap",
                                             Printable(tensor.name), tensor.offsets[0], position));
        position = tensor.offsets[1];
    }
    if (position != data_bytes)
        return Damaged(
            name, fmt::format("{} bytes of tensors, but {} in the file", position, data_bytes));
    return {};
}

}  // namespace

Result<Safetensors> Safetensors::Open(const std::filesystem::path& path) {
    LATHE_TRY(platform::MappedFile file, platform::MappedFile::Open(path));
    LATHE_TRY(Safetensors parsed, Parse(file.bytes(), path.string()));
    parsed.file_ = std::move(file);
    return parsed;
}

Result<Safetensors> Safetensors::Parse(std::span<const std::byte> bytes, const std::string& name) {
    ByteReader reader(bytes);
    auto length = reader.Read<uint64_t>();
    auto start = bytes.size() > 8 ? static_cast<char>(bytes[8]) : '\0';
    if (!length || (start != '{' && *length != 0))
        return InvalidArgument("{}: not a safetensors file: {}", name, DescribeForeignBytes(bytes));
    if (*length > kHeaderBytesMax)
        return Damaged(name, fmt::format("its header claims {} bytes, more than the limit of {}",
                                         *length, kHeaderBytesMax));
    auto json = reader.ReadBytes(*length);
    if (!json)
        return Damaged(name, fmt::format("its header claims {} bytes, but the file has only {}",
                                         *length, bytes.size()));
    auto header =
        ParseSafetensorsHeader({reinterpret_cast<const char*>(json->data()), json->size()});
    if (!header) return Damaged(name, header.error().message);
    LATHE_RETURN_IF_ERROR(CheckOffsets(*header, reader.remaining(), name));

    Safetensors result;
    result.file_bytes_ = bytes.size();
    result.metadata_ = std::move(header->metadata);
    std::span<const std::byte> data = bytes.subspan(reader.position());
    for (SafetensorsHeader::Tensor& tensor : header->tensors) {
        auto [begin, end] = tensor.offsets;
        auto type = SupportedType(tensor.type_name);
        result.entries_.push_back({std::move(tensor.name), std::move(tensor.type_name),
                                   std::move(tensor.shape), data.subspan(begin, end - begin),
                                   type});
    }
    for (size_t i = 0; i < result.entries_.size(); ++i)
        result.index_.emplace(result.entries_[i].name, i);
    return result;
}

const SafetensorsEntry* Safetensors::Find(std::string_view name) const {
    auto found = index_.find(name);
    return found == index_.end() ? nullptr : &entries_[found->second];
}

bool Safetensors::DropPages(std::span<const std::byte> data) const {
    std::span<const std::byte> bytes = file_.bytes();
    std::less_equal<const std::byte*> not_after;
    if (!not_after(bytes.data(), data.data()) ||
        !not_after(data.data() + data.size(), bytes.data() + bytes.size()))
        return false;
    file_.DropPages(data);
    return true;
}

}  // namespace lathe::modelfile
