// ZIP archives for tests, sound ones and others.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::testing_support {

struct ZipMember {
    std::string name;
    std::string content;
    bool deflate = false;
    uint32_t crc_change = 0;           // xored onto the CRC
    int32_t bytes_change = 0;          // added to the stated size
    std::optional<uint16_t> method{};  // instead of the true one
};

class ZipBuilder {
public:
    ZipBuilder& Add(ZipMember member) {
        members_.push_back(std::move(member));
        return *this;
    }

    std::string Build(std::string_view comment = "") const {
        std::string archive, directory;
        for (const ZipMember& member : members_) {
            std::string packed = member.deflate ? Deflated(member.content) : member.content;
            std::string common;  // what local header and directory share
            Put16(common, 20);
            Put16(common, 0);
            Put16(common, member.method.value_or(member.deflate ? 8 : 0));
            Put32(common, 0);
            Put32(common, CrcOf(member.content) ^ member.crc_change);
            Put32(common, static_cast<uint32_t>(packed.size()));
            Put32(common, static_cast<uint32_t>(member.content.size()) +
                              static_cast<uint32_t>(member.bytes_change));
            Put16(common, static_cast<uint16_t>(member.name.size()));
            Put16(common, 0);

            directory += "PK\x01\x02";
            Put16(directory, 20);
            directory += common;
            Put16(directory, 0);
            Put16(directory, 0);
            Put16(directory, 0);
            Put32(directory, 0);
            Put32(directory, static_cast<uint32_t>(archive.size()));
            directory += member.name;
            archive += "PK\x03\x04" + common + member.name + packed;
        }
        std::string end = "PK\x05\x06";
        Put32(end, 0);
        Put16(end, static_cast<uint16_t>(members_.size()));
        Put16(end, static_cast<uint16_t>(members_.size()));
        Put32(end, static_cast<uint32_t>(directory.size()));
        Put32(end, static_cast<uint32_t>(archive.size()));
        Put16(end, static_cast<uint16_t>(comment.size()));
        return archive + directory + end + std::string(comment);
    }

private:
    static void Put16(std::string& out, uint16_t value) {
        out += static_cast<char>(value & 255);
        out += static_cast<char>(value >> 8);
    }
    static void Put32(std::string& out, uint32_t value) {
        Put16(out, static_cast<uint16_t>(value & 0xffff));
        Put16(out, static_cast<uint16_t>(value >> 16));
    }
    static uint32_t CrcOf(const std::string& content) {
        return static_cast<uint32_t>(::crc32(0, reinterpret_cast<const Bytef*>(content.data()),
                                             static_cast<uInt>(content.size())));
    }
    static std::string Deflated(const std::string& content) {
        z_stream stream{};
        ::deflateInit2(&stream, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
        std::string out(::deflateBound(&stream, content.size()), '\0');
        stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
        stream.avail_in = static_cast<uInt>(content.size());
        stream.next_out = reinterpret_cast<Bytef*>(out.data());
        stream.avail_out = static_cast<uInt>(out.size());
        ::deflate(&stream, Z_FINISH);
        out.resize(stream.total_out);
        ::deflateEnd(&stream);
        return out;
    }

    std::vector<ZipMember> members_;
};

}  // namespace lathe::testing_support
