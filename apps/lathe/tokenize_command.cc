#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "commands.h"
#include "compute/modelfile/model_package.h"
#include "compute/modelfile/printable.h"
#include "compute/tokenizer/tokenizer.h"
#include "core/json/json.h"
#include "service/registry/model_store.h"

namespace lathe::app {
namespace {

using tokenizer::TokenId;
using tokenizer::Tokenizer;

struct TokenizeOptions {
    std::string model = "smollm2-135m";
    std::string input = "-";
    bool decode = false;
    bool no_special = false;
    bool no_parse_special = false;
    bool ids_only = false;
    bool json = false;
};

Result<std::string> ReadInput(const std::string& input) {
    if (input != "-") return input;
    std::string text;
    char buffer[65536];
    while (size_t count = std::fread(buffer, 1, sizeof buffer, stdin)) {
        text.append(buffer, count);
        if (text.size() > Tokenizer::kTextBytesMax)
            return InvalidArgument("the text on standard input is longer than {} bytes",
                                   Tokenizer::kTextBytesMax);
    }
    if (std::ferror(stdin)) return MakeError(Code::kInternal, "cannot read standard input");
    return text;
}

// Numbers between spaces, commas and brackets, so that what --ids prints can be read.
Result<std::vector<TokenId>> ParseIds(std::string_view text, size_t vocab_size) {
    constexpr std::string_view kBetween = " ,[]\t\r\n";
    std::vector<TokenId> ids;
    for (size_t at = text.find_first_not_of(kBetween); at != std::string_view::npos;
         at = text.find_first_not_of(kBetween, at)) {
        std::string_view word = text.substr(at, text.find_first_of(kBetween, at) - at);
        TokenId id = 0;
        auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), id);
        bool number = error == std::errc() && end == word.data() + word.size();
        if (!number || id < 0 || static_cast<size_t>(id) >= vocab_size)
            return InvalidArgument("`{}` is no token id; they go from 0 to {}",
                                   modelfile::Printable(word, 40), vocab_size - 1);
        ids.push_back(id);
        at += word.size();
    }
    return ids;
}

std::string TokensAsJson(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
    Json tokens = Json::array();
    for (TokenId id : ids)
        tokens.push_back(
            {{"id", id}, {"text", tokenizer.TokenBytes(id)}, {"special", tokenizer.IsSpecial(id)}});
    return DumpJson(Json{{"count", ids.size()}, {"tokens", std::move(tokens)}}) + "\n";
}

std::string TokensAsTable(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
    std::string table;
    for (TokenId id : ids) {
        std::string_view mark = tokenizer.IsSpecial(id) ? "  (control)" : "";
        table += fmt::format("{:>8}  \"{}\"{}\n", id,
                             modelfile::Printable(tokenizer.TokenBytes(id), 4096), mark);
    }
    return table + fmt::format("{} token{}\n", ids.size(), ids.size() == 1 ? "" : "s");
}

Result<std::string> Output(const TokenizeOptions& options) {
    LATHE_TRY(auto path, registry::ResolveModel(options.model));
    LATHE_TRY(auto package,
              modelfile::ModelPackage::Open(path, modelfile::UnsupportedTypes::kKeep));
    LATHE_TRY(Tokenizer tokenizer, Tokenizer::FromPackage(package));
    LATHE_TRY(std::string input, ReadInput(options.input));
    if (options.decode) {
        LATHE_TRY(std::vector<TokenId> ids, ParseIds(input, tokenizer.vocab_size()));
        std::string text = tokenizer.Decode(ids, /*keep_special=*/!options.no_special);
        return (options.json ? DumpJson(Json{{"text", text}}) : text) + "\n";
    }
    if (input.size() > Tokenizer::kTextBytesMax)
        return InvalidArgument("the text is longer than {} bytes", Tokenizer::kTextBytesMax);
    std::vector<TokenId> ids = tokenizer.Encode(
        input, {.add_special = !options.no_special, .parse_special = !options.no_parse_special});
    if (options.ids_only) return DumpJson(Json(ids)) + "\n";
    return options.json ? TokensAsJson(tokenizer, ids) : TokensAsTable(tokenizer, ids);
}

int Tokenize(const TokenizeOptions& options) {
    auto output = Output(options);
    if (!output) {
        fmt::print(stderr, "lathe tokenize: {}\n", output.error().message);
        return 1;
    }
    std::fwrite(output->data(), 1, output->size(), stdout);
    return std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace

void AddTokenizeCommand(CLI::App& app, int& exit_code) {
    auto options = std::make_shared<TokenizeOptions>();
    CLI::App* command =
        app.add_subcommand("tokenize", "Show the tokens of a text, or the text of tokens");
    command
        ->add_option("-m,--model", options->model,
                     "A GGUF file, a Hugging Face folder, or a name `lathe list` shows")
        ->capture_default_str();
    command->add_option("text", options->input,
                        "The text, or with --decode the ids; - or none: standard input");
    command->add_flag("--decode", options->decode, "Print the text of token ids");
    command->add_flag("--no-special", options->no_special,
                      "Add no begin and end tokens; with --decode leave out control tokens");
    command->add_flag("--no-parse-special", options->no_parse_special,
                      "Read \"<|im_end|>\" and the like in the text as ordinary text");
    auto* ids = command->add_flag("--ids", options->ids_only, "Print only the ids, as a list");
    command->add_flag("--json", options->json, "Print JSON")->excludes(ids);
    command->callback([options, &exit_code] { exit_code = Tokenize(*options); });
}

}  // namespace lathe::app
