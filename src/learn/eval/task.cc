#include "learn/eval/task.h"

#include <algorithm>

#include "learn/eval/fewshot.h"
#include "learn/eval/image_part.h"
#include "learn/eval/python_literal.h"

namespace lathe::eval {
namespace {

Result<std::string> TextOf(const DocField& field, const Json& document) {
    if (!field.given()) return std::string();
    LATHE_TRY(Json value, field.Get(document));
    return value.is_null() ? std::string() : PythonStr(value);
}

std::optional<std::string> EvaluatedSplit(const TaskConfig& config) {
    return config.test_split ? config.test_split : config.validation_split;
}

Json Optional(const std::optional<std::string>& text) {
    return text ? Json(*text) : Json(nullptr);
}

}  // namespace

Result<Task> Task::Load(TaskConfig config, const TaskOptions& options) {
    Task task;
    std::string context = "task " + config.name;
    task.config_ = std::move(config);
    task.options_ = options;
    task.num_fewshot_ = task.config_.num_fewshot.value_or(0);
    if (options.num_fewshot && task.config_.num_fewshot != 0)
        task.num_fewshot_ = *options.num_fewshot;
    for (auto step :
         {&Task::LoadDocuments, &Task::LoadFewshot, &Task::MakeFields, &Task::LookAtFirst})
        if (auto done = (task.*step)(); !done)
            return std::unexpected(WithContext(std::move(done).error(), context));
    return task;
}

Result<Documents> Task::ReadSplit(const std::string& name) const {
    return ReadDocuments(config_.data_files.at(name), config_.data);
}

Status Task::LoadDocuments() {
    LATHE_TRY(documents_, ReadSplit(*EvaluatedSplit(config_)));
    if (documents_.rows.empty())
        return InvalidParam("data_files", "the split {} has no documents",
                            *EvaluatedSplit(config_));
    count_ = documents_.rows.size();
    if (options_.limit) count_ = std::min(count_, *options_.limit);
    return {};
}

// The split that is named, or the documents written in the task, or those to train,
// validate or evaluate with, whichever is there first.
Status Task::LoadFewshot() {
    if (num_fewshot_ == 0) return {};
    const FewshotConfig& fewshot = config_.fewshot;
    if (!fewshot.split && fewshot.samples) {
        examples_ = *fewshot.samples;
    } else {
        std::string split = fewshot.split              ? *fewshot.split
                            : config_.training_split   ? *config_.training_split
                            : config_.validation_split ? *config_.validation_split
                                                       : *config_.test_split;
        LATHE_TRY(Documents documents, ReadSplit(split));
        examples_ = std::move(documents.rows);
    }
    if (!fewshot.indices) return {};
    std::vector<Json> chosen;
    for (int64_t index : *fewshot.indices) {
        if (static_cast<size_t>(index) >= examples_.size())
            return InvalidParam("fewshot_indices",
                                "there is no document {}: the few-shot split "
                                "has {}",
                                index, examples_.size());
        chosen.push_back(examples_[static_cast<size_t>(index)]);
    }
    examples_ = std::move(chosen);
    return {};
}

Status Task::MakeFields() {
    const std::vector<std::string>& columns = documents_.columns;
    const FewshotConfig& fewshot = config_.fewshot;
    struct Part {
        DocField* field;
        Json spec;
        const char* key;
    };
    const Part parts[] = {
        {&fields_.text, config_.doc_to_text, "doc_to_text"},
        {&fields_.target, config_.doc_to_target, "doc_to_target"},
        {&fields_.choices, config_.doc_to_choice, "doc_to_choice"},
        {&fields_.description, config_.description, "description"},
        {&fields_.prefix, Optional(config_.gen_prefix), "gen_prefix"},
        {&example_fields_.text, fewshot.doc_to_text, "fewshot doc_to_text"},
        {&example_fields_.target, fewshot.doc_to_target, "fewshot doc_to_target"},
        {&example_fields_.choices, fewshot.doc_to_choice, "fewshot doc_to_choice"},
        {&example_fields_.prefix, Optional(fewshot.gen_prefix), "fewshot gen_prefix"},
    };
    for (const Part& part : parts) {
        LATHE_TRY(*part.field, DocField::Create(part.spec, columns, part.key));
    }
    return {};
}

// What the first document says about all.
Status Task::LookAtFirst() {
    auto look = [&]() -> Status {
        const Json& first = documents_.rows[0];
        if (config_.output_type != OutputType::kLoglikelihoodRolling) {
            LATHE_TRY(Json text, fields_.text.Text(first, has_choices()));
            multiple_inputs_ = text.is_number() && has_choices();
        }
        LATHE_TRY(Json target, fields_.target.Target(first, has_choices()));
        multiple_targets_ = target.is_array();
        if (has_choices()) LATHE_RETURN_IF_ERROR(fields_.choices.Choices(first));
        return {};
    };
    if (auto looked = look(); !looked)
        return std::unexpected(WithContext(std::move(looked).error(), "document 0"));
    return {};
}

Result<Json> Task::Target(const Json& document) const {
    return fields_.target.Target(document, has_choices());
}

Result<std::vector<std::string>> Task::Choices(const Json& document) const {
    return fields_.choices.Choices(document);
}

Result<Json> Task::ChosenInput(const Json& document) const {
    return fields_.text.Text(document, has_choices());
}

bool Task::asks_unconditionally() const {
    return std::ranges::count(config_.metrics, "acc_mutual_info", &MetricConfig::name) > 0;
}

Result<std::vector<Question>> Task::MakeQuestions() const {
    FewshotSource fewshot(examples_,
                          {.sampler = config_.fewshot.sampler, .seed = options_.fewshot_seed});
    std::vector<Question> questions;
    for (size_t i = 0; i < count_; ++i) {
        auto question = MakeQuestion(i, fewshot);
        if (!question)
            return std::unexpected(WithContext(
                std::move(question).error(), fmt::format("task {}, document {}", config_.name, i)));
        questions.push_back(*std::move(question));
    }
    return questions;
}

Result<Question> Task::MakeQuestion(size_t index, FewshotSource& fewshot) const {
    const Json& document = documents_.rows[index];
    Question question{.document = index,
                      .requests = {},
                      .repeats = config_.repeats,
                      .generation = &config_.generation,
                      .seed = options_.fewshot_seed + index};
    if (config_.output_type == OutputType::kLoglikelihoodRolling) {
        LATHE_TRY(Json text, Target(document));
        question.requests.push_back({ModelRequest::Kind::kRolling, PythonStr(text), ""});
        return question;
    }
    LATHE_TRY(std::vector<std::string> contexts, Contexts(document, fewshot));
    switch (config_.output_type) {
        case OutputType::kMultipleChoice:
            LATHE_RETURN_IF_ERROR(AddChoices(document, contexts, question));
            break;
        case OutputType::kLoglikelihood: {
            LATHE_TRY(Json target, Target(document));
            question.requests.push_back(
                {ModelRequest::Kind::kLoglikelihood, contexts[0], PythonStr(target)});
            break;
        }
        default:
            question.requests.push_back({ModelRequest::Kind::kGenerate, contexts[0], ""});
            LATHE_TRY(question.requests[0].images, Images(document));
    }
    return question;
}

// A column has a reference or a list of them.
Result<std::vector<std::string>> Task::Images(const Json& document) const {
    std::vector<std::string> images;
    for (const std::string& column : config_.doc_to_image) {
        if (!document.contains(column))
            return InvalidParam("doc_to_image", "there is no column {}", column);
        const Json& value = document[column];
        for (const Json& one : value.is_array() ? value : Json::array({value})) {
            if (!one.is_string())
                return InvalidParam("doc_to_image", "the column {} must be a text or a list",
                                    column);
            LATHE_TRY(std::string url, ImageUrl(one.get<std::string>(), config_.folder));
            images.push_back(std::move(url));
        }
    }
    return images;
}

// System prompt, description and examples.
Result<std::vector<Message>> Task::Preamble(const Json& document, FewshotSource& fewshot) const {
    std::vector<Message> messages;
    LATHE_TRY(std::string description, TextOf(fields_.description, document));
    std::string system =
        Delimited(options_.system_instruction, description, config_.fewshot_delimiter);
    if (!system.empty()) messages.push_back({"system", std::move(system), ""});
    if (num_fewshot_ == 0) return messages;
    if (!config_.doc_to_image.empty())
        return InvalidParam("num_fewshot", "tasks with doc_to_image take no examples: set it to 0");
    bool same_split = config_.fewshot.split == config_.test_split;
    LATHE_TRY(std::vector<const Json*> examples,
              fewshot.Draw(static_cast<size_t>(num_fewshot_), same_split ? &document : nullptr));
    for (const Json* example : examples)
        if (auto added = AddExample(*example, messages); !added)
            return std::unexpected(WithContext(std::move(added).error(), "few-shot example"));
    return messages;
}

Status Task::AddExample(const Json& example, std::vector<Message>& messages) const {
    const FewshotConfig& fewshot = config_.fewshot;
    bool has_choices = example_fields_.choices.given();
    std::vector<std::string> choices;
    if (has_choices) {
        LATHE_TRY(choices, example_fields_.choices.Choices(example));
    }
    auto chosen = [&](const Json& value) -> Result<std::string> {
        if (!value.is_number_integer()) return PythonStr(value);
        auto index = value.get<int64_t>();
        if (index < 0 || static_cast<size_t>(index) >= choices.size())
            return InvalidParam("doc_to_target", "choice {} of {}", index, choices.size());
        return choices[static_cast<size_t>(index)];
    };
    LATHE_TRY(Json text, example_fields_.text.Text(example, has_choices));
    LATHE_TRY(Json target, example_fields_.target.Target(example, has_choices));
    if (target.is_array() && !target.empty()) target = Json(target[0]);
    Turn turn{.question = {},
              .answer = {},
              .prefix = {},
              .target_delimiter = fewshot.target_delimiter,
              .fewshot_delimiter = fewshot.fewshot_delimiter};
    if (multiple_inputs_) {
        LATHE_TRY(turn.question, chosen(text));
        turn.answer = PythonStr(target);
    } else {
        turn.question = PythonStr(text);
        LATHE_TRY(turn.answer, has_choices ? chosen(target) : PythonStr(target));
    }
    LATHE_TRY(turn.prefix, TextOf(example_fields_.prefix, example));
    AddTurn(turn, messages);
    return {};
}

// The prompt; one for each choice if those are in the question.
Result<std::vector<std::string>> Task::Contexts(const Json& document,
                                                FewshotSource& fewshot) const {
    LATHE_TRY(std::vector<Message> preamble, Preamble(document, fewshot));
    LATHE_TRY(std::string prefix, TextOf(fields_.prefix, document));
    std::vector<std::string> questions;
    if (multiple_inputs_) {
        LATHE_TRY(questions, Choices(document));
    } else {
        LATHE_TRY(Json text, fields_.text.Text(document, has_choices()));
        questions.push_back(PythonStr(text));
    }
    std::vector<std::string> contexts;
    for (std::string& question : questions) {
        std::vector<Message> messages = preamble;
        AddTurn({.question = std::move(question),
                 .answer = {},
                 .prefix = prefix,
                 .target_delimiter = multiple_inputs_ ? "" : config_.target_delimiter,
                 .fewshot_delimiter = {}},
                messages);
        if (!options_.render_chat) {
            contexts.push_back(PlainText(messages));
            continue;
        }
        LATHE_TRY(std::string text, ChatText(std::move(messages),
                                             {.multiturn = options_.fewshot_as_multiturn,
                                              .has_prefix = !prefix.empty()},
                                             options_.render_chat));
        contexts.push_back(std::move(text));
    }
    return contexts;
}

Status Task::AddChoices(const Json& document, const std::vector<std::string>& contexts,
                        Question& question) const {
    using enum ModelRequest::Kind;
    LATHE_TRY(std::vector<std::string> choices, Choices(document));
    std::string delimiter = config_.target_delimiter;
    if (options_.render_chat && (!config_.gen_prefix || EndsWithSpace(*config_.gen_prefix)))
        delimiter = "";
    if (multiple_inputs_) {
        LATHE_TRY(Json target, Target(document));
        for (const std::string& context : contexts)
            question.requests.push_back({kLoglikelihood, context, delimiter + PythonStr(target)});
    } else {
        for (const std::string& choice : choices)
            question.requests.push_back({kLoglikelihood, contexts[0], delimiter + choice});
    }
    if (asks_unconditionally())
        for (const std::string& choice : choices)
            question.requests.push_back({kLoglikelihood, "", delimiter + choice});
    return {};
}

}  // namespace lathe::eval
