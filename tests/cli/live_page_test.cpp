// The page of a run that goes on, in a browser.
#include "cli/job_runs.hpp"
#include "observe/http_client.hpp"

#include <gmock/gmock.h>

#include <filesystem>

namespace sluice::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* job = R"(
[pipeline]
name = "shown"
run_dir = "out"
[input]
jsonl = "rows.jsonl"
[[stage]]
name = "work"
use = "synthetic"
settings = { service = "fixed", mean = "100ms" }
[[stage]]
name = "write"
use = "jsonl.write"
settings = { path = "out.jsonl" }
)";

std::uint16_t free_port() {
  const store::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);
  if (::bind(socket.get(), any, size) != 0 || ::getsockname(socket.get(), any, &size) != 0)
    return 0;
  return ntohs(address.sin_port);
}

class ShownRun : public JobRuns {
 protected:
  void SetUp() override {
    write_rows(600);
    write_job(job);
  }
  /// While the run goes on.
  void run_until(const std::function<bool()>& moment) {
    run_and_kill(sluice_command(0, {"run", "job.toml", "--workers", "2",
                                    fmt::format("--page={}", port_), "--page-token", "secret"}),
                 folder_.path(), moment);
  }

  const std::uint16_t port_ = free_port();
};

TEST_F(ShownRun, IsShownOnlyIfThatIsAskedFor) {
  write_rows(1);
  EXPECT_THAT(run({"run", "job.toml", "--workers", "2"}).err, Not(HasSubstr("live")));
  const auto shown = run({"run", "job.toml", "--workers", "2", "--fresh", "--page"});
  EXPECT_THAT(shown.err, HasSubstr("the run, live: http://127.0.0.1:"));
}

TEST_F(ShownRun, APageThatCannotBeShownCostsNothingOfTheRunBefore) {
  write_rows(1);
  const Arguments again{"run", "job.toml", "--workers", "2", "--fresh"};
  ASSERT_EQ(run(again).code, 0);
  const auto before = store::read_text(folder_ / "out/history.jsonl");
  const store::Descriptor busy(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port_);
  ASSERT_EQ(::bind(busy.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(busy.get(), 1), 0);
  auto shown = again;
  shown.push_back(fmt::format("--page={}", port_));
  const auto ended = run(shown);
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, HasSubstr(fmt::format("cannot answer at 127.0.0.1:{}", port_)));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "out/summary.json"));
  EXPECT_EQ(store::read_text(folder_ / "out/history.jsonl"), before);
  shown.back() = "--page";
  shown.insert(shown.end(), {"--page-token", "a b"});
  EXPECT_THAT(run(shown).err, HasSubstr("--page-token: letters, digits"));
}

TEST_F(ShownRun, AnswersWhileItGoesOn) {
  std::string metrics;
  run_until([&] {
    metrics = observe::ask(port_, "/metrics?token=secret");
    return metrics.find("\nsluice_stage_records_in_total{") != std::string::npos;
  });
  EXPECT_THAT(metrics, HasSubstr("\nsluice_inputs{pipeline=\"shown\"} 600\n"));
}

TEST_F(ShownRun, KeepsItselfUpToDateInABrowser) {
  if (!std::filesystem::exists("/usr/bin/chromium")) GTEST_SKIP() << "no chromium here";
  Ended browser;
  run_until([&] {
    if (observe::ask(port_, "/metrics?token=secret").find("sluice_inputs_done") ==
        std::string::npos) {
      return false;
    }
    // Its seconds are shorter than those of the run, of which several are to pass.
    browser = run_process({"chromium", "--headless", "--no-sandbox", "--disable-gpu",
                           "--user-data-dir=browser", "--virtual-time-budget=900000", "--dump-dom",
                           fmt::format("http://127.0.0.1:{}/?token=secret", port_)},
                          folder_.path());
    return true;
  });
  EXPECT_THAT(browser.out, HasSubstr("<h1>shown: running</h1>")) << browser.err;
  EXPECT_THAT(browser.out, HasSubstr("data-updates=")) << browser.err;
  EXPECT_THAT(browser.out, HasSubstr("<td>work</td>"));
  EXPECT_THAT(browser.out, HasSubstr("id=\"lost-touch\" hidden"));
}

TEST_F(ShownRun, PrintsAddressAndTokenUnlessToldOtherwise) {
  write_rows(3);
  const auto random = run({"run", "job.toml", "--page"});
  EXPECT_EQ(random.code, 0) << random.err;
  EXPECT_THAT(random.err, ::testing::ContainsRegex("http://127.0.0.1:[0-9]+/.token=[0-9a-f]{32}"));
  const auto open = run({"run", "job.toml", "--fresh", "--page", "--page-token", "none"});
  EXPECT_THAT(open.err, ::testing::ContainsRegex("http://127.0.0.1:[0-9]+/\n"));
  EXPECT_EQ(run({"run", "job.toml", "--page-token", "x"}).code, 2);
}

}  // namespace
}  // namespace sluice::cli
