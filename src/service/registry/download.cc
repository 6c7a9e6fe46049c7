#include "service/registry/download.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "core/net/url.h"
#include "core/platform/files.h"
#include "service/registry/part_file.h"

namespace lathe::registry {
namespace {

using net::ResponseHead;
using telemetry::FormatCount;

constexpr std::chrono::milliseconds kRetryDelayMax{30'000};
constexpr size_t kCopyBufferBytes = 1u << 20;

std::optional<uint64_t> ParseNumber(std::string_view text) {
    uint64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || text.empty())
        return std::nullopt;
    return value;
}

// "bytes 10-99/100"
struct ContentRange {
    uint64_t first = 0;
    std::optional<uint64_t> total;  // empty for '*'
};

std::optional<ContentRange> ParseContentRange(std::string_view text) {
    if (!text.starts_with("bytes ")) return std::nullopt;
    text.remove_prefix(6);
    size_t dash = text.find('-'), slash = text.find('/');
    if (dash == text.npos || slash == text.npos || dash > slash) return std::nullopt;
    auto first = ParseNumber(text.substr(0, dash));
    if (!first) return std::nullopt;
    return ContentRange{*first, ParseNumber(text.substr(slash + 1))};
}

std::string Unquoted(std::string_view etag) {
    if (etag.starts_with("W/")) etag.remove_prefix(2);
    if (etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"'))
        etag = etag.substr(1, etag.size() - 2);
    return std::string(etag);
}

// What If-Range may hold: a strong ETag, else the time of change.
std::string ValidatorOf(const ResponseHead& head) {
    std::string_view etag = head.Get("etag");
    if (etag.starts_with('"')) return std::string(etag);
    return std::string(head.Get("last-modified"));
}

// Hugging Face says on its redirect what the file behind it is.
void ReadLinkedFacts(const ResponseHead& head, PartOrigin& origin) {
    for (const ResponseHead& hop : head.redirects) {
        std::string sha256 = Unquoted(hop.Get("x-linked-etag"));
        if (IsSha256(sha256)) origin.sha256 = sha256;
        if (auto bytes = ParseNumber(hop.Get("x-linked-size"))) origin.bytes = *bytes;
    }
}

Error StatusError(const ResponseHead& head) {
    auto url = net::Url::Parse(head.url);
    std::string what = url ? url->ForMessages() : head.url;
    switch (head.status) {
        case 401:
        case 403:
            return Error{
                Code::kPermissionDenied,
                fmt::format("{} is refused ({}): it may be private or ask for agreement to "
                            "its terms; for Hugging Face set HF_TOKEN",
                            what, head.status),
                ""};
        case 404:
        case 410:
            return Error{Code::kNotFound, fmt::format("{} is not there ({})", what, head.status),
                         ""};
        default:
            break;
    }
    bool later = head.status == 408 || head.status == 429 || head.status >= 500;
    return Error{later ? Code::kUnavailable : Code::kInternal,
                 fmt::format("{} answered with status {}", what, head.status), ""};
}

bool IsTransient(Code code) {
    return code == Code::kUnavailable || code == Code::kDeadlineExceeded ||
           code == Code::kDataLoss || code == Code::kAborted;
}

// Receives one response into the part.
class PartSink : public net::FetchSink {
public:
    // `progress` begins with the first answer.
    PartSink(PartFile& part, const DownloadRequest& request,
             std::optional<telemetry::Progress>& progress, telemetry::ProgressDisplay& display)
        : part_(part), request_(request), progress_(progress), display_(display) {}

    Status OnHead(const ResponseHead& head) override {
        if (auto seconds = ParseNumber(head.Get("retry-after")))
            retry_after = std::chrono::seconds(std::min<uint64_t>(*seconds, 60));
        PartOrigin origin{.url = OriginUrl(),
                          .validator = ValidatorOf(head),
                          .bytes = 0,
                          .sha256 = request_.sha256};
        std::optional<uint64_t> total;
        if (head.status == 416) {
            LATHE_RETURN_IF_ERROR(StartOver());
            return MakeError(Code::kAborted, "the part at hand is not of this file");
        } else if (head.status == 206) {
            auto range = ParseContentRange(head.Get("content-range"));
            if (!range || range->first != part_.bytes()) {
                LATHE_RETURN_IF_ERROR(StartOver());
                return MakeError(Code::kAborted, "the server sent another part than asked for");
            }
            total = range->total;
        } else if (head.status == 200) {
            if (part_.bytes() > 0) {
                display_.Say(fmt::format("{}: the server does not go on from {}; starting over",
                                         request_.target.filename().string(),
                                         FormatCount(double(part_.bytes()), "B")));
                LATHE_RETURN_IF_ERROR(StartOver());
            }
            total = head.content_length;
        } else {
            return std::unexpected(StatusError(head));
        }
        if (std::string_view coding = head.Get("content-encoding");
            !coding.empty() && coding != "identity")
            return MakeError(Code::kInternal, "the server sent the file encoded as {}", coding);
        ReadLinkedFacts(head, origin);
        if (!request_.sha256.empty()) origin.sha256 = request_.sha256;
        if (total) origin.bytes = *total;
        return Begin(origin);
    }

    Status OnBody(std::span<const char> bytes) override {
        uint64_t total = part_.origin().bytes;
        if (total > 0 && bytes.size() > total - std::min(total, part_.bytes()))
            return MakeError(Code::kInternal, "more than the stated {} bytes arrive", total);
        if (part_.bytes() == 0 && bytes.size() >= 4 && LooksWrong(bytes))
            return MakeError(Code::kInternal,
                             "what arrives is no GGUF file (perhaps a page for a browser)");
        LATHE_RETURN_IF_ERROR(part_.Append(bytes));
        progress_->Set(part_.bytes());
        return {};
    }

    std::chrono::milliseconds retry_after{0};

private:
    Status StartOver() {
        if (progress_) progress_->Restart(0);
        return part_.Restart();
    }

    std::string OriginUrl() const {
        auto url = net::Url::Parse(request_.url);
        return url ? url->ForMessages() : request_.url;
    }

    bool LooksWrong(std::span<const char> bytes) const {
        return request_.target.extension() == ".gguf" &&
               std::string_view(bytes.data(), 4) != "GGUF";
    }

    Status Begin(PartOrigin& origin) {
        if (request_.bytes > 0 && origin.bytes > 0 && origin.bytes != request_.bytes)
            return MakeError(Code::kFailedPrecondition,
                             "the server has another file: {} bytes instead of {}", origin.bytes,
                             request_.bytes);
        if (origin.bytes == 0) origin.bytes = request_.bytes;
        LATHE_RETURN_IF_ERROR(part_.SetOrigin(origin));
        if (origin.bytes > part_.bytes())
            LATHE_RETURN_IF_ERROR(part_.CheckSpace(origin.bytes - part_.bytes()));
        if (!progress_)
            progress_.emplace(
                display_, telemetry::ProgressOptions{.label = request_.target.filename().string(),
                                                     .total = origin.bytes,
                                                     .start = part_.bytes()});
        progress_->SetTotal(origin.bytes);
        return {};
    }

    PartFile& part_;
    const DownloadRequest& request_;
    std::optional<telemetry::Progress>& progress_;
    telemetry::ProgressDisplay& display_;
};

// True if the bytes at hand may be the beginning of what the request asks for.
bool MayGoOn(const PartFile& part, const DownloadRequest& request) {
    if (part.bytes() == 0) return false;
    const PartOrigin& origin = part.origin();
    if (request.bytes > 0 && part.bytes() > request.bytes) return false;
    if (!request.sha256.empty())  // then the checksum decides in the end
        return origin.sha256.empty() || origin.sha256 == request.sha256;
    auto url = net::Url::Parse(request.url);
    return url && origin.url == url->ForMessages() && !origin.validator.empty();
}

net::ClientRequest RequestFor(const PartFile& part, const DownloadRequest& request) {
    net::ClientRequest out{.url = request.url, .headers = request.headers};
    if (part.bytes() == 0) return out;
    out.headers.push_back({"Range", fmt::format("bytes={}-", part.bytes())});
    auto url = net::Url::Parse(request.url);
    bool same_place = url && part.origin().url == url->ForMessages();
    if (same_place && !part.origin().validator.empty())
        out.headers.push_back({"If-Range", part.origin().validator});
    return out;
}

// True once all bytes that are known to exist are here.
bool IsWhole(const PartFile& part) {
    return part.origin().bytes > 0 && part.bytes() == part.origin().bytes;
}

class Attempts {
public:
    Attempts(PartFile& part, const DownloadRequest& request, const TransferContext& context)
        : part_(part), request_(request), context_(context) {}

    // Until all bytes are here or there is no hope.
    Status Run() {
        std::optional<telemetry::Progress> progress;
        int failures = 0;
        for (;;) {
            if (!MayGoOn(part_, request_)) {
                LATHE_RETURN_IF_ERROR(part_.Restart());
                if (progress) progress->Restart(0);
            }
            uint64_t before = part_.bytes();
            PartSink sink(part_, request_, progress, context_.display);
            auto head =
                net::Fetch(context_.client, RequestFor(part_, request_), sink, context_.stop);
            if (head && part_.origin().bytes > 0 && !IsWhole(part_))
                head = MakeError(Code::kDataLoss, "the answer ended after {} of {} bytes",
                                 part_.bytes(), part_.origin().bytes);
            if (head) {
                progress->Finish();
                return {};
            }
            if (part_.bytes() > before) failures = 0;
            arrived_ = arrived_ || part_.bytes() > before;
            // A server that never answered is not worth long patience: others may be.
            int failures_max = arrived_ ? context_.retries_max : std::min(1, context_.retries_max);
            if (!IsTransient(head.error().code) || failures++ >= failures_max)
                return std::unexpected(std::move(head).error());
            auto delay = std::max(sink.retry_after, Delay(failures));
            context_.display.Say(fmt::format(
                "{}: {}; trying again", request_.target.filename().string(), head.error().message));
            SleepFor(delay, context_.stop);
        }
    }

private:
    std::chrono::milliseconds Delay(int failures) const {
        auto delay = context_.retry_delay;
        for (int i = 1; i < failures && delay < kRetryDelayMax; ++i) delay *= 2;
        return std::min(delay, kRetryDelayMax);
    }

    PartFile& part_;
    const DownloadRequest& request_;
    const TransferContext& context_;
    bool arrived_ = false;
};

}  // namespace

Result<FileFacts> AcceptPart(PartFile& part, std::string_view expected_sha256) {
    FileFacts facts{part.bytes(), part.FinishHash()};
    if (!expected_sha256.empty() && facts.sha256 != expected_sha256) {
        part.Discard();
        return MakeError(Code::kDataLoss, "{} arrived damaged: its SHA-256 is {}, not {}",
                         part.target().filename().string(), facts.sha256, expected_sha256);
    }
    LATHE_RETURN_IF_ERROR(part.Commit());
    StampSha256(part.target(), facts.sha256);
    return facts;
}

void SleepFor(std::chrono::milliseconds time, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any changed;
    std::unique_lock lock(mutex);
    changed.wait_for(lock, stop, time, [] { return false; });
}

Result<FileFacts> Download(const DownloadRequest& request, const TransferContext& context) {
    for (bool first = true;; first = false) {
        LATHE_TRY(PartFile part, PartFile::Open(request.target, context.stop));
        if (!MayGoOn(part, request)) LATHE_RETURN_IF_ERROR(part.Restart());
        bool resumed = part.bytes() > 0;
        if (request.bytes == 0 || part.bytes() != request.bytes)
            LATHE_RETURN_IF_ERROR(Attempts(part, request, context).Run());
        auto facts =
            AcceptPart(part, request.sha256.empty() ? part.origin().sha256 : request.sha256);
        if (facts || !first || !resumed || facts.error().code != Code::kDataLoss) return facts;
        // The old part may have been the damaged half: once more from the beginning.
        context.display.Say(facts.error().message + "; starting over");
    }
}

Result<FileFacts> CopyIn(const std::filesystem::path& from, const DownloadRequest& request,
                         const TransferContext& context) {
    int source = ::open(from.c_str(), O_RDONLY | O_CLOEXEC);
    if (source < 0) return std::unexpected(platform::ErrnoError(errno, "cannot open", from));
    struct Closer {
        int descriptor;
        ~Closer() { ::close(descriptor); }
    } closer{source};
    std::error_code error;
    uint64_t total = std::filesystem::file_size(from, error);
    if (error) return std::unexpected(platform::ErrnoError(error.value(), "cannot read", from));
    if (request.bytes > 0 && total != request.bytes)
        return MakeError(Code::kFailedPrecondition, "{} has {} bytes instead of {}", from.string(),
                         total, request.bytes);

    LATHE_TRY(PartFile part, PartFile::Open(request.target, context.stop));
    LATHE_RETURN_IF_ERROR(part.Restart());
    LATHE_RETURN_IF_ERROR(part.SetOrigin({from.string(), "", total, request.sha256}));
    LATHE_RETURN_IF_ERROR(part.CheckSpace(total));
    telemetry::Progress progress(context.display,
                                 {.label = request.target.filename().string(), .total = total});
    std::vector<char> buffer(kCopyBufferBytes);
    for (;;) {
        if (context.stop.stop_requested()) return MakeError(Code::kCancelled, "stopped");
        ssize_t count = ::read(source, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return std::unexpected(platform::ErrnoError(errno, "cannot read", from));
        if (count == 0) break;
        LATHE_RETURN_IF_ERROR(part.Append({buffer.data(), static_cast<size_t>(count)}));
        progress.Set(part.bytes());
    }
    progress.Finish();
    return AcceptPart(part, request.sha256);
}

}  // namespace lathe::registry
