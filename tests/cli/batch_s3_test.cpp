// Batch runs of the program with their store in a bucket of a real server: SIGKILL at any moment, a
// server that goes away, and what the program says of faults.
#include "cli/batch_runs.hpp"
#include "s3/proxy.hpp"
#include "s3/server.hpp"
#include "store/object_store.hpp"
#include "store/shard_info.hpp"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

namespace sluice::cli {
namespace {

using s3::Server;
using store::read_text;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

template <class Runs>
class InABucket : public Runs {
 protected:
  void SetUp() override {
    if (const auto why = Server::missing(); !why.empty()) GTEST_SKIP() << why;
    s3::set_environment(Server::instance());
    ::unsetenv("AWS_MAX_ATTEMPTS");
    bucket_ = Server::instance().new_bucket();
    this->uri_ = "s3://" + bucket_ + "/run";
    Runs::SetUp();
  }

  std::string bucket_;
};

class KillsInABucket : public InABucket<KilledRuns> {
  // After some time, soon after some shards were published, or at a barrier.
  Moment moment(std::mt19937_64& random) override {
    const auto at =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(100 + random() % 1500);
    const auto kind = random() % 3;
    const auto count = shards().size() + 1 + random() % 20;
    const std::string manifest = std::string(stages[random() % 3]) + "/manifest";
    return [=, this, store = std::shared_ptr(open_store())] {
      if (kind == 0) return std::chrono::steady_clock::now() >= at;
      if (kind == 1) return shards().size() >= count;
      return store->read(manifest).has_value();
    };
  }
};

TEST_F(KillsInABucket, ARunGoesOnAfterSigkillAtAnyMomentAndDoesNothingAgain) { explore(1, 3); }

using KillsInABucketSoak = KillsInABucket;
TEST_F(KillsInABucketSoak, ARunGoesOnAfterSigkillAtThirtyMoments) { explore(2000, 30); }

// The proxy is the network, which fails in the middle of the run.
class Outages : public InABucket<BatchRuns> {
 protected:
  void SetUp() override {
    InABucket<BatchRuns>::SetUp();
    if (IsSkipped()) return;
    proxy_ = std::make_unique<s3::Proxy>(Server::instance().port());
    expected_ = undisturbed();
  }
  /// The server goes once some shards are published, and comes back after a while, unless that is
  /// 0.
  Ended run_with_an_outage(std::chrono::seconds length) {
    const auto reader = open_store();  // past the proxy
    s3::set_environment(Server::instance(), proxy_->endpoint());
    std::atomic<bool> ended{false};
    std::thread outage([&] {
      while (!ended && reader->list(stages[0]).size() < 5) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
      }
      proxy_->go_down();
      if (length.count() == 0) return;
      std::this_thread::sleep_for(length);
      proxy_->come_back();
    });
    auto result = run({"run", "job.toml"}, 3);
    ended = true;
    outage.join();
    return result;
  }
  void expect_survived(std::chrono::seconds length) {
    const auto since = std::chrono::steady_clock::now();
    const auto ended = run_with_an_outage(length);
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_GE(std::chrono::steady_clock::now() - since, length) << "the run did not wait for it";
    EXPECT_EQ(lines("out/out.jsonl"), expected_);
  }

  std::unique_ptr<s3::Proxy> proxy_;
  std::multiset<std::string> expected_;
};

TEST_F(Outages, AServerThatIsAwayForThreeSecondsIsWaitedFor) {
  expect_survived(std::chrono::seconds(3));
}

using OutagesSoak = Outages;
TEST_F(OutagesSoak, AServerThatIsAwayForTenSecondsIsWaitedFor) {
  expect_survived(std::chrono::seconds(10));
}

TEST_F(Outages, AServerThatStaysAwayEndsTheRunWhichGoesOnLater) {
  ::setenv("AWS_MAX_ATTEMPTS", "4", 1);
  const auto ended = run_with_an_outage(std::chrono::seconds(0));
  EXPECT_THAT(ended.code, AnyOf(3, 8)) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr(proxy_->endpoint()));
  EXPECT_THAT(ended.err, HasSubstr(bucket_));
  s3::set_environment(Server::instance());
  const auto committed = shards();
  EXPECT_GE(committed.size(), 5u);
  for (const auto& shard : committed) {
    const auto text = open_store()->read(shard);
    EXPECT_TRUE(text && store::parse_shard_head(*text)) << shard << " is half published";
  }
  const auto resumed = run({"resume", "out"}, 2);
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(lines("out/out.jsonl"), expected_);
  auto kept = listed("1-split");
  for (const auto& shard : committed) EXPECT_TRUE(kept.contains(shard)) << shard;
}

class FaultsInABucket : public InABucket<BatchRuns> {
 protected:
  /// A run of the job that is finished, and what was made of a stage's first shard.
  void damage_a_shard(const std::function<void(std::string&)>& change) {
    ASSERT_EQ(run({"run", "job.toml"}).code, 0);
    damaged_ = *listed(stages[1]).begin();
    const auto objects = store::s3_client(Server::instance().config());
    const store::ObjectName name{bucket_, "run/" + damaged_};
    std::string bytes(objects->get(name).view());
    change(bytes);
    objects->put(name, bytes);
  }
  /// It is named, and once it is deleted the run makes its records again.
  void expect_it_is_made_again() {
    const auto expected = lines("out/out.jsonl");
    const auto ended = run({"run", "job.toml", "--from", "write"});
    EXPECT_EQ(ended.code, 3) << ended.err;
    EXPECT_THAT(ended.err, HasSubstr(uri_ + "/" + damaged_));
    EXPECT_THAT(ended.err, HasSubstr("delete the file and resume the run"));
    open_store()->remove({damaged_});
    const auto resumed = run({"resume", "out"});
    EXPECT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_EQ(lines("out/out.jsonl"), expected);
  }

  std::string damaged_;
};

TEST_F(FaultsInABucket, ATruncatedShardIsNamed) {
  damage_a_shard([](std::string& bytes) { bytes.resize(bytes.size() - 100); });
  expect_it_is_made_again();
}

TEST_F(FaultsInABucket, AShardWithAFlippedByteIsNamed) {
  damage_a_shard([](std::string& bytes) { bytes[bytes.find("payload") + 10] ^= 1; });
  expect_it_is_made_again();
}

TEST_F(FaultsInABucket, AMissingBucketIsNamed) {
  const auto ended = run({"run", "job.toml", "--set", "store.uri=s3://no-such-bucket/run"}, 2);
  EXPECT_THAT(ended.code, AnyOf(3, 8)) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("no-such-bucket"));
}

TEST_F(FaultsInABucket, WrongCredentialsAreRefusedAndNotShown) {
  ::setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret", 1);
  const auto ended = run({"run", "job.toml"}, 2);
  EXPECT_EQ(ended.code, 3) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr(bucket_));
  EXPECT_THAT(ended.err, HasSubstr("they come from the environment"));
  EXPECT_THAT(ended.out + ended.err, Not(HasSubstr("wrong-secret")));
}

TEST_F(FaultsInABucket, AnotherJobsManifestIsRefusedAndSaysWhatDiffers) {
  ASSERT_EQ(run({"run", "job.toml"}).code, 0);
  const auto ended = run({"run", "job.toml", "--from", "write", "--set",
                          "stage.work.settings.seed=4", "--run-dir", "other"});
  EXPECT_EQ(ended.code, 2) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("belongs to another pipeline"));
  EXPECT_THAT(ended.err, HasSubstr("seed=3"));
  EXPECT_THAT(ended.err, HasSubstr("seed=4"));
}

// Each in a run directory of its own, so that only the store can tell.
TEST_F(FaultsInABucket, ARunWhoseStoreIsTakenOverStops) {
  const auto expected = undisturbed();
  Ended second;
  std::thread other([&] {
    while (shards().empty()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    second = run({"run", "job.toml", "--from", "split", "--run-dir", "second"});
  });
  const auto first = run_process({"bash", "-c", "exec " SLUICE_BINARY " run job.toml 2> first.err"},
                                 folder_.path());
  other.join();
  EXPECT_EQ(first.code, 2);
  EXPECT_THAT(read_text(folder_ / "first.err"), HasSubstr("another run has taken over"));
  EXPECT_EQ(second.code, 0) << second.err;
  EXPECT_EQ(lines("second/out.jsonl"), expected);
}

}  // namespace
}  // namespace sluice::cli
