#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compute/chat/chat_template.h"
#include "core/base/result.h"
#include "core/json/json.h"

namespace lathe::eval {

// One of a task's doc_to_text, doc_to_target, doc_to_choice, description and gen_prefix:
// how a value comes from a document. A text that is a column's name gives the column, any
// other text is a Jinja template; other values stand for themselves. Const-safe.
class DocField {
public:
    DocField() = default;  // not given
    // `key` is for messages. Errors: the template's, with its line.
    static Result<DocField> Create(const Json& spec, const std::vector<std::string>& columns,
                                   std::string key);

    bool given() const { return !spec_.is_null(); }

    // The column, the rendered text, or the value.
    Result<Json> Get(const Json& document) const;

    // The same with the reference harness's rules on top. Of a question: a rendered text
    // of digits is a number if the task has choices.
    Result<Json> Text(const Json& document, bool has_choices) const;
    // Of a target: also a rendered "[...]" is a list, if Python would read it as one.
    Result<Json> Target(const Json& document, bool has_choices) const;
    // Of choices: texts; a rendered text is read as a Python list.
    Result<std::vector<std::string>> Choices(const Json& document) const;

private:
    Json spec_;
    std::string key_;
    bool is_column_ = false;
    std::shared_ptr<const chat::ChatTemplate> template_;  // null: a column or a value
};

}  // namespace lathe::eval
