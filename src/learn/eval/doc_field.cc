#include "learn/eval/doc_field.h"

#include <algorithm>
#include <charconv>

#include "learn/eval/python_literal.h"

namespace lathe::eval {
namespace {

constexpr chat::TemplateStyle kTaskTemplates{.what = "template",
                                             .trims_blocks = false,
                                             .keeps_trailing_newline = true,
                                             .strict_undefined = true};

std::optional<int64_t> AsDigits(const Json& value) {
    if (!value.is_string()) return std::nullopt;
    const auto& text = value.get_ref<const std::string&>();
    int64_t number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || text[0] == '-' || error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return number;
}

}  // namespace

Result<DocField> DocField::Create(const Json& spec, const std::vector<std::string>& columns,
                                  std::string key) {
    DocField field;
    field.spec_ = spec;
    field.key_ = std::move(key);
    if (!spec.is_string()) return field;
    const auto& text = spec.get_ref<const std::string&>();
    field.is_column_ = std::ranges::find(columns, text) != columns.end();
    if (field.is_column_) return field;
    auto parsed = chat::ChatTemplate::Parse(text, {}, kTaskTemplates);
    if (!parsed) return std::unexpected(WithContext(std::move(parsed).error(), field.key_));
    field.template_ = std::make_shared<const chat::ChatTemplate>(*std::move(parsed));
    return field;
}

Result<Json> DocField::Get(const Json& document) const {
    if (is_column_) return document.at(spec_.get_ref<const std::string&>());
    if (!template_) return spec_;
    auto text = template_->RenderNames(document);
    if (!text) return std::unexpected(WithContext(std::move(text).error(), key_));
    return Json(*std::move(text));
}

Result<Json> DocField::Text(const Json& document, bool has_choices) const {
    LATHE_TRY(Json value, Get(document));
    if (!is_column_ && has_choices)
        if (auto number = AsDigits(value)) return Json(*number);
    if (!value.is_string() && !value.is_number_integer())
        return InvalidParam(key_, "{}: the value must be a text, not {}", key_, DumpJson(value));
    return value;
}

Result<Json> DocField::Target(const Json& document, bool has_choices) const {
    LATHE_TRY(Json value, Get(document));
    if (is_column_ || !value.is_string()) return value;
    if (has_choices)
        if (auto number = AsDigits(value)) return Json(*number);
    const auto& text = value.get_ref<const std::string&>();
    if (text.size() >= 2 && text.front() == '[' && text.back() == ']')
        if (auto literal = ParsePythonLiteral(text)) return *std::move(literal);
    return value;
}

Result<std::vector<std::string>> DocField::Choices(const Json& document) const {
    LATHE_TRY(Json value, Get(document));
    if (template_) {
        auto literal = ParsePythonLiteral(value.get_ref<const std::string&>());
        if (!literal)
            return InvalidParam(key_,
                                "{}: the template must give a Python list of texts, and gave "
                                "{}",
                                key_, DumpJson(value));
        value = *std::move(literal);
    }
    std::vector<std::string> choices;
    if (value.is_object() || value.is_array())
        for (const Json& choice : value)
            choices.push_back(choice.is_string() ? choice.get<std::string>() : PythonStr(choice));
    if (choices.empty())
        return InvalidParam(key_, "{}: there must be at least one choice, not {}", key_,
                            DumpJson(value));
    for (const std::string& choice : choices)
        if (choice.empty()) return InvalidParam(key_, "{}: a choice is empty", key_);
    return choices;
}

}  // namespace lathe::eval
