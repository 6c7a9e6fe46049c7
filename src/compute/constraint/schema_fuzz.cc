#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "compute/constraint/automaton.h"
#include "compute/constraint/grammar.h"
#include "core/json/json.h"

// Any JSON as a schema: refused or compiled, and what its masks allow is JSON in the end.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace lathe::constraint;
    if (size > 4096) return 0;
    auto schema = lathe::ParseJson({reinterpret_cast<const char*>(data), size});
    if (!schema) return 0;
    auto expression = JsonSchema(*schema);
    if (!expression) return 0;
    auto grammar = Compile(*expression);
    if (!grammar) return 0;
    static const auto* const kTrie = [] {
        std::vector<std::string> texts;
        for (int byte = 0; byte < 256; ++byte) texts.emplace_back(1, static_cast<char>(byte));
        return new TokenTrie(texts);
    }();
    Matcher matcher(std::make_shared<Automaton>(*grammar, *kTrie));
    for (size_t step = 0; step < 64 && !matcher.finished(); ++step) {
        auto mask = matcher.Allowed();
        if (!mask) return 0;
        if ((*mask)->count == 0) std::abort();
        size_t skip = (data[step % size] + step) % (*mask)->count;
        for (size_t token = 0; token < 256; ++token) {
            if ((((*mask)->bits[token / 64] >> (token % 64)) & 1) == 0 || skip-- > 0) continue;
            char c = static_cast<char>(token);
            auto accepted = matcher.Accept({&c, 1});
            if (!accepted) return 0;
            if (!*accepted) std::abort();
            break;
        }
    }
    if (matcher.finished() && !lathe::ParseJson(matcher.text())) std::abort();
    return 0;
}
