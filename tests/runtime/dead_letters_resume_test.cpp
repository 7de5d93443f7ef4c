// Streaming runs with records that cannot be processed, which break off and go on.
#include "runtime/poison.hpp"

#include <fstream>
#include <random>
#include <sstream>

namespace sluice {
namespace {

using store::ScratchFolder;
using testing::Fan;
using testing::Item;
using testing::items;
using testing::Poisoned;

/// A sink that writes a batch whole or not at all, and some records never.
class PickySink : public Stage<Item, Item> {
 public:
  PickySink() = default;
  PickySink(const PickySink& other) : Stage(other) {}

  void setup(const WorkerContext& context) override {
    const auto path = context.output("out.txt");
    std::filesystem::create_directories(path.parent_path());
    out_.open(path);
  }
  void process(Batch<Item>& batch, Emitter<Item>& out) override {
    std::string lines;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (testing::is_poison(batch[i], 13)) throw std::runtime_error("cannot be written");
      lines += std::to_string(batch[i].number) + ' ' + batch[i].trail + '\n';
    }
    out_ << lines;
    for (std::size_t i = 0; i < batch.size(); ++i) out.emit(i, batch[i]);
  }
  void teardown() override { out_.close(); }

 private:
  std::ofstream out_;
};

/// Breaks the run off after so many records.
std::atomic<int> records_left{-1};

class Breaking : public MapStage<Item, Item> {
 public:
  Item map(Item item) override {
    if (records_left.fetch_sub(1) == 0) throw IoError("broken off");
    return item;
  }
};

Pipeline<Item, Item> pipeline_of(std::uint64_t seed) {
  const auto batch_size = 1 + seed % 5;
  return Pipeline<Item>("resumed")
      .then(Fan("a", 4), {.name = "a", .batch_size = 3})
      .then(Poisoned(15, seed % 2 == 0),
            {.name = "poisoned", .batch_size = batch_size, .on_failure = OnFailure::dead_letter})
      .then(PickySink(), {.name = "sink",
                          .batch_size = batch_size + 1,
                          .workers = 1,
                          .writes_at_teardown = true,
                          .on_failure = OnFailure::dead_letter})
      .then(Breaking(), {.name = "breaking"});
}

std::multiset<std::string> lines_in(const std::filesystem::path& folder) {
  std::multiset<std::string> lines;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (!entry.path().filename().string().starts_with("out.")) continue;
    std::istringstream text(store::read_text(entry.path()));
    for (std::string line; std::getline(text, line);) lines.insert(line);
  }
  return lines;
}

PipelineSpec<Item, Item> spec_of(std::uint64_t seed, Mode mode, const ScratchFolder& folder) {
  PipelineSpec spec(pipeline_of(seed), items(150));
  spec.options.mode = mode;
  spec.options.run_dir = folder.path();
  spec.options.max_dead_letters = 1;
  return spec;
}

TEST(DeadLetters, AreThoseOfADebugRunHoweverOftenAStreamingRunBreaksOff) {
  std::uint64_t attempts = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    std::mt19937_64 random(seed);
    const ScratchFolder debug;
    records_left = -1;
    run_pipeline(spec_of(seed, Mode::debug, debug));
    const auto dead = testing::dead_records(testing::letters_in(debug.path()));
    ASSERT_GT(dead.size(), 5u);

    const ScratchFolder folder;
    auto spec = spec_of(seed, Mode::streaming, folder);
    spec.options.journal = true;
    spec.options.commit_every = std::chrono::milliseconds(1);
    for (bool done = false; !done; ++attempts) {
      records_left = attempts % 6 == 5 ? -1 : static_cast<int>(random() % 150);
      try {
        EXPECT_EQ(run_pipeline(spec).status.dead_letters, dead.size()) << "seed " << seed;
        done = true;
      } catch (const Error& error) {
        ASSERT_EQ(error.code(), ExitCode::io) << error.what();
        spec.options.resume = true;
      }
    }
    EXPECT_EQ(lines_in(folder.path()), lines_in(debug.path())) << "seed " << seed;
    EXPECT_EQ(testing::dead_records(testing::letters_in(folder.path())), dead) << "seed " << seed;
  }
  EXPECT_GT(attempts, 20u) << "most runs were broken off";
}

}  // namespace
}  // namespace sluice
