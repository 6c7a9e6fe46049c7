#include "compute/modelfile/packing.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "compute/modelfile/printable.h"

namespace lathe::modelfile {
namespace {

constexpr std::string_view kSection = "quantization_config";
constexpr int64_t kGroupSizeMax = 1 << 20;

// nullptr if absent or null.
const Json* Find(const Json& section, const char* key) {
    auto found = section.find(key);
    return found == section.end() || found->is_null() ? nullptr : &*found;
}

std::unexpected<Error> Unsupported(std::string_view key, const Json& value, std::string_view why) {
    return MakeError(Code::kUnimplemented,
                     "config.json: \"{}.{}\" is {}, {}; use the original weights or a GGUF file of "
                     "the model",
                     kSection, key, Printable(DumpJson(value)), why);
}

// A name in lower case; "" if absent.
Result<std::string> Name(const Json& section, const char* key) {
    const Json* value = Find(section, key);
    if (value == nullptr) return std::string();
    if (!value->is_string()) return Unsupported(key, *value, "not a string");
    std::string name = value->get<std::string>();
    std::ranges::transform(name, name.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return name;
}

Result<int64_t> Integer(const Json& section, const char* key) {
    const Json* value = Find(section, key);
    if (value == nullptr)
        return InvalidArgument(
            "config.json: \"{}.{}\" is missing; download the checkpoint's config.json again",
            kSection, key);
    if (!value->is_number_integer()) return Unsupported(key, *value, "not an integer");
    return value->get<int64_t>();
}

Status CheckBits(const Json& section) {
    LATHE_TRY(int64_t bits, Integer(section, "bits"));
    if (bits != 4) return Unsupported("bits", Json(bits), "but only 4 bits are supported");
    return {};
}

// GPTQModel's exceptions by pattern: "-:PATTERN" leaves a matrix as it is, which its tensors
// show; others may change what the integers mean.
Status CheckExceptions(const Json& section, int64_t group_size) {
    const Json* dynamic = Find(section, "dynamic");
    if (dynamic == nullptr || (!dynamic->is_array() && !dynamic->is_object())) return {};
    for (const auto& [pattern, changes] : dynamic->items()) {
        if (pattern.starts_with("-:") || !changes.is_object()) continue;
        bool same = changes.value("bits", Json(4)) == Json(4) &&
                    changes.value("group_size", Json(group_size)) == Json(group_size);
        if (!same)
            return Unsupported("dynamic", Json{{pattern, changes}},
                               "but all matrices must have the same bits and group size");
    }
    return {};
}

Result<PackingKind> GptqKind(const Json& section) {
    const char* key = Find(section, "checkpoint_format") ? "checkpoint_format" : "format";
    LATHE_TRY(std::string format, Name(section, key));
    if (format.empty() || format == "gptq") return PackingKind::kGptq;
    if (format == "gptq_v2") return PackingKind::kGptqV2;
    return Unsupported(key, Json(format), "but only \"gptq\" and \"gptq_v2\" are supported");
}

Result<PackingKind> AwqKind(const Json& section) {
    LATHE_TRY(std::string version, Name(section, "version"));
    if (version.empty() || version == "gemm") return PackingKind::kAwq;
    return Unsupported("version", Json(version), "but only \"gemm\" is supported");
}

}  // namespace

Result<std::optional<Packing>> PackingOf(const Json& config) {
    auto found = config.find(kSection);
    if (found == config.end() || found->is_null()) return std::nullopt;
    if (!found->is_object())
        return InvalidArgument("config.json: \"{}\" is not an object; download it again", kSection);
    LATHE_TRY(std::string method, Name(*found, "quant_method"));
    if (method != "gptq" && method != "awq")
        return Unsupported("quant_method", Json(method),
                           "but only \"gptq\" and \"awq\" are supported");
    LATHE_RETURN_IF_ERROR(CheckBits(*found));
    LATHE_TRY(int64_t group_size, Integer(*found, "group_size"));
    if (group_size != -1 && (group_size < 1 || group_size > kGroupSizeMax))
        return Unsupported("group_size", Json(group_size),
                           fmt::format("neither -1 nor 1 to {}", kGroupSizeMax));
    LATHE_TRY(std::string words, Name(*found, "pack_dtype"));
    if (!words.empty() && words != "int32")
        return Unsupported("pack_dtype", Json(words), "but only \"int32\" is supported");
    LATHE_RETURN_IF_ERROR(CheckExceptions(*found, group_size));
    LATHE_TRY(PackingKind kind, method == "awq" ? AwqKind(*found) : GptqKind(*found));
    return Packing{kind, group_size == -1 ? 0 : static_cast<uint64_t>(group_size)};
}

}  // namespace lathe::modelfile
