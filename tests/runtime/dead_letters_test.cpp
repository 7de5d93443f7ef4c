// Records that cannot be processed, in the three modes.
#include "runtime/poison.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <mutex>

namespace sluice {
namespace {

using store::ScratchFolder;
using testing::Antidote;
using testing::around;
using testing::dead_records;
using testing::Fan;
using ::testing::HasSubstr;
using testing::Item;
using testing::items;
using testing::letters_in;
using testing::Poisoned;
using testing::poisoned_run;
using testing::Stamp;

constexpr Mode modes[] = {Mode::debug, Mode::streaming, Mode::batch};

std::string error_of(const PipelineSpec<Item, Item>& spec, ExitCode code) {
  try {
    run_pipeline(spec);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "the run should have failed";
  return "";
}

TEST(DeadLetters, TheOutputIsThatOfARunWithoutThePoisonAndEachPoisonRecordIsWrittenDownOnce) {
  constexpr int inputs = 400;
  for (std::size_t seed = 1; seed <= 6; ++seed) {
    const ScratchFolder folder;
    const Antidote antidote(100);
    const auto expected =
        run_pipeline(poisoned_run(around(antidote, 7, 1), inputs, Mode::debug, folder.path()))
            .outputs;
    ASSERT_GT(antidote.dropped(), 0u);
    EXPECT_TRUE(letters_in(folder.path()).empty());
    const auto poisoned = around(Poisoned(100, seed % 2 == 0), 1 + 7 * (seed / 2), 1 + seed % 3);
    std::set<std::pair<std::uint64_t, std::vector<std::uint32_t>>> dead;
    for (const auto mode : modes) {
      const auto result = run_pipeline(poisoned_run(poisoned, inputs, mode, folder.path()));
      EXPECT_EQ(result.outputs, expected) << "seed " << seed;
      EXPECT_EQ(result.status.dead_letters, antidote.dropped());
      EXPECT_EQ(result.status.done, static_cast<std::uint64_t>(inputs));
      const auto records = dead_records(letters_in(folder.path()));
      EXPECT_EQ(records.size(), antidote.dropped());
      if (mode == Mode::debug) dead = records;
      EXPECT_EQ(records, dead) << "seed " << seed;
    }
  }
}

TEST(DeadLetters, MayBeOfTheLastStageWhoseOutputsNobodyWants) {
  for (const auto mode : modes) {
    const ScratchFolder folder;
    const auto pipeline = Pipeline<Item>("last").then(
        Poisoned(10, false),
        {.name = "last", .batch_size = 8, .on_failure = OnFailure::dead_letter});
    auto spec = poisoned_run(pipeline, 100, mode, folder.path());
    spec.collect = spec.in_order = false;
    spec.options.max_dead_letters = 1;
    const auto status = run_pipeline(spec).status;
    EXPECT_EQ(status.done, 100u);
    EXPECT_GT(status.dead_letters, 0u);
    EXPECT_EQ(dead_records(letters_in(folder.path())).size(), status.dead_letters);
  }
}

struct Keyed {
  std::string key;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(key);
  }
};

TEST(DeadLetters, SayWhichRecordOfWhichInputWhereAndWhy) {
  class Halve : public Stage<Item, Keyed> {
   public:
    void process(Batch<Item>& batch, Emitter<Keyed>& out) override {
      for (std::size_t i = 0; i < batch.size(); ++i) {
        for (const char* half : {"/left", "/right"}) {
          out.emit(i, {std::to_string(batch[i].number) + half});
        }
      }
    }
  };
  const auto refuse = map<Keyed>([](Keyed keyed) {
    if (keyed.key == "3/right") throw std::runtime_error("not \"this\" one");
    return Item{};
  });
  for (const auto mode : modes) {
    const ScratchFolder folder;
    const auto pipeline =
        Pipeline<Item>("p")
            .then(Halve{}, {.name = "halve"})
            .then(refuse, {.name = "refuse", .attempts = 2, .on_failure = OnFailure::dead_letter});
    run_pipeline(poisoned_run(pipeline, 20, mode, folder.path()));
    const auto letters = letters_in(folder.path());
    ASSERT_EQ(letters.size(), 1u);
    const auto& letter = letters.front();
    EXPECT_EQ(letter.input, 3u);
    EXPECT_EQ(letter.key, "input 3");
    EXPECT_EQ(letter.path, std::vector<std::uint32_t>{1});
    EXPECT_EQ(letter.record, "3/right");
    EXPECT_EQ(letter.stage, "refuse");
    EXPECT_EQ(letter.error, "not \"this\" one");
    EXPECT_EQ(letter.attempts, 2u);
    EXPECT_EQ(letter.rank > 0, mode != Mode::debug);
    EXPECT_FALSE(letter.node.empty());
    EXPECT_EQ(letter.time.size(), std::string("2026-01-02T03:04:05Z").size());
  }
}

TEST(DeadLetters, OfAnEarlierRunInTheSameFolderAreReplaced) {
  for (const auto mode : modes) {
    const ScratchFolder folder;
    store::write_text(folder / "dead_letters.jsonl", "{\"input\": 7}\n");
    run_pipeline(poisoned_run(Pipeline<Item>("p").then(Stamp("a")), 5, mode, folder.path()));
    EXPECT_FALSE(std::filesystem::exists(folder / "dead_letters.jsonl"));
  }
}

TEST(DeadLetters, StopTheRunWhenTheyAreTooMany) {
  for (const auto mode : modes) {
    const ScratchFolder folder;
    auto spec = poisoned_run(around(Poisoned(2, false), 4, 1), 100, mode, folder.path());
    spec.options.max_dead_letters = 0.05;
    const auto error = error_of(spec, ExitCode::stage);
    EXPECT_THAT(error, HasSubstr("of 100 inputs ("));
    EXPECT_THAT(error, HasSubstr("max_dead_letters allows 5%. The last one is 'input "));
    EXPECT_THAT(error, HasSubstr("which stage 'poisoned' gave up after "));
    EXPECT_THAT(error, HasSubstr(": poison. All are in '" + folder.path().string()));
    EXPECT_GE(letters_in(folder.path()).size(), 6u) << "what is counted is written down";
  }
}

// Fails so often before it passes on a record.
class Flaky : public MapStage<Item, Item> {
 public:
  explicit Flaky(int failures) : failures_(failures) {}
  Item map(Item item) override {
    const std::lock_guard lock(seen_->mutex);
    if (seen_->failures[item.number]++ < failures_) throw std::runtime_error("flaky");
    return item;
  }

 private:
  struct Seen {
    std::mutex mutex;
    std::map<int, int> failures;
  };
  int failures_;
  std::shared_ptr<Seen> seen_ = std::make_shared<Seen>();
};

TEST(Attempts, HelpRecordsThatFailNowAndThen) {
  for (const auto mode : modes) {
    const ScratchFolder folder;
    const auto pipeline =
        Pipeline<Item>("p").then(Flaky(2), {.name = "flaky", .batch_size = 4, .attempts = 3});
    const auto result = run_pipeline(poisoned_run(pipeline, 50, mode, folder.path()));
    EXPECT_EQ(result.outputs, items(50));
    EXPECT_EQ(result.status.dead_letters, 0u);
  }
}

TEST(Attempts, ThatFailStopTheRunAndNameStageRecordAndHowOftenItWasTried) {
  const auto thirteen = map<Item>([](const Item& item) -> Item {
    if (item.number == 13) throw InputError("thirteen");
    return item;
  });
  for (const auto mode : modes) {
    const ScratchFolder folder;
    const auto pipeline =
        Pipeline<Item>("p").then(thirteen, {.name = "unlucky", .batch_size = 5, .attempts = 2});
    EXPECT_EQ(error_of(poisoned_run(pipeline, 40, mode, folder.path()), ExitCode::input),
              "stage 'unlucky' failed on record 'input 13' after 4 attempts: thirteen");
    EXPECT_TRUE(letters_in(folder.path()).empty());
  }
}

TEST(Attempts, OutputsThatCannotBeWrittenAreNoRecordsFault) {
  const auto full = map<Item>([](const Item&) -> Item { throw IoError("no space left"); });
  for (const auto mode : modes) {
    const ScratchFolder folder;
    const auto pipeline = Pipeline<Item>("p").then(
        full,
        {.name = "sink", .batch_size = 4, .attempts = 2, .on_failure = OnFailure::dead_letter});
    EXPECT_THAT(error_of(poisoned_run(pipeline, 40, mode, folder.path()), ExitCode::io),
                HasSubstr("after 2 attempts: no space left"));
    EXPECT_TRUE(letters_in(folder.path()).empty());
  }
}

struct Payload {
  Buffer bytes;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(bytes);
  }
};

// Writes into its input, and then fails at first.
class Scribbler : public MapStage<Payload, Item> {
 public:
  Item map(Payload payload) override {
    auto* bytes = payload.bytes.mutable_data();
    if (bytes[0] != std::byte{1}) throw std::logic_error("somebody has written here");
    bytes[0] = std::byte{2};
    if (!failed_) {
      failed_ = true;
      throw std::runtime_error("once");
    }
    failed_ = false;
    return {};
  }

 private:
  bool failed_ = false;
};

TEST(Attempts, GetTheBatchAsItCame) {
  const auto make = map<Item>([](const Item&) {
    Buffer buffer(std::size_t{1} << 16);
    buffer.mutable_data()[0] = std::byte{1};
    return Payload{buffer};
  });
  for (const auto mode : modes) {
    const ScratchFolder folder;
    const auto pipeline = Pipeline<Item>("p")
                              .then(make, {.name = "make"})
                              .then(Scribbler{}, {.name = "scribble", .attempts = 2});
    EXPECT_EQ(run_pipeline(poisoned_run(pipeline, 20, mode, folder.path())).outputs.size(), 20u);
  }
}

// Batch mode: the run breaks off at a record, once.
class Breaking : public MapStage<Item, Item> {
 public:
  Breaking(int at, std::atomic<bool>* broken) : at_(at), broken_(broken) {}
  Item map(Item item) override {
    if (item.number == at_ && !broken_->exchange(true)) throw IoError("broken off");
    if (item.number % 10 == 3) throw std::runtime_error("poison");
    return item;
  }

 private:
  int at_;
  std::atomic<bool>* broken_;
};

TEST(DeadLetters, AreWrittenDownOnceHoweverOftenABatchRunBreaksOff) {
  for (const int at : {2, 17, 44, 99}) {
    const ScratchFolder folder;
    std::atomic<bool> broken = false;
    const StageSpec spec{.name = "breaking", .batch_size = 2, .on_failure = OnFailure::dead_letter};
    const auto pipeline =
        Pipeline<Item>("p")
            .then(Poisoned(20, false), {.name = "first", .on_failure = OnFailure::dead_letter})
            .then(Breaking(at, &broken), spec);
    auto run = poisoned_run(pipeline, 100, Mode::batch, folder.path());
    run.options.workers = 2;
    run.options.max_dead_letters = 1;
    run.options.batch.publish_every = std::chrono::nanoseconds(1);
    error_of(run, ExitCode::io);
    // Another line than the run's own, as a crash in the middle of one leaves it.
    std::ofstream(folder / "dead_letters.jsonl", std::ios::app) << R"({"input": 1, "key": "in)";
    run.options.resume = true;
    const auto resumed = run_pipeline(run);
    const auto letters = letters_in(folder.path());
    const auto dead = dead_records(letters);
    EXPECT_EQ(resumed.status.dead_letters, letters.size());
    EXPECT_EQ(resumed.outputs.size() + dead.size(), 100u) << "at " << at;
    for (const auto& item : resumed.outputs) {
      EXPECT_FALSE(dead.contains({static_cast<std::uint64_t>(item.number), {}})) << item.number;
    }
  }
}

}  // namespace
}  // namespace sluice
