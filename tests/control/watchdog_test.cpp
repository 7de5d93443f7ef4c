#include "control/watchdog.hpp"

#include "control/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace sluice::control {
namespace {

using namespace std::chrono_literals;
using world::Random;
using Kind = Stall::Kind;

/// Ranks that are workers of stages, a coordinator that listens to them, and a fault.
struct Fault {
  enum class Sort { none, stopped, hangs_in_setup, hangs_in_process, takes_nothing, all_idle };
  Sort sort = Sort::none;
  Rank rank = 1;
  Time at{};
};

/// One worker: in setup, in calls and between them, with a beat of its own; every word takes a
/// while to arrive.
class ModelRank {
 public:
  ModelRank(Rank rank, std::size_t stage, Time limit, Time beat, Random& random)
      : rank_(rank), stage_(stage), limit_(limit), beat_(beat), random_(random) {}

  void start(Watchdog& watchdog) {
    watchdog.note(Command{Assign{rank_, stage_, 0, 1, false, false}});
    call_ends_ = random_.between(Time{}, longest_call());
  }

  void step(Watchdog& watchdog, const Fault& fault, Time now) {
    const bool mine = fault.rank == rank_ && now >= fault.at;
    if (mine && fault.sort == Fault::Sort::stopped) return;
    if (now < call_ends_ || (mine && in_call() && hangs(fault))) {
      if (now >= next_sign_) say(watchdog, true, now);
      return;
    }
    if (in_call()) end_call(watchdog);
    if (now >= next_word_) say(watchdog, false, now);
    const bool idles = fault.sort == Fault::Sort::all_idle && now >= fault.at;
    if (idles || now < rests_until_) return;
    begin_call(watchdog, mine && fault.sort == Fault::Sort::takes_nothing, now);
  }

  bool in_call() const { return setting_up_ || batch_ != 0; }
  Rank rank() const { return rank_; }

 private:
  // As long as it may be, now and then, for words are late and clocks coarse.
  Time longest_call() const { return limit_ == Time{0} ? 20s : limit_ * 9 / 10; }
  bool hangs(const Fault& fault) const {
    return fault.sort ==
           (setting_up_ ? Fault::Sort::hangs_in_setup : Fault::Sort::hangs_in_process);
  }

  void say(Watchdog& watchdog, bool in_call, Time now) {
    watchdog.heard(rank_, in_call);
    if (!in_call) watchdog.counted(rank_, calls_);
    (in_call ? next_sign_ : next_word_) = now + beat_;
  }

  void end_call(Watchdog& watchdog) {
    watchdog.heard(rank_, false);
    ++calls_;
    if (std::exchange(setting_up_, false)) {
      watchdog.note(Event{WorkerReady{rank_}});
    } else {
      if (silently_taken_) watchdog.note(Event{Taken{rank_, batch_, 0}});
      watchdog.note(Event{Finished{rank_, batch_, 0, 0, true, {}}});
    }
    batch_ = 0;
  }

  void begin_call(Watchdog& watchdog, bool never_taken, Time now) {
    if (granted_ == 0) {
      granted_ = ++batches_;
      watchdog.note(Command{Grant{coordinator, rank_, granted_, 1, 1}});
    }
    if (never_taken) return;
    batch_ = std::exchange(granted_, 0);
    silently_taken_ = random_.chance(0.3);
    if (!silently_taken_) {
      watchdog.heard(rank_, false);
      watchdog.note(Event{Taken{rank_, batch_, 0}});
    }
    const Time duration = random_.chance(0.1) ? longest_call() : longest_call() / 20;
    call_ends_ = now + random_.between(Time{}, duration);
    rests_until_ = call_ends_ + random_.between(Time{}, beat_ * 3);
    next_sign_ = now + beat_;
  }

  Rank rank_;
  std::size_t stage_;
  Time limit_;
  Time beat_;
  Random& random_;
  bool setting_up_ = true;
  bool silently_taken_ = false;
  BatchId batches_ = 0;
  BatchId granted_ = 0;
  BatchId batch_ = 0;
  std::uint64_t calls_ = 0;
  Time call_ends_{};
  Time rests_until_{};
  Time next_sign_{};
  Time next_word_{};
};

struct Verdict {
  std::optional<Stall> stall;
  Time at{};
};

/// A run as a seed makes it: stages with patience of their own, one of them with none.
class ModelRun {
 public:
  explicit ModelRun(std::uint64_t seed) : random_(seed) {
    const auto stages = random_.between(1, 4);
    for (std::uint64_t k = 0; k < stages; ++k) {
      patience_.stall_after.push_back(random_.pick<Time>({1s, 2s, 3500ms, 6s}));
    }
    if (stages > 1 && random_.chance(0.3)) patience_.stall_after.back() = Time{0};
    if (random_.chance(0.5)) patience_.silence = random_.pick<Time>({2s, 5s});
    const auto ranks = random_.between(stages, stages + 6);
    const Time beat = beat_of(patience_);
    watchdog_.emplace(patience_, ranks + 1);
    for (std::uint64_t i = 0; i < ranks; ++i) {
      const auto stage = i % stages;
      ranks_.emplace_back(static_cast<Rank>(i + 1), stage, patience_.stall_after[stage], beat,
                          random_);
    }
  }

  Verdict run(const Fault& fault, Time length) {
    watchdog_->advance(Time{0});
    for (auto& rank : ranks_) rank.start(*watchdog_);
    Time now{0};
    while (now < length) {
      now += random_.chance(0.001) ? random_.between(1s, 120s) : Time(random_.between(1ms, 20ms));
      watchdog_->advance(now);
      // What ranks said while the coordinator was away is there when it is back.
      for (auto& rank : ranks_) rank.step(*watchdog_, fault, now);
      if (now < next_look_) continue;
      next_look_ = watchdog_->next_look();
      if (const auto stall = watchdog_->stall()) return {stall, watchdog_->listening()};
      if (now < fault.at) listened_at_fault_ = watchdog_->listening();
    }
    return {};
  }

  Time limit(Rank rank) const {
    return patience_.stall_after[static_cast<std::size_t>(rank - 1) % patience_.stall_after.size()];
  }
  Time longest() const {
    return *std::max_element(patience_.stall_after.begin(), patience_.stall_after.end());
  }
  const Patience& patience() const { return patience_; }
  Rank any_rank() { return static_cast<Rank>(random_.between(1, ranks_.size())); }
  Time listened_at_fault() const { return listened_at_fault_; }

 private:
  Random random_;
  Patience patience_;
  std::vector<ModelRank> ranks_;
  std::optional<Watchdog> watchdog_;
  Time next_look_{0};
  Time listened_at_fault_{0};
};

TEST(Watchdog, IsSilentInHealthyRuns) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    ModelRun run(seed);
    const auto verdict = run.run({}, 100s);
    ASSERT_FALSE(verdict.stall) << "seed " << seed << ": kind "
                                << static_cast<int>(verdict.stall->kind) << " rank "
                                << verdict.stall->rank << " after " << verdict.stall->lasted.count()
                                << " ns";
  }
}

struct Hang {
  std::string name;
  Fault::Sort sort;
  Kind kind;

  friend void PrintTo(const Hang& hang, std::ostream* out) { *out << hang.name; }
};

class EveryHang : public ::testing::TestWithParam<Hang> {};

// The time that it may take, by the sort; nothing if nobody is to notice it.
std::optional<Time> allowed(const ModelRun& run, const Hang& hang, Rank rank) {
  if (hang.sort == Fault::Sort::stopped) {
    // A worker that is stopped in a call is missed by the one limit or by the other.
    auto limit = run.patience().silence;
    if (limit == Time{0} || run.limit(rank) > Time{0}) limit = std::max(limit, run.limit(rank));
    return limit == Time{0} ? std::nullopt : std::optional(limit);
  }
  const Time limit = hang.sort == Fault::Sort::all_idle ? run.longest() : run.limit(rank);
  return limit == Time{0} ? std::nullopt : std::optional(limit);
}

TEST_P(EveryHang, IsNamedWithinASecondMore) {
  int noticed = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    ModelRun run(seed);
    const Rank rank = run.any_rank();
    const bool at_once = GetParam().sort == Fault::Sort::hangs_in_setup;
    const auto limit = allowed(run, GetParam(), rank);
    const auto verdict = run.run({GetParam().sort, rank, at_once ? Time{0} : Time{20s}}, 600s);
    if (!limit) continue;
    ++noticed;
    ASSERT_TRUE(verdict.stall) << "seed " << seed;
    const bool has_culprit = GetParam().kind != Kind::standstill;
    EXPECT_EQ(verdict.stall->rank, has_culprit ? rank : coordinator) << "seed " << seed;
    if (GetParam().sort != Fault::Sort::stopped) {
      EXPECT_EQ(verdict.stall->kind, GetParam().kind) << "seed " << seed;
      EXPECT_LE(verdict.stall->lasted, *limit + 1s) << "seed " << seed;
    }
  }
  EXPECT_GT(noticed, 100);
}

INSTANTIATE_TEST_SUITE_P(
    Watchdog, EveryHang,
    ::testing::Values(Hang{"Stopped", Fault::Sort::stopped, Kind::silent},
                      Hang{"InSetup", Fault::Sort::hangs_in_setup, Kind::long_call},
                      Hang{"InProcess", Fault::Sort::hangs_in_process, Kind::long_call},
                      Hang{"TakesNothing", Fault::Sort::takes_nothing, Kind::untaken},
                      Hang{"AllIdle", Fault::Sort::all_idle, Kind::standstill}),
    [](const auto& each) { return each.param.name; });

// One worker of one stage, and what happens to it said by hand.
class OneWorker : public ::testing::Test {
 protected:
  void hear(Time from, Time to, bool in_call) {
    for (Time at = from; at < to; at += 100ms) {
      advance(at);
      watchdog.heard(1, in_call);
    }
  }
  void advance(Time at) {
    watchdog.advance(at);
    watchdog.heard(2, false);
  }

  Watchdog watchdog{{{10s, 0s}, 4s}, 3};
};

TEST_F(OneWorker, InALongCallIsNamedWhenItsStagesPatienceIsOver) {
  watchdog.note(Command{Assign{1, 0, 0, 1, false, false}});
  hear(0s, 1s, false);
  hear(1s, 10s, true);
  EXPECT_FALSE(watchdog.stall());
  hear(10s, 13s, true);
  ASSERT_TRUE(watchdog.stall());
  EXPECT_EQ(watchdog.stall()->kind, Kind::long_call);
}

TEST_F(OneWorker, WhoseProcessIsStoppedIsNamedByItsSilence) {
  watchdog.note(Command{Assign{1, 0, 0, 1, false, false}});
  hear(0s, 1s, true);
  for (Time at = 1s; at <= 4800ms; at += 100ms) advance(at);
  EXPECT_FALSE(watchdog.stall());
  for (Time at = 4900ms; at <= 5100ms; at += 100ms) advance(at);
  ASSERT_TRUE(watchdog.stall());
  EXPECT_EQ(watchdog.stall()->kind, Kind::silent);
}

TEST_F(OneWorker, IsNotBlamedForTheTimeInWhichNobodyListened) {
  watchdog.note(Command{Assign{1, 0, 0, 1, false, false}});
  hear(0s, 1s, true);
  advance(3600s);
  EXPECT_FALSE(watchdog.stall());
}

TEST_F(OneWorker, ThatIsLostIsNotWaitedFor) {
  watchdog.note(Command{Assign{1, 0, 0, 1, false, false}});
  hear(0s, 1s, true);
  watchdog.gone(1);
  for (Time at = 1s; at <= 9s; at += 100ms) advance(at);
  EXPECT_FALSE(watchdog.stall());
}

TEST_F(OneWorker, MayWaitForRoomAsLongAsItMust) {
  watchdog.note(Command{Assign{1, 0, 0, 1, false, false}});
  watchdog.note(Event{WorkerReady{1}});
  watchdog.note(Command{Grant{0, 1, 1, 1, 1}});
  watchdog.note(Event{Taken{1, 1, 0}});
  watchdog.note(Event{Finished{1, 1, 1, 0, false, {}}});
  watchdog.note(Command{Grant{0, 1, 2, 1, 1}});
  // The next stage has patience without end, and its worker is in a call.
  watchdog.note(Command{Assign{2, 1, 0, 1, false, false}});
  for (Time at = 0s; at < 60s; at += 100ms) {
    watchdog.advance(at);
    watchdog.heard(1, false);
    watchdog.heard(2, true);
    ASSERT_FALSE(watchdog.stall()) << at.count();
  }
}

/// A rank that takes turns while its stage has several batches.
class Continuous : public ::testing::Test {
 protected:
  void SetUp() override {
    watchdog_.note(Command{Assign{1, 0, 0, 1, false, false}});
    watchdog_.note(Event{WorkerReady{1}});
  }
  void take(BatchId batch) { watchdog_.note(Event{Taken{1, batch, 0, batch * 10}}); }
  void pass(Time time) {
    const Time until = now_ + time;
    for (; now_ < until; now_ += 10ms) {
      watchdog_.advance(now_);
      watchdog_.heard(1, false);
    }
  }

  Watchdog watchdog_{{.stall_after = {1s}, .continuous = {true}}, 2};
  Time now_{0};
};

TEST_F(Continuous, OneBatchOfSeveralThatHangsIsNamed) {
  take(1);
  for (BatchId batch = 2; batch < 12; ++batch) {
    take(batch);
    pass(150ms);
    watchdog_.note(Event{Finished{1, batch, 0, 0, true, {}}});
    EXPECT_EQ(watchdog_.stall().has_value(), batch > 9) << batch;
  }
  const auto stall = watchdog_.stall();
  ASSERT_TRUE(stall);
  EXPECT_EQ(stall->kind, Kind::long_batch);
  EXPECT_EQ(watchdog_.ranks()[1].oldest()->first_input, 10u);
}

TEST_F(Continuous, ABatchThatBeginsAgainHasItsTimeAgain) {
  take(1);
  for (int i = 0; i < 5; ++i) {
    pass(700ms);
    EXPECT_FALSE(watchdog_.stall());
    watchdog_.note(Event{Begun{1, 1}});
  }
  watchdog_.note(Event{Finished{1, 1, 0, 0, true, {}}});
  watchdog_.note(Event{Begun{1, 1}});
  EXPECT_EQ(watchdog_.ranks()[1].oldest(), nullptr);
}

TEST(Watchdog, ContinuousBatchesThatMayTakeAsLongAsTheyLikeAreNoStandstill) {
  Watchdog watchdog({.stall_after = {Time{0}, 1s}, .continuous = {true, false}}, 2);
  watchdog.note(Command{Assign{1, 0, 0, 1, false, false}});
  watchdog.note(Event{WorkerReady{1}});
  watchdog.note(Event{Taken{1, 1, 0, 0}});
  auto wait = [&watchdog, now = Time{0}](Time time) mutable {
    for (const Time until = now + time; now < until; now += 10ms) {
      watchdog.advance(now);
      watchdog.heard(1, false);
    }
  };
  wait(5s);
  EXPECT_FALSE(watchdog.stall());
  watchdog.note(Event{Finished{1, 1, 0, 0, true, {}}});
  wait(5s);
  ASSERT_TRUE(watchdog.stall());
  EXPECT_EQ(watchdog.stall()->kind, Kind::standstill);
}

}  // namespace
}  // namespace sluice::control
