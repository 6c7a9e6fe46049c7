#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <vector>

#include "commands.h"
#include "compute/modelfile/model_package.h"
#include "compute/modelfile/printable.h"
#include "core/platform/files.h"
#include "core/telemetry/progress.h"
#include "service/registry/model_facts.h"
#include "service/registry/model_store.h"

namespace lathe::app {
namespace {

using registry::Catalog;
using registry::CatalogModel;
using registry::ModelStore;
using registry::StoredModel;

constexpr double kShareShownMin = 0.1;  // of a weight type, in the table

std::string Bytes(uint64_t bytes) {
    return bytes == 0 ? "?" : telemetry::FormatCount(static_cast<double>(bytes), "B");
}

// Facts of a stored model's file; its "problem" if it cannot be read.
Json StoredAsJson(const StoredModel& model) {
    Json json = {{"name", model.name},
                 {"complete", model.complete},
                 {"bytes", model.bytes},
                 {"path", model.path.empty() ? model.folder.string() : model.path.string()},
                 {"license", model.license},
                 {"source", model.source}};
    if (!model.complete) return json;
    auto package = modelfile::ModelPackage::Open(model.path, modelfile::UnsupportedTypes::kKeep);
    if (!package) {
        json["problem"] = package.error().message;
        return json;
    }
    Json facts = registry::FileFacts(*package);
    for (const char* key : {"format", "architecture", "parameters", "types"})
        json[key] = facts[key];
    if (model.license.empty()) json["license"] = facts["license"];
    return json;
}

Json CatalogAsJson(const CatalogModel& model, const std::vector<StoredModel>& stored) {
    bool here = std::ranges::any_of(
        stored, [&](const StoredModel& one) { return one.complete && one.name == model.name; });
    Json files = Json::array();
    for (const registry::CatalogFile& file : model.files)
        files.push_back({{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}});
    Json sources = Json::array();
    for (const registry::Source& source : model.sources)
        sources.push_back(registry::SourceKindName(source.kind));
    return {{"name", model.name},           {"title", model.title}, {"license", model.license},
            {"bytes", model.bytes()},       {"here", here},         {"files", std::move(files)},
            {"sources", std::move(sources)}};
}

// "llama Q4_1", "gemma3 Q8_0 Q5_0", or why it is not usable.
std::string TypeText(const Json& json) {
    if (!json["complete"].get<bool>()) return "not complete";
    if (json.contains("problem")) return "cannot be read";
    std::string text = modelfile::Printable(json["architecture"].get<std::string>());
    for (const Json& type : json["types"])
        if (type["share"].get<double>() >= kShareShownMin)
            text += " " + type["type"].get<std::string>();
    return text;
}

// Columns as wide as their widest cell; the last one ends the line.
std::string Table(const std::vector<std::vector<std::string>>& rows) {
    std::vector<size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (size_t i = 0; i + 1 < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    std::string text;
    for (const auto& row : rows) {
        std::string line = " ";
        for (size_t i = 0; i < row.size(); ++i) line += fmt::format(" {:<{}} ", row[i], widths[i]);
        text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
    return text;
}

std::string AsText(const Json& json, const ModelStore& store) {
    std::string text = fmt::format("here, in {}\n", (store.home() / "models").string());
    std::vector<std::vector<std::string>> rows;
    for (const Json& model : json["models"])
        rows.push_back({model["name"].get<std::string>(), Bytes(model["bytes"].get<uint64_t>()),
                        TypeText(model), model["path"].get<std::string>()});
    text += rows.empty() ? "  nothing yet\n" : Table(rows);
    rows.clear();
    for (const Json& model : json["catalog"])
        if (!model["here"].get<bool>())
            rows.push_back({model["name"].get<std::string>(), Bytes(model["bytes"].get<uint64_t>()),
                            model["license"].get<std::string>(),
                            model["title"].get<std::string>()});
    if (!rows.empty()) text += "\nto be had with `lathe pull NAME`\n" + Table(rows);
    return text;
}

Result<std::string> List(bool as_json) {
    LATHE_TRY(auto home, platform::LatheHome());
    LATHE_TRY(Catalog catalog, Catalog::Load(home));
    ModelStore store(home);
    std::vector<StoredModel> stored = store.List();
    Json json = {{"models", Json::array()}, {"catalog", Json::array()}};
    for (const StoredModel& model : stored) json["models"].push_back(StoredAsJson(model));
    for (const CatalogModel& model : catalog.models())
        json["catalog"].push_back(CatalogAsJson(model, stored));
    return as_json ? DumpJson(json, 2) + "\n" : AsText(json, store);
}

int ListCommand(bool as_json) {
    auto text = List(as_json);
    if (!text) {
        fmt::print(stderr, "lathe list: {}\n", text.error().message);
        return 1;
    }
    std::fwrite(text->data(), 1, text->size(), stdout);
    return std::fflush(stdout) == 0 ? 0 : 1;
}

int RemoveCommand(const std::vector<std::string>& names) {
    auto home = platform::LatheHome();
    int exit_code = 0;
    for (const std::string& name : names) {
        Status status =
            home ? ModelStore(*home).Remove(name) : std::unexpected(std::move(home).error());
        if (status) {
            fmt::print("{} is removed\n", name);
        } else {
            fmt::print(stderr, "lathe rm: {}\n", status.error().message);
            exit_code = 1;
        }
    }
    return exit_code;
}

}  // namespace

void AddListCommand(CLI::App& app, int& exit_code) {
    auto as_json = std::make_shared<bool>(false);
    CLI::App* command =
        app.add_subcommand("list", "Show the models that are here and those that can be pulled");
    command->add_flag("--json", *as_json, "print JSON instead of a table");
    command->callback([as_json, &exit_code] { exit_code = ListCommand(*as_json); });
}

void AddRemoveCommand(CLI::App& app, int& exit_code) {
    auto names = std::make_shared<std::vector<std::string>>();
    CLI::App* command = app.add_subcommand("rm", "Remove models from this machine");
    command->add_option("names", *names, "names as `lathe list` shows them")->required();
    command->callback([names, &exit_code] { exit_code = RemoveCommand(*names); });
}

}  // namespace lathe::app
