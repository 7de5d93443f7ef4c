// A commit names only what is safe, whatever the order in which things come to be known.
#include "control/commits.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>
#include <set>

namespace sluice::control {
namespace {

using std::chrono::seconds;

/// Workers that write inputs into parts and tell the coordinator, which commits; each worker's
/// messages come in order, and as late as it pleases them.
class World {
 public:
  World(std::uint64_t seed, int workers) : random_(seed), workers_(workers) {}

  void step() {
    switch (random_() % 4) {
      case 0:
        return write(pick());
      case 1:
        return obey(pick());
      case 2:
        return hear(pick());
      default:
        return look();
    }
  }

  /// Everything dies. What a resumed run would find must agree with what was written.
  void check() const {
    std::map<int, int> copies;
    for (const auto part : committed_parts_) {
      for (const int input : parts_.at(part)) ++copies[input];
    }
    for (const int input : committed_) {
      ASSERT_EQ(copies[input], 1) << "input " << input << " is done, and must be in one safe part";
    }
  }
  std::size_t committed() const { return committed_.size(); }
  std::size_t commits() const { return commits_done_; }

 private:
  struct Message {
    std::optional<int> finished;
    std::optional<int> part;
    bool closed = false;
  };
  struct Worker {
    int part = -1;  ///< open
    std::deque<Message> to_coordinator;
    int orders = 0;  ///< to close the part
  };

  Rank pick() { return static_cast<Rank>(1 + random_() % workers_.size()); }
  Worker& worker(Rank rank) { return workers_[static_cast<std::size_t>(rank - 1)]; }

  void write(Rank rank) {
    auto& w = worker(rank);
    if (w.part < 0) w.part = next_part_++;
    parts_[w.part].insert(next_input_);
    w.to_coordinator.push_back({next_input_++, std::nullopt, false});
  }

  void obey(Rank rank) {
    auto& w = worker(rank);
    if (w.orders == 0) return;
    --w.orders;
    Message answer{std::nullopt, std::nullopt, true};
    if (w.part >= 0) answer.part = std::exchange(w.part, -1);
    w.to_coordinator.push_back(answer);
  }

  void hear(Rank rank) {
    auto& w = worker(rank);
    if (w.to_coordinator.empty()) return;
    const auto message = w.to_coordinator.front();
    w.to_coordinator.pop_front();
    if (message.finished) {
      done_.insert(*message.finished);
      commits_.opened(rank);
    }
    if (message.part) closed_parts_.insert(*message.part);
    if (message.closed) commits_.closed(rank);
  }

  void look() {
    now_ += seconds(1);
    if (const auto closing = commits_.begin_if_due(now_)) {
      committing_ = done_;
      for (const Rank rank : *closing) ++worker(rank).orders;
    }
    if (!commits_.take_complete(now_)) return;
    committed_ = committing_;
    committed_parts_ = closed_parts_;
    ++commits_done_;
  }

  std::mt19937_64 random_;
  std::vector<Worker> workers_;
  Commits commits_{seconds(2)};
  Time now_{0};
  int next_input_ = 0;
  int next_part_ = 0;
  std::map<int, std::set<int>> parts_;
  std::set<int> done_;
  std::set<int> committing_;
  std::set<int> committed_;
  std::set<int> closed_parts_;
  std::set<int> committed_parts_;
  std::size_t commits_done_ = 0;
};

TEST(Commits, NameOnlyWhatIsSafeInAnyOrderOfEvents) {
  std::size_t committed = 0;
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    World world(seed, 1 + static_cast<int>(seed % 5));
    for (int i = 0; i < 400; ++i) {
      world.step();
      world.check();
      if (::testing::Test::HasFatalFailure()) FAIL() << "seed " << seed << ", step " << i;
    }
    committed += world.committed();
  }
  EXPECT_GT(committed, 10'000u) << "it must have committed something";
}

TEST(Commits, AreMoreSeldomTheLongerARunWithPartsLasts) {
  Commits commits(seconds(5));
  std::size_t count = 0;
  for (Time now{0}; now < std::chrono::hours(10); now += seconds(1)) {
    commits.opened(1);
    if (!commits.begin_if_due(now)) continue;
    commits.closed(1);
    ASSERT_TRUE(commits.take_complete(now));
    ++count;
  }
  EXPECT_GT(count, 100u);
  EXPECT_LT(count, 200u);
}

TEST(Commits, WithoutPartsKeepTheirPace) {
  Commits commits(seconds(5));
  std::size_t count = 0;
  for (Time now{0}; now < seconds(1000); now += seconds(1)) {
    if (commits.begin_if_due(now) && commits.take_complete(now)) ++count;
  }
  EXPECT_EQ(count, 199u);
}

TEST(Commits, EndWhenAWorkerDiesWithItsPart) {
  Commits commits(seconds(1));
  commits.opened(1);
  commits.opened(2);
  ASSERT_TRUE(commits.begin_if_due(seconds(1)));
  commits.closed(1);
  EXPECT_TRUE(commits.lost(2));
  EXPECT_FALSE(commits.take_complete(seconds(1)));
  EXPECT_FALSE(commits.lost(3)) << "it held nothing";
}

}  // namespace
}  // namespace sluice::control
