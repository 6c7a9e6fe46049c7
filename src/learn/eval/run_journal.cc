#include "learn/eval/run_journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "core/platform/files.h"
#include "learn/eval/hash.h"

namespace lathe::eval {
namespace {

constexpr const char* kFileName = "journal.jsonl";
constexpr int kFormat = 1;
constexpr size_t kCheckDigits = 16;

std::string CheckOf(std::string_view line) {
    return HashText(line).substr(0, kCheckDigits);
}

Json AsJson(const ModelAnswer& answer) {
    return Json::array({answer.loglikelihood, answer.is_greedy, answer.text});
}

std::optional<ModelAnswer> AnswerFrom(const Json& json) {
    if (!json.is_array() || json.size() != 3 || !json[0].is_number() || !json[1].is_boolean() ||
        !json[2].is_string())
        return std::nullopt;
    return ModelAnswer{json[0].get<double>(), json[1].get<bool>(), json[2].get<std::string>()};
}

// Everything that decides the answers.
std::string HashOf(const Question& question) {
    Json asked = Json::array({question.repeats});
    bool generates = false;
    for (const ModelRequest& request : question.requests) {
        generates |= request.kind == ModelRequest::Kind::kGenerate;
        asked.push_back(
            Json::array({static_cast<int>(request.kind), request.context, request.continuation}));
        if (!request.images.empty()) asked.push_back(request.images);
    }
    if (generates) {
        const GenerationConfig& config = *question.generation;
        asked.push_back(Json::array({config.until, config.tokens_max, config.temperature,
                                     config.top_p, config.top_k, question.seed}));
    }
    return HashText(DumpJson(asked)).substr(0, 32);
}

// The line of the form that the class comment shows; nothing if it is not whole.
std::optional<Json> Unwrap(std::string_view text) {
    auto json = ParseJson(text);
    if (!json || !json->is_object() || !json->contains("check") || !json->contains("line") ||
        !(*json)["check"].is_string() || !(*json)["line"].is_object())
        return std::nullopt;
    if ((*json)["check"].get<std::string>() != CheckOf(DumpJson((*json)["line"])))
        return std::nullopt;
    return (*json)["line"];
}

// The first key whose value differs.
std::string Difference(const Json& a, const Json& b) {
    for (const auto& [key, value] : a.items())
        if (!b.contains(key) || b[key] != value)
            return fmt::format("{} is {} there and {} now", key, DumpJson(value),
                               b.contains(key) ? DumpJson(b[key]) : "missing");
    return "it lacks keys";
}

}  // namespace

RunJournal::RunJournal(std::filesystem::path path, int descriptor)
    : path_(std::move(path)), descriptor_(descriptor) {}

RunJournal::~RunJournal() {
    (void)Sync();
    ::close(descriptor_);
}

Result<std::unique_ptr<RunJournal>> RunJournal::Open(const std::filesystem::path& folder,
                                                     const Json& subject) {
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    std::filesystem::path path = folder / kFileName;
    int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (descriptor < 0) return std::unexpected(platform::ErrnoError(errno, "cannot open", path));
    auto journal = std::unique_ptr<RunJournal>(new RunJournal(path, descriptor));
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0)
        return MakeError(Code::kFailedPrecondition,
                         "another run is writing to {}; wait for it or choose another --output",
                         folder.string());
    LATHE_RETURN_IF_ERROR(journal->Read(subject));
    return journal;
}

Status RunJournal::Read(const Json& subject) {
    LATHE_TRY(std::string text, platform::ReadFile(path_, uint64_t{16} << 30));
    size_t whole = 0;  // bytes of good lines
    size_t number = 0;
    while (whole < text.size()) {
        size_t end = text.find('\n', whole);
        std::optional<Json> line;
        if (end != std::string::npos)
            line = Unwrap(std::string_view(text).substr(whole, end - whole));
        if (!line) {
            if (end != std::string::npos && end + 1 < text.size())
                return MakeError(Code::kDataLoss,
                                 "{}: line {} is broken and others follow it; choose another "
                                 "--output, or remove the file to ask everything again",
                                 path_.string(), number + 1);
            break;
        }
        if (number++ == 0) {
            if (line->value("lathe_eval_journal", 0) != kFormat || !line->contains("subject"))
                return MakeError(Code::kDataLoss, "{} is not the journal of an evaluation",
                                 path_.string());
            if ((*line)["subject"] != subject)
                return MakeError(Code::kFailedPrecondition,
                                 "{} holds another run: {}; choose another --output or remove the "
                                 "folder",
                                 path_.parent_path().string(),
                                 Difference((*line)["subject"], subject));
        } else {
            LATHE_RETURN_IF_ERROR(ReadLine(*line));
        }
        whole = end + 1;
    }
    if (whole < text.size() && ::ftruncate(descriptor_, static_cast<off_t>(whole)) != 0)
        return std::unexpected(platform::ErrnoError(errno, "cannot mend", path_));
    found_ = entries_.size();
    if (whole > 0) return {};
    return Write(Json{{"lathe_eval_journal", kFormat}, {"subject", subject}});
}

Status RunJournal::ReadLine(const Json& line) {
    auto wrong = [&] {
        return MakeError(Code::kDataLoss, "{}: a line is not one of an evaluation's journal",
                         path_.string());
    };
    if (!line.contains("task") || !line["task"].is_string() || !line.contains("document") ||
        !line["document"].is_number_unsigned() || !line.contains("asked") ||
        !line["asked"].is_string() || !line.contains("answers") || !line["answers"].is_array())
        return wrong();
    Entry entry{line["asked"].get<std::string>(), {}};
    for (const Json& json : line["answers"]) {
        auto answer = AnswerFrom(json);
        if (!answer) return wrong();
        entry.answers.push_back(*std::move(answer));
    }
    entries_[{line["task"].get<std::string>(), line["document"].get<size_t>()}] = std::move(entry);
    return {};
}

const std::vector<ModelAnswer>* RunJournal::Find(const std::string& task,
                                                 const Question& question) const {
    auto found = entries_.find({task, question.document});
    bool same = found != entries_.end() && found->second.asked == HashOf(question);
    return same ? &found->second.answers : nullptr;
}

Status RunJournal::Append(const std::string& task, const Question& question,
                          std::vector<ModelAnswer> answers) {
    Entry entry{HashOf(question), std::move(answers)};
    Json line{{"task", task}, {"document", question.document}, {"asked", entry.asked}};
    line["answers"] = Json::array();
    for (const ModelAnswer& answer : entry.answers) line["answers"].push_back(AsJson(answer));
    LATHE_RETURN_IF_ERROR(Write(line));
    entries_[{task, question.document}] = std::move(entry);
    return {};
}

Status RunJournal::Write(const Json& line) {
    std::string text = DumpJson(line);
    std::string whole = DumpJson(Json{{"check", CheckOf(text)}, {"line", line}}) + "\n";
    std::string_view rest = whole;
    while (!rest.empty()) {
        ssize_t written = ::write(descriptor_, rest.data(), rest.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return std::unexpected(platform::ErrnoError(errno, "cannot write", path_));
        rest.remove_prefix(static_cast<size_t>(written));
    }
    return ++unsynced_ < kUnsyncedMax ? Status() : Sync();
}

Status RunJournal::Sync() {
    if (unsynced_ == 0) return {};
    if (::fdatasync(descriptor_) != 0)
        return std::unexpected(platform::ErrnoError(errno, "cannot sync", path_));
    unsynced_ = 0;
    return {};
}

}  // namespace lathe::eval
