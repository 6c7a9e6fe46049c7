#include "compute/modelfile/gguf.h"

#include <fmt/format.h>

#include <charconv>
#include <iterator>
#include <optional>
#include <utility>

#include "compute/modelfile/ggml_types.h"
#include "compute/modelfile/printable.h"

namespace lathe::modelfile {
namespace {

// "NAME-00002-of-00003.gguf": prefix "NAME", no 2, count 3.
struct SplitName {
    std::string prefix;
    uint32_t no = 0;
    uint32_t count = 0;
};

std::optional<SplitName> ParseSplitName(std::string_view file_name) {
    constexpr std::string_view kPattern = "-00000-of-00000.gguf";
    if (file_name.size() < kPattern.size()) return std::nullopt;
    std::string_view tail = file_name.substr(file_name.size() - kPattern.size());
    for (size_t i = 0; i < kPattern.size(); ++i) {
        bool matches =
            kPattern[i] == '0' ? tail[i] >= '0' && tail[i] <= '9' : tail[i] == kPattern[i];
        if (!matches) return std::nullopt;
    }
    SplitName name;
    name.prefix = file_name.substr(0, file_name.size() - kPattern.size());
    std::from_chars(tail.data() + 1, tail.data() + 6, name.no);
    std::from_chars(tail.data() + 10, tail.data() + 15, name.count);
    return name;
}

// The parts that belong together with `path`; itself alone if it is not split.
Result<std::vector<std::filesystem::path>> PartPaths(const std::filesystem::path& path,
                                                     const GgufPart& opened) {
    const GgufValue* value = opened.Find("split.count");
    std::optional<uint64_t> count = value ? value->ToUnsigned() : 1;
    if (!count || *count > GgufLimits::kPartsMax)
        return InvalidArgument(
            "{}: split.count is {}, not a number up to {}; the file is damaged, "
            "download it again",
            path.string(), value->Describe(20), GgufLimits::kPartsMax);
    if (*count <= 1) return std::vector{path};
    std::optional<SplitName> name = ParseSplitName(path.filename().string());
    if (!name || name->count != *count || name->no < 1 || name->no > *count)
        return InvalidArgument(
            "{} is one of {} parts of a split model, but its name does not end in "
            "-0000N-of-{:05}.gguf; give all parts their original names",
            path.string(), *count, *count);
    std::vector<std::filesystem::path> paths;
    for (uint32_t no = 1; no <= *count; ++no)
        paths.push_back(path.parent_path() /
                        fmt::format("{}-{:05}-of-{:05}.gguf", name->prefix, no, *count));
    return paths;
}

Status CheckSplitKeys(const GgufPart& part, const std::string& name, size_t index, size_t count) {
    auto number = [&](std::string_view key) -> std::optional<uint64_t> {
        const GgufValue* value = part.Find(key);
        return value ? value->ToUnsigned() : std::nullopt;
    };
    if (number("split.count") != count || number("split.no") != index)
        return InvalidArgument(
            "{}: its split.no and split.count do not say that it is part {} of {}; "
            "give all parts their original names or download them again",
            name, index + 1, count);
    return {};
}

}  // namespace

Result<Gguf> Gguf::Open(const std::filesystem::path& path, UnsupportedTypes unsupported) {
    LATHE_TRY(platform::MappedFile file, platform::MappedFile::Open(path));
    Gguf gguf;
    gguf.path_ = path;
    gguf.file_bytes_ = file.bytes().size();
    LATHE_TRY(gguf.content_, ParseGgufPart(file.bytes(), path.string()));
    LATHE_TRY(std::vector<std::filesystem::path> paths, PartPaths(path, gguf.content_));
    if (paths.size() == 1) {
        gguf.files_.push_back(std::move(file));
    } else {
        LATHE_RETURN_IF_ERROR(gguf.ReadParts(paths));
    }
    LATHE_RETURN_IF_ERROR(gguf.Finish(unsupported));
    return gguf;
}

Result<Gguf> Gguf::Parse(std::span<const std::byte> bytes, const std::string& name,
                         UnsupportedTypes unsupported) {
    Gguf gguf;
    gguf.path_ = name;
    gguf.file_bytes_ = bytes.size();
    LATHE_TRY(gguf.content_, ParseGgufPart(bytes, name));
    LATHE_RETURN_IF_ERROR(gguf.Finish(unsupported));
    return gguf;
}

Status Gguf::ReadParts(std::span<const std::filesystem::path> paths) {
    part_count_ = paths.size();
    file_bytes_ = 0;
    for (size_t i = 0; i < paths.size(); ++i) {
        auto file = platform::MappedFile::Open(paths[i]);
        if (!file)
            return std::unexpected(WithContext(
                file.error(),
                fmt::format("part {} of {} of the split model (all must lie in one folder)", i + 1,
                            paths.size())));
        LATHE_TRY(GgufPart part, ParseGgufPart(file->bytes(), paths[i].string()));
        LATHE_RETURN_IF_ERROR(CheckSplitKeys(part, paths[i].string(), i, paths.size()));
        file_bytes_ += file->bytes().size();
        files_.push_back(std::move(*file));
        if (i == 0) {
            content_ = std::move(part);
            continue;
        }
        std::ranges::move(part.tensors, std::back_inserter(content_.tensors));
        std::ranges::move(part.unsupported, std::back_inserter(content_.unsupported));
    }
    const GgufValue* total = content_.Find("split.tensors.count");
    size_t found = content_.tensors.size() + content_.unsupported.size();
    if (total && total->ToUnsigned() != found)
        return InvalidArgument(
            "{}: the {} parts hold {} tensors together, but split.tensors.count is {}; "
            "download them again",
            path_.string(), paths.size(), found, total->Describe(20));
    return {};
}

Status Gguf::Finish(UnsupportedTypes unsupported) {
    if (unsupported == UnsupportedTypes::kRefuse && !content_.unsupported.empty()) {
        const GgufUnsupportedTensor& tensor = content_.unsupported.front();
        return MakeError(
            Code::kUnimplemented,
            "{}: tensor '{}' has type {}, which is not supported; use a file of the model "
            "whose tensors are {}",
            path_.string(), Printable(tensor.name), tensor.type_name, SupportedTypeNames());
    }
    for (size_t i = 0; i < content_.tensors.size(); ++i)
        if (!tensor_index_.emplace(content_.tensors[i].name, i).second)
            return InvalidArgument(
                "{}: tensor '{}' is in two parts of the split model; download them again",
                path_.string(), Printable(content_.tensors[i].name));
    return {};
}

const tensor::TensorView* Gguf::FindTensor(std::string_view name) const {
    auto found = tensor_index_.find(name);
    return found == tensor_index_.end() ? nullptr : &content_.tensors[found->second];
}

void Gguf::DropPages(const tensor::TensorView& view) const {
    for (const platform::MappedFile& file : files_) {
        std::span<const std::byte> bytes = file.bytes();
        std::less_equal<const std::byte*> not_after;
        if (not_after(bytes.data(), view.data.data()) &&
            not_after(view.data.data() + view.data.size(), bytes.data() + bytes.size()))
            file.DropPages(view.data);
    }
}

namespace {

template <typename T>
Result<T> Get(const Gguf& file, std::string_view key,
              std::optional<T> (GgufValue::*convert)() const, std::string_view wanted) {
    const GgufValue* value = file.Find(key);
    if (!value)
        return MakeError(Code::kNotFound,
                         "{}: metadata key '{}' is missing; convert or download the model again",
                         file.path().string(), key);
    if (std::optional<T> converted = (value->*convert)()) return std::move(*converted);
    return InvalidArgument(
        "{}: metadata key '{}' is {}, not {}; convert or download the model again",
        file.path().string(), key, value->Describe(60), wanted);
}

}  // namespace

Result<uint64_t> Gguf::GetUnsigned(std::string_view key) const {
    return Get(*this, key, &GgufValue::ToUnsigned, "a non-negative integer");
}
Result<double> Gguf::GetReal(std::string_view key) const {
    return Get(*this, key, &GgufValue::ToReal, "a number");
}
Result<bool> Gguf::GetBool(std::string_view key) const {
    return Get(*this, key, &GgufValue::ToBool, "a bool");
}
Result<std::string_view> Gguf::GetString(std::string_view key) const {
    return Get(*this, key, &GgufValue::ToString, "a string");
}
Result<std::vector<int64_t>> Gguf::GetIntegers(std::string_view key) const {
    return Get(*this, key, &GgufValue::ToIntegers, "an array of integers");
}
Result<std::vector<float>> Gguf::GetFloats(std::string_view key) const {
    return Get(*this, key, &GgufValue::ToFloats, "an array of numbers");
}
Result<std::vector<std::string_view>> Gguf::GetStrings(std::string_view key) const {
    return Get(*this, key, &GgufValue::ToStrings, "an array of strings");
}

}  // namespace lathe::modelfile
