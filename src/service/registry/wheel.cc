// ZIP as in PKWARE's APPNOTE 6.3, sections 4.3.7 (local header), 4.3.12 (central
// directory) and 4.3.16 (its end record).
#include "service/registry/wheel.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

namespace lathe::registry {
namespace {

using Bytes = std::span<const std::byte>;
using Write = std::function<Status(std::span<const char>)>;

constexpr uint32_t kEndSignature = 0x06054b50;
constexpr uint32_t kEntrySignature = 0x02014b50;
constexpr uint32_t kLocalSignature = 0x04034b50;
constexpr size_t kEndBytes = 22;
constexpr size_t kEntryBytes = 46;
constexpr size_t kLocalBytes = 30;
constexpr size_t kCommentBytesMax = 65535;
constexpr size_t kBufferBytes = 256u << 10;
constexpr uint16_t kStored = 0;
constexpr uint16_t kDeflated = 8;

uint16_t U16(Bytes bytes, size_t offset) {
    return static_cast<uint16_t>(std::to_integer<unsigned>(bytes[offset]) |
                                 std::to_integer<unsigned>(bytes[offset + 1]) << 8);
}

uint32_t U32(Bytes bytes, size_t offset) {
    return U16(bytes, offset) | static_cast<uint32_t>(U16(bytes, offset + 2)) << 16;
}

// The part [offset, offset + size), or nothing if the archive ends before.
std::optional<Bytes> Part(Bytes archive, uint64_t offset, uint64_t size) {
    if (offset > archive.size() || size > archive.size() - offset) return std::nullopt;
    return archive.subspan(offset, size);
}

std::string_view Text(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct Entry {
    uint16_t method = 0;
    uint32_t crc = 0;
    uint32_t packed_bytes = 0;
    uint32_t bytes = 0;
    uint32_t local_offset = 0;
};

auto Broken(std::string_view problem) {
    return MakeError(Code::kDataLoss, "the package is no usable ZIP archive: {}", problem);
}

// The end record lies at the very end, before a comment.
std::optional<size_t> FindEnd(Bytes archive) {
    if (archive.size() < kEndBytes) return std::nullopt;
    size_t last = archive.size() - kEndBytes;
    size_t first = last - std::min(last, kCommentBytesMax);
    for (size_t offset = last + 1; offset-- > first;)
        if (U32(archive, offset) == kEndSignature) return offset;
    return std::nullopt;
}

Result<Entry> FindEntry(Bytes archive, std::string_view member) {
    auto end = FindEnd(archive);
    if (!end) return Broken("it has no end record");
    size_t count = U16(archive, *end + 10);
    uint64_t offset = U32(archive, *end + 16);
    for (size_t i = 0; i < count; ++i) {
        auto fixed = Part(archive, offset, kEntryBytes);
        if (!fixed || U32(*fixed, 0) != kEntrySignature) return Broken("its directory is damaged");
        size_t name_bytes = U16(*fixed, 28);
        auto name = Part(archive, offset + kEntryBytes, name_bytes);
        if (!name) return Broken("its directory is cut off");
        if (Text(*name) == member) {
            if (U16(*fixed, 8) & 1) return Broken("it is encrypted");
            return Entry{.method = U16(*fixed, 10),
                         .crc = U32(*fixed, 16),
                         .packed_bytes = U32(*fixed, 20),
                         .bytes = U32(*fixed, 24),
                         .local_offset = U32(*fixed, 42)};
        }
        offset += kEntryBytes + name_bytes + U16(*fixed, 30) + U16(*fixed, 32);
    }
    return MakeError(Code::kNotFound, "the package has no file {}", member);
}

Result<Bytes> PackedBytes(Bytes archive, const Entry& entry) {
    if (entry.packed_bytes == UINT32_MAX || entry.bytes == UINT32_MAX)
        return Broken("it needs ZIP64");
    auto local = Part(archive, entry.local_offset, kLocalBytes);
    if (!local || U32(*local, 0) != kLocalSignature) return Broken("a file's header is damaged");
    uint64_t begin = uint64_t{entry.local_offset} + kLocalBytes + U16(*local, 26) + U16(*local, 28);
    auto packed = Part(archive, begin, entry.packed_bytes);
    if (!packed) return Broken("it is cut off");
    return *packed;
}

// Counts and sums what goes through to `write`.
class Output {
public:
    Output(const Entry& entry, const Write& write) : entry_(entry), write_(write) {}

    Status Put(std::span<const char> bytes) {
        if (bytes.size() > entry_.bytes - count_) return Broken("a file is longer than stated");
        count_ += bytes.size();
        crc_ = ::crc32(crc_, reinterpret_cast<const Bytef*>(bytes.data()),
                       static_cast<uInt>(bytes.size()));
        return write_(bytes);
    }

    Status Finish() const {
        if (count_ != entry_.bytes) return Broken("a file is shorter than stated");
        if (crc_ != entry_.crc) return Broken("a file's checksum is wrong");
        return {};
    }

private:
    const Entry& entry_;
    const Write& write_;
    uint64_t count_ = 0;
    uLong crc_ = 0;
};

Status PutStored(Bytes packed, Output& output) {
    while (!packed.empty()) {
        Bytes piece = packed.first(std::min(packed.size(), kBufferBytes));
        std::string_view text = Text(piece);
        LATHE_RETURN_IF_ERROR(output.Put({text.data(), text.size()}));
        packed = packed.subspan(piece.size());
    }
    return {};
}

Status Inflate(Bytes packed, Output& output) {
    z_stream stream{};
    if (::inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        return MakeError(Code::kResourceExhausted, "no memory to unpack the package");
    struct Ender {
        z_stream& stream;
        ~Ender() { ::inflateEnd(&stream); }
    } ender{stream};
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());  // below 4 GiB: no ZIP64
    std::vector<char> buffer(kBufferBytes);
    for (int state = Z_OK; state != Z_STREAM_END;) {
        stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
        stream.avail_out = static_cast<uInt>(buffer.size());
        state = ::inflate(&stream, Z_NO_FLUSH);
        if (state != Z_OK && state != Z_STREAM_END) return Broken("a file cannot be unpacked");
        LATHE_RETURN_IF_ERROR(output.Put({buffer.data(), buffer.size() - stream.avail_out}));
    }
    return {};
}

}  // namespace

Status ExtractZipMember(Bytes archive, std::string_view member, uint64_t bytes_max,
                        const Write& write) {
    LATHE_TRY(Entry entry, FindEntry(archive, member));
    LATHE_TRY(Bytes packed, PackedBytes(archive, entry));
    if (entry.bytes > bytes_max)
        return MakeError(Code::kDataLoss, "{} in the package has {} bytes, more than the {} it may",
                         member, entry.bytes, bytes_max);
    Output output(entry, write);
    if (entry.method != kStored && entry.method != kDeflated)
        return Broken("a file is packed by a method other than deflate");
    LATHE_RETURN_IF_ERROR(entry.method == kStored ? PutStored(packed, output)
                                                  : Inflate(packed, output));
    return output.Finish();
}

}  // namespace lathe::registry
