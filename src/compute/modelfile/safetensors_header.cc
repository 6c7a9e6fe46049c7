#include "compute/modelfile/safetensors_header.h"

#include <optional>
#include <unordered_set>
#include <utility>

#include "compute/modelfile/printable.h"
#include "compute/modelfile/safetensors.h"
#include "core/json/json.h"

namespace lathe::modelfile {
namespace {

// Receives the parser's events. Each method returns false, with error_ set, at what is
// not allowed where it stands.
class HeaderEvents : public nlohmann::json_sax<Json> {
public:
    SafetensorsHeader header;

    const std::string& error() const { return error_; }

    bool null() override { return Unexpected("null"); }
    bool boolean(bool) override { return Unexpected("a bool"); }
    bool number_integer(number_integer_t) override { return Unexpected("a negative number"); }
    bool number_float(number_float_t, const string_t&) override {
        return Unexpected("a number with a fraction, or too large");
    }
    bool binary(binary_t&) override { return Unexpected("bytes"); }

    bool number_unsigned(number_unsigned_t value) override {
        if (place_ == Place::kShape) {
            if (current_.shape.size() == Safetensors::kDimensionsMax)
                return Fail("has more than {} dimensions", Safetensors::kDimensionsMax);
            current_.shape.push_back(value);
            return true;
        }
        if (place_ == Place::kOffsets) {
            if (offset_count_ == 2) return Fail("has more than two data_offsets");
            current_.offsets[offset_count_++] = value;
            return true;
        }
        return Unexpected("a number");
    }

    bool string(string_t& value) override {
        if (place_ == Place::kMetadata) {
            if (!header.metadata.emplace(key_, value).second)
                return Fail("says '{}' twice", Printable(key_));
            return true;
        }
        if (place_ != Place::kTensor || field_ != Field::kType) return Unexpected("a string");
        current_.type_name = std::move(value);
        return true;
    }

    bool start_object(size_t) override {
        if (place_ == Place::kOutside) {
            place_ = Place::kTop;
            return true;
        }
        if (place_ != Place::kTop) return Unexpected("an object");
        place_ = current_.name == "__metadata__" ? Place::kMetadata : Place::kTensor;
        fields_seen_ = 0;
        return true;
    }

    bool key(string_t& name) override {
        switch (place_) {
            case Place::kTop:
                return TopKey(name);
            case Place::kMetadata:
                key_ = std::move(name);
                return true;
            case Place::kTensor:
                return FieldKey(name);
            default:
                return Unexpected("a key");
        }
    }

    bool end_object() override {
        if (place_ == Place::kTensor) {
            if (fields_seen_ != 7) return Fail("lacks dtype, shape or data_offsets");
            if (offset_count_ != 2) return Fail("has {} data_offsets instead of 2", offset_count_);
            header.tensors.push_back(std::exchange(current_, {}));
        }
        place_ = place_ == Place::kTop ? Place::kOutside : Place::kTop;
        return true;
    }

    bool start_array(size_t) override {
        if (place_ == Place::kTensor && field_ == Field::kShape) {
            place_ = Place::kShape;
            return true;
        }
        if (place_ == Place::kTensor && field_ == Field::kOffsets) {
            place_ = Place::kOffsets;
            offset_count_ = 0;
            return true;
        }
        return Unexpected("an array");
    }

    bool end_array() override {
        place_ = Place::kTensor;
        return true;
    }

    bool parse_error(size_t position, const std::string&,
                     const nlohmann::detail::exception&) override {
        error_ = fmt::format("its header is not valid JSON at byte {}", position);
        return false;
    }

private:
    enum class Place { kOutside, kTop, kMetadata, kTensor, kShape, kOffsets };
    enum class Field { kType = 1, kShape = 2, kOffsets = 4 };

    bool TopKey(string_t& name) {
        current_ = {};
        current_.name = std::move(name);
        offset_count_ = 0;
        if (names_.insert(current_.name).second) return true;
        return Fail("appears twice");
    }

    bool FieldKey(const string_t& name) {
        if (name == "dtype")
            field_ = Field::kType;
        else if (name == "shape")
            field_ = Field::kShape;
        else if (name == "data_offsets")
            field_ = Field::kOffsets;
        else
            return Fail("has a field '{}' that the format does not know", Printable(name));
        unsigned bit = static_cast<unsigned>(field_);
        if (fields_seen_ & bit) return Fail("has two fields '{}'", name);
        fields_seen_ |= bit;
        return true;
    }

    template <typename... Args>
    bool Fail(fmt::format_string<Args...> format, Args&&... args) {
        error_ = fmt::format("'{}' in its header {}", Printable(current_.name),
                             fmt::format(format, std::forward<Args>(args)...));
        return false;
    }

    bool Unexpected(std::string_view what) {
        if (place_ == Place::kOutside) {
            error_ = fmt::format("its header is {}, not an object", what);
            return false;
        }
        return Fail("has {} where the format does not allow it", what);
    }

    Place place_ = Place::kOutside;
    Field field_ = Field::kType;
    unsigned fields_seen_ = 0;  // of Field
    size_t offset_count_ = 0;
    SafetensorsHeader::Tensor current_;
    std::string key_;  // of the metadata
    std::unordered_set<std::string> names_;
    std::string error_;
};

}  // namespace

Result<SafetensorsHeader> ParseSafetensorsHeader(std::string_view json) {
    HeaderEvents events;
    try {
        if (Json::sax_parse(json.begin(), json.end(), &events)) return std::move(events.header);
    } catch (const nlohmann::json::exception& exception) {
        return InvalidArgument("its header is not valid JSON: {}", exception.what());
    }
    return InvalidArgument("{}", events.error());
}

}  // namespace lathe::modelfile
