#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>

#include "commands.h"
#include "compute/modelfile/model_package.h"
#include "compute/modelfile/printable.h"
#include "service/registry/model_facts.h"
#include "service/registry/model_store.h"

namespace lathe::app {
namespace {

using modelfile::GgufEntry;
using modelfile::GgufType;
using modelfile::GgufValue;
using modelfile::ModelPackage;

struct InspectOptions {
    std::string path;
    bool json = false;
    bool tensors = false;
    bool metadata = false;
    bool chat_template = false;
};

constexpr uint64_t kArrayShownMax = 64;  // longer arrays: only type and length
constexpr size_t kValueShownMax = 100;   // bytes of a value in the table

struct TensorLine {
    std::string name;
    std::string type;
    std::vector<uint64_t> shape;
    uint64_t bytes = 0;
};

std::vector<TensorLine> TensorLines(const ModelPackage& package) {
    std::vector<TensorLine> lines;
    for (const tensor::TensorView& view : package.tensors())
        lines.push_back(
            {view.name, std::string(tensor::Info(view.type).name), view.shape, view.byte_count()});
    for (const auto& tensor : package.unsupported_tensors())
        lines.push_back({tensor.name, tensor.type_name, tensor.shape, tensor.bytes});
    return lines;
}

Json ValueAsJson(const GgufValue& value) {
    if (value.type() == GgufType::kArray) {
        if (value.count() > kArrayShownMax)
            return {{"array_of", modelfile::TypeName(value.element_type())},
                    {"count", value.count()}};
        if (auto strings = value.ToStrings()) return *strings;
        if (auto integers = value.ToIntegers()) return *integers;
        if (auto reals = value.ToFloats()) return *reals;
    }
    if (auto text = value.ToString()) return *text;
    if (auto flag = value.ToBool()) return *flag;
    if (auto natural = value.ToUnsigned()) return *natural;
    if (auto integer = value.ToSigned()) return *integer;
    if (auto real = value.ToReal()) return *real;
    return value.Describe(kValueShownMax);
}

Json MetadataAsJson(const ModelPackage& package) {
    if (!package.gguf()) return package.hf()->config();
    Json metadata = Json::object();
    for (const GgufEntry& entry : package.gguf()->metadata())
        metadata[std::string(entry.key)] = ValueAsJson(entry.value);
    return metadata;
}

Json AsJson(const ModelPackage& package, const InspectOptions& options) {
    Json facts = registry::InspectFacts(package);
    if (options.metadata) facts["metadata"] = MetadataAsJson(package);
    if (options.chat_template) facts["chat_template_source"] = package.ChatTemplateSource();
    if (options.tensors) {
        Json tensors = Json::array();
        for (const TensorLine& line : TensorLines(package))
            tensors.push_back({{"name", line.name},
                               {"type", line.type},
                               {"shape", line.shape},
                               {"bytes", line.bytes}});
        facts["tensors"] = std::move(tensors);
    }
    return facts;
}

std::string MetadataAsText(const ModelPackage& package) {
    std::string text;
    if (package.gguf()) {
        for (const GgufEntry& entry : package.gguf()->metadata())
            text += fmt::format("{:<44} {}\n", modelfile::Printable(entry.key),
                                entry.value.Describe(kValueShownMax));
        return text;
    }
    for (const auto& [key, value] : package.hf()->config().items())
        text += fmt::format("{:<44} {}\n", modelfile::Printable(key),
                            modelfile::Printable(DumpJson(value), kValueShownMax));
    return text;
}

std::string TensorsAsText(const ModelPackage& package) {
    std::string text;
    for (const TensorLine& line : TensorLines(package)) {
        std::string shape;
        for (uint64_t size : line.shape)
            shape += fmt::format("{}{}", shape.empty() ? "" : " x ", size);
        text += fmt::format("{:<40} {:<8} {:<20} {:>10}\n", modelfile::Printable(line.name),
                            line.type, shape, registry::FormatBytes(line.bytes));
    }
    return text;
}

std::string AsText(const ModelPackage& package, const InspectOptions& options) {
    // Alone, --template prints just the template, to be kept in a file.
    std::string source = package.ChatTemplateSource();
    if (options.chat_template && !options.metadata && !options.tensors) return source;
    std::string text = registry::FormatFacts(registry::InspectFacts(package));
    if (options.metadata) text += "\nmetadata\n" + MetadataAsText(package);
    if (options.tensors) text += "\ntensors\n" + TensorsAsText(package);
    if (options.chat_template) text += "\ntemplate\n" + source + "\n";
    return text;
}

Result<ModelPackage> Open(const std::string& name_or_path) {
    LATHE_TRY(auto path, registry::ResolveModel(name_or_path));
    return ModelPackage::Open(path, modelfile::UnsupportedTypes::kKeep);
}

int Inspect(const InspectOptions& options) {
    auto package = Open(options.path);
    if (!package) {
        fmt::print(stderr, "lathe inspect: {}\n", package.error().message);
        return 1;
    }
    std::string text =
        options.json ? DumpJson(AsJson(*package, options), 2) + "\n" : AsText(*package, options);
    std::fwrite(text.data(), 1, text.size(), stdout);
    return std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace

void AddInspectCommand(CLI::App& app, int& exit_code) {
    auto options = std::make_shared<InspectOptions>();
    CLI::App* command = app.add_subcommand(
        "inspect", "Show what a model file or folder holds, and the memory it needs");
    command->add_option("model", options->path, "A GGUF file, a Hugging Face folder, or a name `lathe list` shows")->required();
    command->add_flag("--json", options->json, "print JSON instead of a table");
    command->add_flag("--tensors", options->tensors, "list every tensor");
    command->add_flag("--metadata", options->metadata,
                      "list the metadata (of a folder: config.json)");
    command->add_flag("--template", options->chat_template, "print the chat template");
    command->callback([options, &exit_code] { exit_code = Inspect(*options); });
}

}  // namespace lathe::app
