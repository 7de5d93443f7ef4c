// A process stage that has several batches at once.
#include "process/scene.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <map>
#include <thread>

namespace sluice::process {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Deep : public Scene {
 public:
  Deep(ProcessOptions options, std::size_t depth) : Scene(std::move(options)) {
    set_depth(depth);
    set_up();
    stage().wake_with([this] {
      ++wakes_;
      wakes_.notify_one();
    });
  }
  Deep(std::vector<std::string> arguments, std::size_t depth)
      : Deep(options(std::move(arguments)), depth) {}

  void submit(std::uint64_t ticket, const std::string& key) {
    stage().submit(ticket, Batch<Record>(records_named({key})));
  }

  /// The next answer, for which it sleeps until it is woken.
  Answer<Record> next() {
    while (true) {
      const int before = wakes_;
      if (auto answer = stage().poll()) return *std::move(answer);
      wakes_.wait(before);
    }
  }
  std::vector<std::uint64_t> tickets(int count) {
    std::vector<std::uint64_t> found;
    for (int i = 0; i < count; ++i) {
      auto answer = next();
      EXPECT_EQ(answer.outcome, sluice::Outcome::done);
      found.push_back(answer.ticket);
    }
    return found;
  }

 private:
  std::atomic<int> wakes_ = 0;
};

std::string text_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& thrown) {
    return thrown.what();
  }
}

TEST(DeepProcess, AnswersComeInTheProcessesOrder) {
  Deep deep({"gathers", "3"}, 3);
  for (std::uint64_t ticket = 1; ticket <= 3; ++ticket) {
    deep.submit(ticket * 10, "k" + std::to_string(ticket));
  }
  const auto first = deep.next();
  EXPECT_EQ(first.ticket, 30u);
  auto outputs = *first.outputs;
  EXPECT_EQ(outputs.records(), records_named({"k3"}));
  EXPECT_THAT(deep.tickets(2), ElementsAre(20, 10));
  deep.stage().teardown();
  EXPECT_THAT(children(), IsEmpty());
}

// Results keep their places while others are written, and are let go of in any order.
TEST(DeepProcess, ManyBatchesThroughLittleMemory) {
  auto options = Scene::options({"gathers", "4"});
  options.shared_memory = 100'000;  // holds a few batches of 10,000 bytes each
  Deep deep(options, 20);
  std::map<std::uint64_t, Answer<Record>> kept;
  std::uint64_t next = 1;
  for (; next <= 20; ++next) deep.submit(next, "k" + std::to_string(next));
  for (int i = 0; i < 200; ++i) {
    auto answer = deep.next();
    ASSERT_EQ(answer.outcome, sluice::Outcome::done) << text_of(answer.error);
    ASSERT_EQ(answer.outputs->records(), records_named({"k" + std::to_string(answer.ticket)}));
    kept[answer.ticket] = std::move(answer);
    if (kept.size() > 10) kept.erase(kept.begin());
    deep.submit(next, "k" + std::to_string(next));
    ++next;
  }
  deep.tickets(20);
  deep.stage().teardown();
}

TEST(DeepProcess, AKillLosesAllThatItHasAndBlamesNone) {
  Deep deep({"gathers", "9"}, 3);
  for (const std::uint64_t ticket : {1, 2, 3}) deep.submit(ticket, "k");
  for (const auto child : children()) ::kill(child, SIGKILL);
  for (const std::uint64_t ticket : {1, 2, 3}) {
    const auto answer = deep.next();
    EXPECT_EQ(answer.ticket, ticket);
    EXPECT_EQ(answer.outcome, sluice::Outcome::killed);
  }
  for (const std::uint64_t ticket : {1, 2, 3}) deep.submit(ticket, "k");
  EXPECT_THAT(deep.tickets(3), SizeIs(3));
  deep.stage().teardown();
  EXPECT_THAT(children(), IsEmpty());
}

TEST(DeepProcess, ACrashSaysHowManyBatchesWereInIt) {
  Deep deep({"gathers", "2", "crashes", "bad"}, 2);
  deep.submit(1, "good");
  deep.submit(2, "bad");
  const auto answer = deep.next();
  EXPECT_EQ(answer.outcome, sluice::Outcome::lost);
  EXPECT_THAT(text_of(answer.error),
              AllOf(HasSubstr("died with 2 batches in it"), HasSubstr("about to crash")));
  EXPECT_EQ(deep.next().outcome, sluice::Outcome::lost);
  deep.submit(1, "good");
  EXPECT_THAT(deep.tickets(1), ElementsAre(1));
}

TEST(DeepProcess, OneThatFailsLeavesTheOthersAsTheyAre) {
  Deep deep({"fails", "bad"}, 3);
  deep.submit(1, "bad");
  deep.submit(2, "good");
  const auto failed = deep.next();
  EXPECT_EQ(failed.outcome, sluice::Outcome::failed);
  EXPECT_THROW(std::rethrow_exception(failed.error), RecordError);
  EXPECT_THAT(deep.tickets(1), ElementsAre(2));
}

TEST(DeepProcess, ABatchThatCannotFitHasFailed) {
  auto options = Scene::options({"echo"});
  options.shared_memory = 1 << 20;
  Deep deep(options, 2);
  deep.stage().submit(1, Batch<Record>(records_named(std::vector<std::string>(200, "k"))));
  const auto answer = deep.next();
  ASSERT_EQ(answer.outcome, sluice::Outcome::failed);
  EXPECT_THAT(text_of(answer.error), HasSubstr("more than the shared memory"));
}

TEST(DeepProcess, TeardownWaitsForWhatIsInside) {
  Deep deep({"gathers", "2"}, 3);
  deep.submit(1, "k");
  deep.submit(2, "k");
  deep.stage().poll();
  deep.stage().teardown();
  EXPECT_THAT(children(), IsEmpty());
}

// One after the other, for the modes that have no depth.
TEST(DeepProcess, CanBeAskedForOneBatchToo) {
  Scene scene({"gathers", "1"});
  scene.set_up();
  EXPECT_EQ(scene.process(records_named({"a"})).records, records_named({"a"}));
  EXPECT_EQ(scene.process(records_named({"b"})).records, records_named({"b"}));
}

}  // namespace
}  // namespace sluice::process
