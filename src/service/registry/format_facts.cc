#include <fmt/format.h>

#include <array>
#include <string>
#include <string_view>

#include "compute/modelfile/printable.h"
#include "service/registry/model_facts.h"

namespace lathe::registry {
namespace {

class Table {
public:
    void Row(std::string_view label, std::string_view value) {
        text_ += fmt::format("{:<14}{}\n", label, value);
    }
    std::string text() && { return std::move(text_); }

private:
    std::string text_;
};

std::string Text(const Json& value) {
    return value.is_string() ? modelfile::Printable(value.get<std::string>(), 4096)
                             : std::string("not stated");
}

uint64_t Number(const Json& facts, std::string_view key) {
    return facts.at(std::string(key)).get<uint64_t>();
}

std::string TokenText(const Json& token) {
    if (token.is_null()) return "none";
    return fmt::format("{} {}", token.at("id").get<int64_t>(),
                       modelfile::Printable(token.at("text").get<std::string>()));
}

void AddTypes(const Json& facts, Table& table) {
    std::string_view label = "types";
    for (const Json& type : facts.at("types")) {
        table.Row(label, fmt::format("{:<6}{:>5.1f} %  {} in {} tensors",
                                     type.at("type").get<std::string>(),
                                     100 * type.at("share").get<double>(),
                                     FormatBytes(Number(type, "bytes")), Number(type, "tensors")));
        label = "";
    }
}

void AddSizes(const Json& facts, Table& table) {
    table.Row("context", fmt::format("{} tokens", Number(facts, "context_length")));
    std::string heads =
        fmt::format("{} heads of {}, {} for keys and values", Number(facts, "heads"),
                    Number(facts, "head_dim"), Number(facts, "kv_heads"));
    table.Row("shape",
              fmt::format("{} layers, width {}, MLP {}, {}", Number(facts, "layers"),
                          Number(facts, "width"), Number(facts, "feed_forward_width"), heads));
    if (!facts.at("sliding_window").is_null())
        table.Row("window",
                  fmt::format("{} tokens in {} of {} layers", Number(facts, "sliding_window"),
                              Number(facts, "sliding_layers"), Number(facts, "layers")));
    const Json& rope = facts.at("rope");
    std::string scaling = rope.at("scaling").get<std::string>();
    table.Row("rope", fmt::format("base {:.0f}{}", rope.at("base").get<double>(),
                                  scaling == "none" ? "" : ", scaling " + scaling));
    table.Row("head", facts.at("tied_head").get<bool>() ? "tied to the embedding" : "of its own");
    table.Row("vocabulary", fmt::format("{} tokens", Number(facts, "vocab_size")));
}

void AddTokenizer(const Json& tokenizer, Table& table) {
    if (tokenizer.is_null()) return;
    table.Row("tokenizer", Text(tokenizer.at("description")));
    table.Row("  begin", TokenText(tokenizer.at("bos")));
    table.Row("  end", TokenText(tokenizer.at("eos")));
    std::string ends;
    for (const Json& token : tokenizer.at("end_of_generation"))
        ends += (ends.empty() ? "" : ", ") + TokenText(token);
    table.Row("  stops at", ends.empty() ? "none" : ends);
}

void AddMemory(const Json& facts, Table& table) {
    const Json& memory = facts.at("memory");
    uint64_t per_token = Number(memory, "kv_bytes_per_token_f16");
    table.Row("memory", fmt::format("{} of weights", FormatBytes(Number(memory, "weight_bytes"))));
    table.Row("", fmt::format("{} of keys and values per token in f16 ({} in int8, {} in f32)",
                              FormatBytes(per_token),
                              FormatBytes(Number(memory, "kv_bytes_per_token_int8")),
                              FormatBytes(Number(memory, "kv_bytes_per_token_f32"))));
    table.Row("", fmt::format("{} for a full context in f16",
                              FormatBytes(per_token * Number(facts, "context_length"))));
}

}  // namespace

std::string FormatFacts(const Json& facts) {
    Table table;
    table.Row("name", Text(facts.at("name")));
    table.Row("path", Text(facts.at("path")));
    table.Row("format", facts.at("format") == "gguf" ? "GGUF" : "Hugging Face folder");
    table.Row("architecture", Text(facts.at("architecture")));
    table.Row("licence", Text(facts.at("license")));
    table.Row("parameters", FormatCount(Number(facts, "parameters")));
    table.Row("files", fmt::format("{}, {} tensors", FormatBytes(Number(facts, "file_bytes")),
                                   Number(facts, "tensor_count")));
    AddTypes(facts, table);
    if (facts.contains("layers")) {
        AddSizes(facts, table);
        AddTokenizer(facts.at("tokenizer"), table);
    }
    table.Row("template", facts.at("chat_template").get<bool>() ? "chat template included"
                                                                : "no chat template");
    if (facts.contains("memory")) AddMemory(facts, table);
    if (facts.contains("problem")) table.Row("problem", Text(facts.at("problem")));
    return std::move(table).text();
}

std::string FormatBytes(uint64_t bytes) {
    constexpr std::array kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) return fmt::format("{} B", bytes);
    double value = static_cast<double>(bytes) / 1024;
    size_t unit = 0;
    for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
    return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string FormatCount(uint64_t count) {
    if (count < 1'000'000) return fmt::format("{}", count);
    if (count < 1'000'000'000) return fmt::format("{:.1f} M", static_cast<double>(count) / 1e6);
    return fmt::format("{:.2f} B", static_cast<double>(count) / 1e9);
}

}  // namespace lathe::registry
