#include "observe/live_page.hpp"

#include "observe/history.hpp"
#include "observe/http_client.hpp"
#include "observe/some_run.hpp"
#include "store/scratch_folder.hpp"

#include <sluice/error.hpp>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <optional>
#include <vector>

namespace sluice::observe {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;

constexpr const char* ok = "HTTP/1.1 200 ";
constexpr const char* forbidden = "HTTP/1.1 403 ";

class ServedRun : public ::testing::Test {
 protected:
  void SetUp() override {
    History(folder_.path()).note(some_run(), std::chrono::system_clock::now());
    page_.emplace(folder_.path(), 0, "secret");
    page_->note(some_run());
  }
  std::string get(const std::string& path, const std::string& headers = "") {
    return ask(page_->port(), path, headers);
  }
  Json data() {
    const auto answer = get("/data.json?token=secret");
    return Json::parse(answer.substr(answer.find("\r\n\r\n") + 4));
  }

  store::ScratchFolder folder_;
  std::optional<LivePage> page_;
};

TEST_F(ServedRun, ShowsPageDataAndMetricsToThoseWhoKnowTheToken) {
  EXPECT_THAT(get("/?token=secret"), HasSubstr("<html data-live"));
  EXPECT_EQ(data().at("status").at("done"), 40);
  EXPECT_EQ(data().at("state"), "running");
  EXPECT_EQ(data().at("attempts").size(), 1u);
  EXPECT_EQ(data().at("attempts").at(0).at("moments").size(), 2u);
  const auto metrics = get("/metrics", "Authorization: Bearer secret\r\n");
  EXPECT_THAT(metrics, StartsWith(ok));
  EXPECT_THAT(metrics, HasSubstr("\nsluice_inputs_done{"));
  EXPECT_EQ(page_->address(),
            "http://127.0.0.1:" + std::to_string(page_->port()) + "/?token=secret");
}

TEST_F(ServedRun, RefusesEverybodyElse) {
  for (const auto* path : {"/", "/data.json", "/metrics", "/?token=", "/?token=secre",
                           "/?token=secrets", "/?token=Secret", "/data.json?tokens=secret"}) {
    const auto answer = get(path);
    EXPECT_THAT(answer, StartsWith(forbidden)) << path;
    EXPECT_EQ(answer.find("ocr"), std::string::npos) << path;
  }
  EXPECT_THAT(get("/metrics", "Authorization: Bearer no\r\n"), StartsWith(forbidden));
  EXPECT_THAT(ask(page_->port(), "/?token=secret", "", "POST"), StartsWith("HTTP/1.1 405 "));
}

TEST_F(ServedRun, ServesNoFiles) {
  store::write_text(folder_ / "private.txt", "private");
  for (const auto* path : {"/private.txt", "/history.jsonl", "/../private.txt", "//etc/passwd",
                           "/..%2f..%2fetc/passwd", "/data.json/../private.txt"}) {
    const auto answer = get(std::string(path) + "?token=secret");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 404 ")) << path;
  }
}

TEST_F(ServedRun, WithoutATokenServesThisMachinesNamesAlone) {
  page_.emplace(folder_.path(), 0, "");
  page_->note(some_run());
  EXPECT_THAT(get("/data.json"), StartsWith(ok));
  EXPECT_THAT(get("/data.json", "Host: localhost:1\r\n"), StartsWith(ok));
  EXPECT_THAT(get("/data.json", "Host: evil.example:80\r\n"), StartsWith(forbidden));
}

TEST_F(ServedRun, GoesOnWhenTheRunDirectoryIsGone) {
  std::filesystem::remove_all(folder_.path());
  auto later = some_run();
  later.done = 77;
  page_->note(later);
  EXPECT_EQ(data().at("status").at("done"), 77);
}

TEST_F(ServedRun, APortThatIsTakenIsAnError) {
  EXPECT_THROW(LivePage(folder_.path(), page_->port(), ""), UsageError);
}

// They connect, and send nothing, half of a request, or a whole one whose answer they never read.
TEST_F(ServedRun, ThousandClientsThatStandStillHoldUpNeitherTheRunNorItsEnd) {
  std::vector<store::Descriptor> clients;
  for (int i = 0; i < 1000; ++i) {
    clients.push_back(connect_to(page_->port()));
    if (clients.back().get() < 0) clients.pop_back();
    if (i % 3 == 1) say(clients.back(), "GET /?token=secret HTTP/1.1\r\nHost: x");
    if (i % 3 == 2) say(clients.back(), "GET /?token=secret HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto begin = Clock::now();
    page_->note(some_run());
    ASSERT_LT(Clock::now() - begin, std::chrono::milliseconds(500));
  }
  EXPECT_GT(clients.size(), 60u);
  const auto begin = Clock::now();
  page_.reset();
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(2));
}

TEST_F(ServedRun, IsThereForOthersOnceThoseWhoStandStillWereTurnedAway) {
  std::vector<store::Descriptor> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(connect_to(page_->port()));
  EXPECT_THAT(get("/data.json?token=secret"), StartsWith(ok));
}

// Each sends another byte of its request before it has stood still for too long.
TEST_F(ServedRun, IsThereForOthersAtOnceHoweverManyDawdle) {
  std::vector<store::Descriptor> clients;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(connect_to(page_->port()));
    say(clients.back(), "GET /?token=secret HTTP/1.1\r\nHost: x");
  }
  const auto begin = Clock::now();
  EXPECT_THAT(get("/data.json?token=secret"), StartsWith(ok));
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(2));
}

TEST(RandomToken, IsLongAndNeverTheSame) {
  EXPECT_EQ(random_token().size(), 32u);
  EXPECT_NE(random_token(), random_token());
}

}  // namespace
}  // namespace sluice::observe
