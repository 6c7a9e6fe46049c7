// The routes of runs, on a server.
#include "edge/api/api_fixture.h"
#include "support/scratch.h"

namespace lathe::api {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing_support::ScratchDirectory;

constexpr const char* kSample =
    R"({"doc_id": 0, "target": "4", "arguments": {"gen_args_0": {"arg_0": "2 + 2?"}},)"
    R"( "resps": [["4"]], "filtered_resps": ["4"], "filter": "none",)"
    R"( "metrics": ["exact_match"], "exact_match": 1.0})";

class RunApi : public ::testing::Test {
protected:
    RunApi() {
        folder_.Write("runs/first/results.json",
                      R"({"results": {"sums": {"exact_match,none": 1.0}}, "configs": {"sums": {}},
                          "subject": {"model": "m"}})");
        folder_.Write("runs/first/samples_sums.jsonl", std::string(kSample) + "\n");
        folder_.Write("runs/second/results.json", R"({"results": {}})");
        folder_.Write("runs/report/report.json", R"({"model": "m", "candidates": []})");
        folder_.Write("runs/report/report.html", "<script>alert(1)</script>");
        folder_.Write("secret/results.json", R"({"results": {}})");
        options_.api.runs_folder = folder_.path() / "runs";
        options_.api.look_every = std::chrono::milliseconds(1);
    }

    // A run that is going on now.
    void WriteProgress(const std::string& id, const std::string& state, int done) {
        double now =
            std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch())
                .count();
        Json progress{{"state", state}, {"done", done}, {"total", 9}, {"updated_unix", now}};
        auto next = folder_.Write("runs/" + id + "/next", progress.dump());
        std::filesystem::rename(next, folder_.path() / "runs" / id / "progress.json");
    }

    ScratchDirectory folder_;
    ServedOptions options_;
};

TEST_F(RunApi, ListsRunsAndShowsEach) {
    Served served(options_);
    Answer list = served.Get("/v1/runs");
    EXPECT_EQ(list.status, 200);
    EXPECT_EQ(list.json["data"].size(), 3u);
    EXPECT_EQ(list.json["folder"], (folder_.path() / "runs").string());
    Answer run = served.Get("/v1/runs/first");
    EXPECT_EQ(run.status, 200);
    EXPECT_EQ(run.json["id"], "first");
    EXPECT_EQ(run.json["scores"][0]["value"], 1.0);
    EXPECT_EQ(run.json["results"]["subject"]["model"], "m");
}

TEST_F(RunApi, ListsNothingWhereNothingIs) {
    options_.api.runs_folder = folder_.path() / "none";
    Served served(options_);
    Answer list = served.Get("/v1/runs");
    EXPECT_EQ(list.status, 200);
    EXPECT_EQ(list.json["data"], Json::array());
}

TEST_F(RunApi, GivesSamplesByTaskOutcomeAndText) {
    Served served(options_);
    Answer page = served.Get("/v1/runs/first/samples?task=sums&outcome=right&search=2+%2B");
    EXPECT_EQ(page.status, 200) << page.body;
    EXPECT_EQ(page.json["samples"][0]["question"], "2 + 2?");
    EXPECT_EQ(served.Get("/v1/runs/first/samples?task=sums&outcome=wrong").json["matching"], 0);
    EXPECT_EQ(served.Get("/v1/runs/first/samples?task=none").status, 404);
    for (auto [query, param] : {std::pair("", "task"),
                                {"?task=sums&outcome=odd", "outcome"},
                                {"?task=sums&limit=201", "limit"},
                                {"?task=sums&of=1", "of"}}) {
        Answer refused = served.Get(std::string("/v1/runs/first/samples") + query);
        EXPECT_EQ(refused.status, 400) << query;
        EXPECT_EQ(refused.json["error"]["param"], param);
    }
}

TEST_F(RunApi, KeepsEverythingOutsideOfTheFolderOutOfReach) {
    std::filesystem::create_directory_symlink(folder_.path() / "secret",
                                              folder_.path() / "runs" / "link");
    Served served(options_);
    for (const char* id :
         {"..%2fsecret", "%2e%2e/secret", "../secret", "%2e%2e", "link", "/", "%2f",
          "first%2f..%2f..%2fsecret", "first/../../secret", ".", "first%0a"}) {
        for (const char* more :
             {"", "/samples?task=sums", "/page", "/events", "/comparison?with=first"}) {
            Answer answer = served.Get(fmt::format("/v1/runs/{}{}", id, more));
            EXPECT_GE(answer.status, 400) << id << more;
            EXPECT_LT(answer.status, 500) << id << more;
            EXPECT_THAT(answer.body, Not(HasSubstr("\"results\": {}"))) << id << more;
        }
    }
    EXPECT_EQ(served.Get("/v1/runs/first/comparison?with=..%2fsecret").status, 404);
    EXPECT_EQ(served.Get("/v1/runs/first/samples?task=..%2f..%2fsecret").status, 404);
}

TEST_F(RunApi, AsksForTheSameKeyAsTheModels) {
    auto keys = folder_.Write("keys", "a-key-0123456789\n");
    options_.access = std::move(*KeyFileAccess::Load(keys));
    Served served(options_);
    for (const char* path : {"/v1/runs", "/v1/runs/first", "/v1/runs/first/events",
                             "/v1/runs/report/page", "/v1/runs/first/samples?task=sums"})
        EXPECT_EQ(served.Get(path).status, 401) << path;
}

TEST_F(RunApi, ServesAPageThatMayDoNothing) {
    Served served(options_);
    Answer page = served.Get("/v1/runs/report/page");
    EXPECT_EQ(page.status, 200);
    EXPECT_EQ(page.body, "<script>alert(1)</script>");
    EXPECT_THAT(page.head, HasSubstr("default-src 'none'"));
    EXPECT_THAT(page.head, HasSubstr("sandbox"));
    EXPECT_THAT(page.head, Not(HasSubstr("script-src")));
    EXPECT_EQ(served.Get("/v1/runs/first/page").status, 404);
}

TEST_F(RunApi, ComparesTwoRunsAndSendsNotTooMuch) {
    options_.api.compare_runs = [](const std::filesystem::path& a, const std::filesystem::path& b) {
        Json changed = Json::array();
        for (int i = 0; i < 700; ++i) changed.push_back({{"doc_id", i}});
        return Json{{"runs", {a.filename().string(), b.filename().string()}}, {"changed", changed}};
    };
    Served served(options_);
    Answer compared = served.Get("/v1/runs/first/comparison?with=second");
    EXPECT_EQ(compared.status, 200) << compared.body;
    EXPECT_EQ(compared.json["runs"], (Json{"first", "second"}));
    EXPECT_EQ(compared.json["changed_total"], 700);
    EXPECT_EQ(compared.json["changed"].size(), 500u);
    EXPECT_EQ(served.Get("/v1/runs/first/comparison").json["error"]["param"], "with");
    EXPECT_EQ(served.Get("/v1/runs/first/comparison?with=none").status, 404);
    EXPECT_EQ(served.Get("/v1/runs/first/comparison?with=report").status, 400);
}

TEST_F(RunApi, StreamsTheStateOfARunUntilItsEnd) {
    WriteProgress("going", "running", 1);
    Served served(options_);
    net::TestClient client(served.port());
    client.Send("GET /v1/runs/going/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_THAT(client.ReadThrough("\r\n\r\n"), HasSubstr("text/event-stream"));
    std::string first = client.ReadThrough("\n\n");
    EXPECT_THAT(first, HasSubstr(R"("done":1)"));
    WriteProgress("going", "done", 9);
    folder_.Write("runs/going/results.json", R"({"results": {}})");
    std::string rest = client.ReadThrough("[DONE]");
    EXPECT_THAT(rest, HasSubstr(R"("done":9)"));
}

TEST_F(RunApi, EndsAStreamWhoseRunVanishesOrWhenTheServerDrains) {
    WriteProgress("one", "running", 1);
    WriteProgress("two", "running", 1);
    Served served(options_);
    net::TestClient one(served.port()), two(served.port());
    one.Send("GET /v1/runs/one/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    two.Send("GET /v1/runs/two/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    one.ReadThrough("\"done\":1");
    two.ReadThrough("\"done\":1");
    std::filesystem::remove_all(folder_.path() / "runs" / "one");
    one.ReadThrough("[DONE]");
    served.api().Drain();
    two.ReadThrough("[DONE]");
}

TEST_F(RunApi, StreamsOneEventOfARunThatIsOver) {
    Served served(options_);
    net::TestClient client(served.port());
    client.Send("GET /v1/runs/first/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_THAT(client.ReadThrough("[DONE]"), HasSubstr(R"("state":"done")"));
    EXPECT_EQ(served.Get("/v1/runs/none/events").status, 404);
}

}  // namespace
}  // namespace lathe::api
