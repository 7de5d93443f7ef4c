#include "runtime/pipelines.hpp"
#include "store/scratch_folder.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

namespace sluice {
namespace {

using ::testing::EndsWith;
using testing::Item;
using testing::items;
using testing::Stamp;
using ::testing::StartsWith;

RunResult<Item> run(const Pipeline<Item, Item>& pipeline, int count, std::size_t workers,
                    Mode mode = Mode::streaming) {
  PipelineSpec spec(pipeline, items(count));
  spec.options.mode = mode;
  spec.options.launch = Launch::threads;
  spec.options.workers = workers;
  return run_pipeline(spec);
}

std::string error_of(const Pipeline<Item, Item>& pipeline, ExitCode code, Mode mode) {
  try {
    run(pipeline, 40, 4, mode);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "the run should have failed";
  return "";
}

// What the workers of a Recorder did; shared, since every worker has its own copy of the stage.
struct Log {
  std::mutex mutex;
  int node_setups = 0;
  int setups = 0;
  int teardowns = 0;
  bool setup_before_node = false;
  bool process_without_setup = false;
  std::set<std::size_t> workers;
};

class Recorder : public Stage<Item, Item> {
 public:
  explicit Recorder(Log* log) : log_(log) {}

  void setup_on_node(const WorkerContext&) override {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const std::lock_guard lock(log_->mutex);
    ++log_->node_setups;
  }
  void setup(const WorkerContext& context) override {
    const std::lock_guard lock(log_->mutex);
    ++log_->setups;
    log_->setup_before_node = log_->setup_before_node || log_->node_setups == 0;
    log_->workers.insert(context.worker);
    EXPECT_EQ(context.workers, 4u);
    EXPECT_EQ(context.stage, "recorder");
    ready_ = true;
  }
  void process(Batch<Item>& batch, Emitter<Item>& out) override {
    if (!ready_) {
      const std::lock_guard lock(log_->mutex);
      log_->process_without_setup = true;
    }
    for (std::size_t i = 0; i < batch.size(); ++i) out.emit(i, batch[i]);
  }
  void teardown() override {
    const std::lock_guard lock(log_->mutex);
    ++log_->teardowns;
  }

 private:
  Log* log_;
  bool ready_ = false;
};

TEST(Lifecycle, NodeSetUpComesOnceThenEveryWorkersThenTeardown) {
  Log log;
  run(Pipeline<Item>("p").then(Recorder(&log), {.name = "recorder", .workers = 4}), 100, 4);
  EXPECT_EQ(log.node_setups, 1);
  EXPECT_EQ(log.setups, 4);
  EXPECT_EQ(log.teardowns, 4);
  EXPECT_FALSE(log.setup_before_node);
  EXPECT_FALSE(log.process_without_setup);
  EXPECT_EQ(log.workers, (std::set<std::size_t>{0, 1, 2, 3}));
}

TEST(Lifecycle, AnInputThatEndsBeforeWorkersAreSetUpStillEndsWell) {
  Log log;
  run(Pipeline<Item>("p").then(Recorder(&log), {.name = "recorder", .workers = 4}), 0, 4);
  EXPECT_EQ(log.setups, log.teardowns);
}

// How often workers of it were set up and torn down.
struct Renewals {
  std::mutex mutex;
  std::map<std::size_t, int> setups;
  int teardowns = 0;
};

class Mortal : public MapStage<Item, Item> {
 public:
  explicit Mortal(Renewals* renewals) : renewals_(renewals) {}
  void setup(const WorkerContext& context) override {
    const std::lock_guard lock(renewals_->mutex);
    ++renewals_->setups[context.worker];
  }
  Item map(Item item) override {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return item;
  }
  void teardown() override {
    const std::lock_guard lock(renewals_->mutex);
    ++renewals_->teardowns;
  }

 private:
  Renewals* renewals_;
};

TEST(Lifecycle, WorkersThatAreTooOldAreSetUpAgainAndNothingIsLost) {
  Renewals renewals;
  const StageSpec spec{.name = "mortal",
                       .batch_size = 4,
                       .workers = 3,
                       .max_worker_lifetime = std::chrono::milliseconds(30)};
  PipelineSpec run(Pipeline<Item>("p").then(Stamp("a")).then(Mortal(&renewals), spec), items(600));
  run.collect = run.in_order = true;
  run.options.launch = Launch::threads;
  const auto outputs = run_pipeline(run).outputs;
  ASSERT_EQ(outputs.size(), 600u);
  for (int i = 0; i < 600; ++i) EXPECT_EQ(outputs[static_cast<std::size_t>(i)], (Item{i, "a"}));
  int setups = 0;
  for (const auto& [worker, count] : renewals.setups) setups += count;
  EXPECT_EQ(renewals.setups.size(), 3u) << "they are the same workers";
  EXPECT_GT(setups, 3);
  EXPECT_EQ(renewals.teardowns, setups);
}

enum class Where { node_setup, setup, process, teardown, foreign };

class Thrower : public Stage<Item, Item> {
 public:
  explicit Thrower(Where where) : where_(where) {}
  void setup_on_node(const WorkerContext&) override { fail_at(Where::node_setup); }
  void setup(const WorkerContext&) override { fail_at(Where::setup); }
  void process(Batch<Item>& batch, Emitter<Item>& out) override {
    if (where_ == Where::foreign) throw 42;
    fail_at(Where::process);
    for (std::size_t i = 0; i < batch.size(); ++i) out.emit(i, batch[i]);
  }
  void teardown() override { fail_at(Where::teardown); }

 private:
  void fail_at(Where here) const {
    if (where_ == here) throw std::runtime_error("went wrong");
  }
  Where where_;
};

TEST(Failures, OfEveryVerbNameTheStage) {
  for (const Mode mode : {Mode::streaming, Mode::debug}) {
    const auto error = [mode](Where where) {
      return error_of(Pipeline<Item>("p").then(Stamp("a")).then(Thrower(where), {.name = "bad"}),
                      ExitCode::stage, mode);
    };
    const auto after = ") failed after 3 attempts: went wrong";
    EXPECT_THAT(error(Where::node_setup), StartsWith("stage 'bad': setup_on_node on rank "));
    EXPECT_THAT(error(Where::node_setup), EndsWith(after));
    EXPECT_THAT(error(Where::setup), StartsWith("stage 'bad': setup on rank "));
    EXPECT_THAT(error(Where::setup), EndsWith(after));
    EXPECT_EQ(error(Where::teardown), "stage 'bad' failed: went wrong");
  }
}

// Its setup fails every second time; a copy whose setup has failed must not be used again.
class Flapping : public Stage<Item, Item> {
 public:
  struct Counts {
    std::atomic<int> setups{0};
    std::atomic<int> ready{0};
    std::atomic<int> teardowns{0};
  };
  explicit Flapping(Counts* counts) : counts_(counts) {}
  void setup_on_node(const WorkerContext&) override { fail_every_second_time(); }
  void setup(const WorkerContext&) override {
    EXPECT_FALSE(failed_);
    fail_every_second_time();
    ++counts_->ready;
  }
  void process(Batch<Item>& batch, Emitter<Item>& out) override {
    for (std::size_t i = 0; i < batch.size(); ++i) out.emit(i, batch[i]);
  }
  void teardown() override { ++counts_->teardowns; }

 private:
  void fail_every_second_time() {
    failed_ = counts_->setups++ % 2 == 0;
    if (failed_) throw std::runtime_error("not yet");
  }
  Counts* counts_;
  bool failed_ = false;
};

TEST(Setup, ThatFailsHalfTheTimeIsTriedAgainWithANewCopyOfTheStage) {
  for (const Mode mode : {Mode::streaming, Mode::batch, Mode::debug}) {
    const store::ScratchFolder folder;
    Flapping::Counts counts;
    const StageSpec flapping{.name = "flapping", .workers = 3, .setup_attempts = 20};
    PipelineSpec spec(Pipeline<Item>("p").then(Flapping(&counts), flapping), items(100));
    spec.collect = true;
    spec.options.mode = mode;
    spec.options.workers = 3;
    spec.options.run_dir = folder.path();
    EXPECT_EQ(run_pipeline(spec).outputs.size(), 100u);
    EXPECT_GT(counts.ready, 0);
    EXPECT_EQ(counts.teardowns, counts.ready) << "not of a copy that is half set up";
  }
}

TEST(Setup, ThatFailsForALackOfSenseIsNotTriedAgain) {
  static std::atomic<int> setups{0};
  class Senseless : public MapStage<Item, Item> {
   public:
    void setup(const WorkerContext&) override {
      ++setups;
      throw UsageError("no such setting");
    }
    Item map(Item item) override { return item; }
  };
  const auto pipeline = Pipeline<Item>("p").then(Senseless{}, {.name = "bad", .workers = 1});
  EXPECT_THAT(error_of(pipeline, ExitCode::usage, Mode::streaming),
              EndsWith(") failed: no such setting"));
  EXPECT_EQ(setups, 1);
}

TEST(Failures, OfAWholeBatchNameItsFirstRecords) {
  const auto pipeline =
      Pipeline<Item>("p").then(Thrower(Where::process), {.name = "bad", .batch_size = 5});
  EXPECT_EQ(error_of(pipeline, ExitCode::stage, Mode::debug),
            "stage 'bad' failed on a batch of 5 records ('input 0', 'input 1', 'input 2', …): "
            "went wrong");
  // Several workers fail at once, and any of them may be heard first.
  const auto heard = error_of(pipeline, ExitCode::stage, Mode::streaming);
  EXPECT_EQ(heard.rfind("stage 'bad' failed on a batch of 5 records ('input ", 0), 0u) << heard;
  EXPECT_NE(heard.find(", …): went wrong"), std::string::npos) << heard;
}

TEST(Failures, OfForeignTypesAreReportedToo) {
  const auto pipeline = Pipeline<Item>("p").then(Thrower(Where::foreign), {.name = "bad"});
  EXPECT_NE(error_of(pipeline, ExitCode::stage, Mode::streaming).find("no std::exception"),
            std::string::npos);
}

// Writes more than it reads.
struct Lopsided {
  int value = 0;
  template <class Archive>
  void save(Archive& archive) const {
    archive(value, value);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(value);
  }
};

TEST(Failures, ARecordThatCannotBeDecodedIsNamedWithItsStage) {
  const auto pipeline =
      Pipeline<Item>("p")
          .then(map<Item>([](Item item) { return Lopsided{item.number}; }), {.name = "a"})
          .then(map<Lopsided>([](Lopsided) { return Item{}; }), {.name = "b"});
  EXPECT_EQ(error_of(pipeline, ExitCode::decode, Mode::streaming).rfind("stage 'b' failed on ", 0),
            0u);
}

TEST(Failures, KnobsThatMakeNoSenseNameStageAndKnob) {
  const auto with = [](StageSpec spec) { return Pipeline<Item>("p").then(Stamp("a"), spec); };
  EXPECT_EQ(error_of(with({.name = "a", .batch_size = 0}), ExitCode::usage, Mode::streaming),
            "stage 'a': batch_size must be at least 1");
  EXPECT_EQ(error_of(with({.name = "a", .speed = -1.0}), ExitCode::usage, Mode::debug),
            "stage 'a': speed must be between 1e-12 and 1e12 records/s");
  const auto workers = "stage 'a': workers must be between 1 and 1000000";
  EXPECT_EQ(error_of(with({.name = "a", .workers = 0}), ExitCode::usage, Mode::debug), workers);
  EXPECT_EQ(
      error_of(with({.name = "a", .workers = ~std::size_t{0}}), ExitCode::usage, Mode::streaming),
      workers);
  EXPECT_EQ(error_of(Pipeline<Item>("p"), ExitCode::usage, Mode::debug),
            "pipeline 'p' has no stages: add at least one");
}

TEST(Streaming, AnIntervalWithoutEndShowsTheStatusAtTheEndOnly) {
  int shown = 0;
  PipelineSpec spec(Pipeline<Item>("p").then(Stamp("a")), items(50));
  spec.options.launch = Launch::threads;
  spec.options.status_interval = std::chrono::nanoseconds::max();
  spec.options.on_status = [&](const RunStatus&) { ++shown; };
  run_pipeline(spec);
  EXPECT_LE(shown, 2);
}

struct Payload {
  Buffer bytes;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(bytes);
  }
};

TEST(Streaming, AStageOwnsItsInputsBuffers) {
  static std::atomic<int> copies{0};
  const auto make = map<Item>([](const Item&) { return Payload{Buffer(std::size_t{1} << 20)}; });
  const auto write = map<Payload>([](Payload payload) {
    const auto* before = payload.bytes.data();
    if (payload.bytes.mutable_data() != before) ++copies;
    return Item{};
  });
  run(Pipeline<Item>("p").then(make).then(write), 50, 2);
  EXPECT_EQ(copies, 0);
}

class Slow : public Stage<Payload, Item> {
 public:
  void process(Batch<Payload>&, Emitter<Item>&) override {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
};

TEST(Streaming, ASlowSinkStopsItsProducersAtTheBound) {
  constexpr std::uint64_t size = 100'000;
  const auto make = map<Item>([](const Item&) { return Payload{Buffer(size)}; });
  const auto pass = map<Payload>([](Payload payload) { return payload; });
  PipelineSpec spec(Pipeline<Item>("p")
                        .then(make, {.workers = 3})
                        .then(pass, {.batch_size = 4, .workers = 2})
                        .then(Slow{}, {.batch_size = 2, .workers = 2}),
                    items(300));
  spec.options.launch = Launch::threads;
  const auto status = run_pipeline(spec).status;
  EXPECT_EQ(status.channels[1].bound_records, 3u * 1 + 2u * 4);
  EXPECT_EQ(status.channels[2].bound_records, 2u * 4 + 2u * 2);
  for (const auto& channel : status.channels) {
    EXPECT_LE(channel.peak_records, channel.bound_records);
    EXPECT_LE(channel.peak_bytes, channel.bound_records * (size + 100));
  }
  EXPECT_GE(status.channels[2].peak_records, 4u);
  EXPECT_EQ(status.stages[2].records_in, 300u);
  EXPECT_EQ(status.done, 300u);
}

}  // namespace
}  // namespace sluice
