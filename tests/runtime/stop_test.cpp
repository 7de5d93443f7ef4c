#include "runtime/hang.hpp"
#include "runtime/pipelines.hpp"
#include "store/scratch_folder.hpp"

#include <atomic>
#include <csignal>
#include <thread>

namespace sluice {
namespace {

using testing::Item;
using testing::items;

// Raises a signal in the process once it has processed so many records, and counts.
class Raiser : public MapStage<Item, Item> {
 public:
  Raiser(int signal, int at, std::atomic<int>* processed)
      : signal_(signal), at_(at), processed_(processed) {}
  Item map(Item item) override {
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    if (++*processed_ == at_) std::raise(signal_);
    return item;
  }

 private:
  int signal_;
  int at_;
  std::atomic<int>* processed_;
};

struct Outcome {
  std::string error;  ///< empty: none
  std::uint64_t done = 0;
  int processed = 0;
};

Outcome run_and_raise(Mode mode, int signal, int at, int count,
                      const store::ScratchFolder& folder) {
  Outcome outcome;
  std::atomic<int> processed{0};
  PipelineSpec spec(Pipeline<Item>("p")
                        .then(testing::Stamp("a"), {.name = "a", .batch_size = 3})
                        .then(Raiser(signal, at, &processed), {.name = "b", .batch_size = 2}),
                    items(count));
  spec.options.mode = mode;
  spec.options.launch = Launch::threads;
  spec.options.run_dir = folder.path();
  spec.collect = true;
  spec.options.on_status = [&](const RunStatus& status) { outcome.done = status.done; };
  spec.options.status_interval = std::chrono::nanoseconds(1);
  try {
    run_pipeline(spec);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::stopped) << error.what();
    outcome.error = error.what();
  }
  outcome.processed = processed;
  return outcome;
}

// At seeded moments: what was admitted is finished, and all that is told is true.
TEST(Stop, EndsTheInputAndFinishesWhatIsInFlight) {
  for (const auto mode : {Mode::streaming, Mode::debug}) {
    for (const int at : {1, 2, 17, 60, 133}) {
      const store::ScratchFolder folder;
      const auto outcome = run_and_raise(mode, SIGTERM, at, 20'000, folder);
      EXPECT_EQ(outcome.error.rfind("stopped early by SIGTERM: ", 0), 0u) << outcome.error;
      EXPECT_NE(outcome.error.find(std::to_string(outcome.processed) + " of 20000 inputs are done"),
                std::string::npos)
          << outcome.error << "\nprocessed: " << outcome.processed;
      EXPECT_GE(outcome.processed, at);
      EXPECT_LT(outcome.processed, 20'000);
    }
  }
}

TEST(Stop, ThatComesWhenAllIsAdmittedLetsTheRunEndWell) {
  const store::ScratchFolder folder;
  for (const auto mode : {Mode::streaming, Mode::debug}) {
    EXPECT_EQ(run_and_raise(mode, SIGINT, 40, 40, folder).error, "");
  }
}

TEST(Stop, OfABatchRunKeepsWhatIsDoneForTheNextOne) {
  const store::ScratchFolder folder;
  const auto stopped = run_and_raise(Mode::batch, SIGUSR1, 100, 3'000, folder);
  EXPECT_NE(stopped.error.find("records with stage 'b', the 2. of 2"), std::string::npos)
      << stopped.error;
  EXPECT_NE(stopped.error.find("sluice resume"), std::string::npos) << stopped.error;
  std::atomic<int> processed{0};
  PipelineSpec spec(Pipeline<Item>("p")
                        .then(testing::Stamp("a"), {.name = "a", .batch_size = 3})
                        .then(Raiser(SIGUSR1, -1, &processed), {.name = "b", .batch_size = 2}),
                    items(3'000));
  spec.options.mode = Mode::batch;
  spec.options.launch = Launch::threads;
  spec.options.run_dir = folder.path();
  spec.options.resume = true;
  spec.collect = true;
  spec.in_order = true;
  const auto result = run_pipeline(spec);
  EXPECT_EQ(result.outputs.size(), 3'000u);
  EXPECT_EQ(processed + stopped.processed, 3'000) << "nothing is done twice";
}

volatile std::sig_atomic_t own_handler_called = 0;

TEST(Stop, LeavesTheProgramsOwnHandlersAsTheyWere) {
  std::signal(SIGUSR1, [](int) { own_handler_called = 1; });
  const store::ScratchFolder folder;
  EXPECT_NE(run_and_raise(Mode::streaming, SIGUSR1, 5, 5'000, folder).error, "");
  EXPECT_EQ(own_handler_called, 0);
  std::raise(SIGUSR1);
  EXPECT_EQ(own_handler_called, 1);
  std::signal(SIGUSR1, SIG_DFL);
}

TEST(Stop, IsNotForAProgramThatHandlesSignalsItself) {
  own_handler_called = 0;
  std::signal(SIGUSR1, [](int) { own_handler_called = 1; });
  std::atomic<int> processed{0};
  PipelineSpec spec(Pipeline<Item>("p").then(Raiser(SIGUSR1, 5, &processed)), items(50));
  spec.options.launch = Launch::threads;
  spec.options.handle_signals = false;
  EXPECT_EQ(run_pipeline(spec).status.done, 50u);
  EXPECT_EQ(own_handler_called, 1);
  std::signal(SIGUSR1, SIG_DFL);
}

TEST(Stop, OfAnIgnoredSignalStaysIgnored) {
  std::signal(SIGUSR1, SIG_IGN);
  const store::ScratchFolder folder;
  EXPECT_EQ(run_and_raise(Mode::streaming, SIGUSR1, 5, 50, folder).error, "");
  std::signal(SIGUSR1, SIG_DFL);
}

TEST(Stop, BeforeARunHasBegunSaysWhetherThereIsSomethingToResume) {
  ErasedSpec spec;
  spec.options.run_dir = "runs/a";
  spec.options.journal = true;
  EXPECT_EQ(
      runtime::not_begun_text(spec, SIGTERM, "its artifacts"),
      "stopped early by SIGTERM: it waited for its artifacts and had done nothing yet; there is "
      "nothing to resume: run it again");
  spec.options.resume = true;
  EXPECT_EQ(runtime::not_begun_text(spec, SIGTERM, "its ranks"),
            "stopped early by SIGTERM: it waited for its ranks and had done nothing yet; what was "
            "done before is safe, and 'sluice resume runs/a' goes on with it");
}

}  // namespace
}  // namespace sluice
