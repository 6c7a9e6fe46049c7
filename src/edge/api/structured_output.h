// Structured output: response_format, the guided_* parameters and structured_outputs.
#pragma once

#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>

#include "compute/constraint/grammar.h"
#include "core/json/json.h"

namespace lathe::api {

// What a request wants its text to be.
struct StructuredOutput {
    enum class Kind { kJsonObject, kJsonSchema, kRegex, kChoice, kGrammar };
    Kind kind = Kind::kJsonObject;
    Json value;         // a schema, an array of strings, or a string; null for kJsonObject
    std::string param;  // where it came from, for errors
};

// Empty if the request asks for nothing of the kind. Errors name the parameter: of the wrong form,
// or more than one of them. Requires: CheckParameters has passed.
Result<std::optional<StructuredOutput>> ParseStructuredOutput(const Json& body);

// Grammars compiled lately, so that a client that sends the same schema with each request
// pays for it once.
//
// Thread-safe; compiling takes its time: not on an io thread.
class GrammarCache {
public:
    static constexpr size_t kEntriesMax = 256;
    static constexpr size_t kBytesMax = size_t{64} << 20;

    // Errors (kInvalidArgument) carry the parameter and say what cannot be honoured.
    Result<constraint::GrammarPtr> Get(const StructuredOutput& wanted);

    // The grammar of that name, or what `make` gives, compiled; `key` stands for all that `make`
    // depends on. Errors have `param` unless `make` gave them one.
    Result<constraint::GrammarPtr> Get(const std::string& key, std::string_view param,
                                       const std::function<Result<constraint::Expression>()>& make);

private:
    struct Entry {
        std::string key;
        constraint::GrammarPtr grammar;
        size_t bytes() const { return key.size() + grammar->bytes(); }
    };

    constraint::GrammarPtr Find(const std::string& key);
    void Add(Entry entry);

    std::mutex mutex_;
    std::list<Entry> entries_;  // guarded; used last: in front
    size_t bytes_ = 0;
};

}  // namespace lathe::api
