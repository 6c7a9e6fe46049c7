#include "compute/modelfile/gguf_part.h"

#include <algorithm>
#include <bit>
#include <unordered_set>

#include "compute/modelfile/byte_reader.h"
#include "compute/modelfile/foreign_bytes.h"
#include "compute/modelfile/ggml_types.h"
#include "compute/modelfile/printable.h"

namespace lathe::modelfile {
namespace {

constexpr uint32_t kVersionMin = 2;
constexpr uint32_t kVersionMax = 3;
constexpr uint64_t kMetadataBytesMin = 8 + 4 + 1;        // empty key, type, one byte
constexpr uint64_t kTensorBytesMin = 8 + 4 + 8 + 4 + 8;  // empty name, rank 1
constexpr uint32_t kAlignmentDefault = 32;

// The bytes of a tensor, relative to the data section.
struct Extent {
    uint64_t begin = 0;
    uint64_t end = 0;
    std::string_view tensor;
};

class Parser {
public:
    Parser(std::span<const std::byte> bytes, std::string_view name)
        : bytes_(bytes), name_(name), reader_(bytes) {}

    Result<GgufPart> Parse() {
        LATHE_RETURN_IF_ERROR(ReadStart());
        LATHE_RETURN_IF_ERROR(CheckCounts());
        for (uint64_t i = 0; i < metadata_count_; ++i) LATHE_RETURN_IF_ERROR(ReadEntry());
        LATHE_RETURN_IF_ERROR(ReadAlignment());
        for (uint64_t i = 0; i < tensor_count_; ++i) LATHE_RETURN_IF_ERROR(ReadTensor());
        LATHE_RETURN_IF_ERROR(PlaceTensors());
        return std::move(part_);
    }

private:
    template <typename... Args>
    std::unexpected<Error> Fail(fmt::format_string<Args...> format, Args&&... args) const {
        return InvalidArgument("{}: {}", name_, fmt::format(format, std::forward<Args>(args)...));
    }

    std::unexpected<Error> Truncated(std::string_view what) const {
        return Fail(
            "the file ends inside {} (at byte {} of {}); it is truncated or damaged, download it "
            "again",
            what, reader_.position(), bytes_.size());
    }

    Status ReadStart() {
        auto magic = reader_.ReadBytes(4);
        if (!magic || std::string_view(reinterpret_cast<const char*>(magic->data()), 4) != "GGUF")
            return Fail("not a GGUF file: {}", DescribeForeignBytes(bytes_));
        auto version = reader_.Read<uint32_t>();
        if (!version) return Truncated("its first 24 bytes");
        part_.version = *version;
        uint32_t swapped = std::byteswap(*version);
        if (swapped >= 1 && swapped <= kVersionMax)
            return MakeError(
                Code::kUnimplemented,
                "{}: the GGUF file is in big-endian byte order; convert the model again "
                "for little endian",
                name_);
        if (*version < kVersionMin || *version > kVersionMax)
            return MakeError(Code::kUnimplemented,
                             "{}: GGUF version {} is not supported, only 2 and 3; {}", name_,
                             *version,
                             *version == 1 ? "convert the model again with a current converter"
                                           : "the file is damaged or newer than this program");
        auto tensors = reader_.Read<uint64_t>();
        auto entries = reader_.Read<uint64_t>();
        if (!tensors || !entries) return Truncated("its first 24 bytes");
        tensor_count_ = *tensors;
        metadata_count_ = *entries;
        return {};
    }

    // Counts that cannot be true fail here, before anything is allocated for them.
    Status CheckCounts() const {
        if (metadata_count_ > GgufLimits::kMetadataMax ||
            metadata_count_ > reader_.remaining() / kMetadataBytesMin)
            return Fail(
                "claims {} metadata entries, more than its {} bytes can hold (limit {}); "
                "it is truncated or damaged, download it again",
                metadata_count_, bytes_.size(), GgufLimits::kMetadataMax);
        if (tensor_count_ > GgufLimits::kTensorsMax ||
            tensor_count_ > reader_.remaining() / kTensorBytesMin)
            return Fail(
                "claims {} tensors, more than its {} bytes can hold (limit {}); "
                "it is truncated or damaged, download it again",
                tensor_count_, bytes_.size(), GgufLimits::kTensorsMax);
        return {};
    }

    Status ReadEntry() {
        auto key = reader_.ReadString();
        if (!key) return Truncated("the name of a metadata key");
        if (key->empty() || key->size() > GgufLimits::kKeyBytesMax)
            return Fail(
                "a metadata key has {} bytes, not 1 to {}; the file is damaged, download it again",
                key->size(), GgufLimits::kKeyBytesMax);
        auto type = reader_.Read<uint32_t>();
        if (!type) return Truncated(fmt::format("metadata key '{}'", Printable(*key)));
        LATHE_TRY(GgufValue value, ReadValue(*key, static_cast<GgufType>(*type)));
        if (!part_.metadata_index.emplace(*key, part_.metadata.size()).second)
            return Fail("metadata key '{}' appears twice; the file is damaged, download it again",
                        Printable(*key));
        part_.metadata.push_back({*key, value});
        return {};
    }

    Result<GgufValue> ReadValue(std::string_view key, GgufType type) {
        bool is_array = type == GgufType::kArray;
        uint64_t count = 1;
        if (is_array) {
            auto element = reader_.Read<uint32_t>();
            auto length = reader_.Read<uint64_t>();
            if (!element || !length)
                return Truncated(fmt::format("metadata key '{}'", Printable(key)));
            type = static_cast<GgufType>(*element);
            count = *length;
        }
        if (FixedBytes(type) == 0 && type != GgufType::kString)
            return Fail(
                "metadata key '{}' holds values of {}{}, which this program cannot read; "
                "the file is damaged or newer than this program",
                Printable(key), is_array ? "array of " : "", TypeName(type));
        size_t start = reader_.position();
        LATHE_RETURN_IF_ERROR(SkipValues(key, type, count));
        auto payload = bytes_.subspan(start, reader_.position() - start);
        if (type == GgufType::kBool &&
            std::ranges::any_of(payload, [](std::byte byte) { return byte > std::byte{1}; }))
            return Fail(
                "metadata key '{}' holds a bool that is neither 0 nor 1; the file is damaged, "
                "download it again",
                Printable(key));
        return GgufValue(type, is_array, count, payload);
    }

    Status SkipValues(std::string_view key, GgufType type, uint64_t count) {
        if (type != GgufType::kString) {
            auto length = CheckedMultiply(count, FixedBytes(type));
            if (!length || !reader_.ReadBytes(*length))
                return Truncated(
                    fmt::format("the {} values of metadata key '{}'", count, Printable(key)));
            return {};
        }
        for (uint64_t i = 0; i < count; ++i)
            if (!reader_.ReadString())
                return Truncated(fmt::format("string {} of {} of metadata key '{}'", i + 1, count,
                                             Printable(key)));
        return {};
    }

    Status ReadAlignment() {
        const GgufValue* value = part_.Find("general.alignment");
        if (!value) return {};
        auto alignment = value->ToUnsigned();
        if (!alignment || !std::has_single_bit(*alignment) ||
            *alignment > GgufLimits::kAlignmentMax)
            return Fail(
                "general.alignment is {}, not a power of two up to {}; the file is damaged, "
                "download it again",
                value->Describe(20), GgufLimits::kAlignmentMax);
        alignment_ = *alignment;
        return {};
    }

    Status ReadTensor() {
        auto name = reader_.ReadString();
        if (!name) return Truncated("the name of a tensor");
        if (name->empty() || name->size() > GgufLimits::kNameBytesMax)
            return Fail(
                "a tensor's name has {} bytes, not 1 to {}; the file is damaged, download it again",
                name->size(), GgufLimits::kNameBytesMax);
        std::string printable = Printable(*name);
        if (!names_.insert(*name).second)
            return Fail("tensor '{}' appears twice; the file is damaged, download it again",
                        printable);
        LATHE_TRY(std::vector<uint64_t> shape, ReadShape(printable));
        auto type = reader_.Read<uint32_t>();
        auto offset = reader_.Read<uint64_t>();
        if (!type || !offset) return Truncated(fmt::format("the entry of tensor '{}'", printable));
        if (*offset % alignment_ != 0)
            return Fail(
                "tensor '{}' begins at offset {}, not a multiple of {}; the file is damaged, "
                "download it again",
                printable, *offset, alignment_);
        LATHE_TRY(uint64_t length, TensorBytes(printable, *type, shape));
        auto end = CheckedAdd(*offset, length);
        if (!end)
            return Fail("tensor '{}' ends past 2^64; the file is damaged, download it again",
                        printable);
        auto dtype = tensor::DTypeFromGgml(*type);
        if (dtype) {
            view_extents_.push_back(extents_.size());
            part_.tensors.push_back({std::string(*name), *dtype, std::move(shape), {}});
        } else {
            part_.unsupported.push_back(
                {std::string(*name), GgmlTypeName(*type), std::move(shape), length});
        }
        extents_.push_back({*offset, *end, *name});
        return {};
    }

    Result<std::vector<uint64_t>> ReadShape(const std::string& name) {
        auto rank = reader_.Read<uint32_t>();
        if (!rank) return Truncated(fmt::format("the entry of tensor '{}'", name));
        if (*rank < 1 || *rank > GgufLimits::kDimensionsMax)
            return Fail(
                "tensor '{}' has {} dimensions, not 1 to {}; the file is damaged, download it "
                "again",
                name, *rank, GgufLimits::kDimensionsMax);
        std::vector<uint64_t> shape(*rank);
        uint64_t elements = 1;
        for (size_t i = shape.size(); i-- > 0;) {
            auto size = reader_.Read<uint64_t>();
            if (!size) return Truncated(fmt::format("the dimensions of tensor '{}'", name));
            auto product = CheckedMultiply(elements, *size);
            if (*size == 0 || !product || *product >> 62)
                return Fail(
                    "tensor '{}' has an impossible dimension of {}; the file is damaged, "
                    "download it again",
                    name, *size);
            elements = *product;
            shape[i] = *size;
        }
        return shape;
    }

    // 0 if the type's layout is not known.
    Result<uint64_t> TensorBytes(const std::string& name, uint32_t type_number,
                                 const std::vector<uint64_t>& shape) const {
        const GgmlType* type = FindGgmlType(type_number);
        if (!type) return uint64_t{0};
        if (shape.back() % type->block_size != 0)
            return Fail(
                "tensor '{}' has rows of {} elements, not a multiple of {}'s block of {}; "
                "the file is damaged, download it again",
                name, shape.back(), type->name, type->block_size);
        uint64_t blocks = shape.back() / type->block_size;
        for (size_t i = 0; i + 1 < shape.size(); ++i) blocks *= shape[i];  // < 2^62, see ReadShape
        auto length = CheckedMultiply(blocks, type->block_bytes);
        if (!length)
            return Fail(
                "tensor '{}' is larger than 2^64 bytes; the file is damaged, download it again",
                name);
        return *length;
    }

    // Checks that tensors lie inside the file and apart, and points the views at them.
    Status PlaceTensors() {
        if (extents_.empty()) return {};
        uint64_t data_start = (reader_.position() + alignment_ - 1) / alignment_ * alignment_;
        uint64_t data_bytes = bytes_.size() < data_start ? 0 : bytes_.size() - data_start;
        for (const Extent& extent : extents_)
            if (extent.end > data_bytes)
                return Fail(
                    "tensor '{}' needs bytes {} to {} of the tensor data, but the file has only "
                    "{}; "
                    "it is truncated, download it again",
                    Printable(extent.tensor), extent.begin, extent.end, data_bytes);
        for (size_t i = 0; i < part_.tensors.size(); ++i) {
            const Extent& extent = extents_[view_extents_[i]];
            part_.tensors[i].data =
                bytes_.subspan(data_start + extent.begin, extent.end - extent.begin);
        }
        std::ranges::sort(extents_, {}, &Extent::begin);
        for (size_t i = 1; i < extents_.size(); ++i)
            if (extents_[i].begin < extents_[i - 1].end)
                return Fail("tensors '{}' and '{}' overlap; the file is damaged, download it again",
                            Printable(extents_[i - 1].tensor), Printable(extents_[i].tensor));
        return {};
    }

    std::span<const std::byte> bytes_;
    std::string_view name_;
    ByteReader reader_;
    uint64_t tensor_count_ = 0;
    uint64_t metadata_count_ = 0;
    uint64_t alignment_ = kAlignmentDefault;
    GgufPart part_;
    std::vector<Extent> extents_;
    std::vector<size_t> view_extents_;  // of part_.tensors, into extents_
    std::unordered_set<std::string_view> names_;
};

}  // namespace

const GgufValue* GgufPart::Find(std::string_view key) const {
    auto found = metadata_index.find(key);
    return found == metadata_index.end() ? nullptr : &metadata[found->second].value;
}

Result<GgufPart> ParseGgufPart(std::span<const std::byte> bytes, std::string_view name) {
    return Parser(bytes, name).Parse();
}

}  // namespace lathe::modelfile
