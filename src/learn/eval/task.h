#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/json/json.h"
#include "learn/eval/data_file.h"
#include "learn/eval/doc_field.h"
#include "learn/eval/prompt.h"
#include "learn/eval/question.h"
#include "learn/eval/task_config.h"

namespace lathe::eval {

class FewshotSource;

// What the user of a task sets, the same for all tasks of a run.
struct TaskOptions {
    std::optional<int64_t> num_fewshot{};  // instead of the task's own, unless that is 0
    uint64_t fewshot_seed = 1234;
    ChatRenderer render_chat{};  // empty: prompts are plain text
    bool fewshot_as_multiturn = true;
    std::string system_instruction{};
    std::optional<size_t> limit{};  // only so many documents
};

// A task with its documents: makes the questions.
//
// The prompt is put together as lm-evaluation-harness 0.4.13 does it (system prompt and
// description, examples with target_delimiter and fewshot_delimiter between, question,
// gen_prefix), and few-shot examples are drawn as there, so that equal seeds give equal
// prompts.
//
// Const-safe.
class Task {
public:
    // Reads the data files. Errors name the task, and the file and line or the key.
    static Result<Task> Load(TaskConfig config, const TaskOptions& options);

    const TaskConfig& config() const { return config_; }
    int64_t num_fewshot() const { return num_fewshot_; }
    size_t document_count() const { return count_; }  // with the limit
    size_t original_count() const { return documents_.rows.size(); }
    const Json& document(size_t index) const { return documents_.rows[index]; }

    // One per document, in order. Errors name the document's number and what failed.
    // The questions borrow the task.
    Result<std::vector<Question>> MakeQuestions() const;

    // What doc_to_target and doc_to_choice say.
    Result<Json> Target(const Json& document) const;
    Result<std::vector<std::string>> Choices(const Json& document) const;
    bool has_choices() const { return fields_.choices.given(); }
    // Choices that are put into the question instead of the answer: doc_to_text gives a
    // number, that of the right one.
    bool multiple_inputs() const { return multiple_inputs_; }
    Result<Json> ChosenInput(const Json& document) const;
    // doc_to_target gives a list: any of it is right.
    bool multiple_targets() const { return multiple_targets_; }
    // The answers without their question are asked for too, after the others.
    bool asks_unconditionally() const;

private:
    struct Fields {
        DocField text;
        DocField target;
        DocField choices;
        DocField description;
        DocField prefix;
    };

    Task() = default;

    Status LoadDocuments();
    Status LoadFewshot();
    Status MakeFields();
    Status LookAtFirst();
    Result<Documents> ReadSplit(const std::string& name) const;

    Result<Question> MakeQuestion(size_t index, FewshotSource& fewshot) const;
    Result<std::vector<Message>> Preamble(const Json& document, FewshotSource& fewshot) const;
    Result<std::vector<std::string>> Images(const Json& document) const;
    Status AddExample(const Json& example, std::vector<Message>& messages) const;
    Result<std::vector<std::string>> Contexts(const Json& document, FewshotSource& fewshot) const;
    Status AddChoices(const Json& document, const std::vector<std::string>& contexts,
                      Question& question) const;

    TaskConfig config_;
    TaskOptions options_;
    Documents documents_;
    size_t count_ = 0;
    int64_t num_fewshot_ = 0;
    std::vector<Json> examples_;  // to draw from
    Fields fields_;
    Fields example_fields_;
    bool multiple_inputs_ = false;
    bool multiple_targets_ = false;
};

}  // namespace lathe::eval
