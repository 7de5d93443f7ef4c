// Streaming runs that break off and go on: whatever the moment, the output is that of a debug run.
#include "runtime/pipelines.hpp"
#include "runtime/random_pipeline.hpp"
#include "store/journal.hpp"
#include "store/scratch_folder.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>
#include <fstream>
#include <random>
#include <set>
#include <sstream>

namespace sluice {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using store::ScratchFolder;
using testing::Fan;
using ::testing::HasSubstr;
using testing::Item;
using testing::items;
using testing::Stamp;

std::string line_of(const Item& item) { return fmt::format("{} {}", item.number, item.trail); }

/// A sink as users write them: what it wrote is there once it has torn down.
class Lines : public Stage<Item, Item> {
 public:
  explicit Lines(std::string file) : file_(std::move(file)) {}
  Lines(const Lines& other) : Stage(other), file_(other.file_) {}

  void setup(const WorkerContext& context) override {
    const auto path = context.output(file_);
    fs::create_directories(path.parent_path());
    out_.open(path);
  }
  void process(Batch<Item>& batch, Emitter<Item>& out) override {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      out_ << line_of(batch[i]) << '\n';
      out.emit(i, batch[i]);
    }
  }
  void teardown() override { out_.close(); }

 private:
  std::string file_;
  std::ofstream out_;
};

/// Goes off after so many records, wherever they are processed.
std::atomic<int> fuse{-1};

class Bomb : public MapStage<Item, Item> {
 public:
  Item map(Item item) override {
    if (fuse.fetch_sub(1) == 0) throw std::runtime_error("bang");
    return item;
  }
};

std::multiset<std::string> lines_in(const fs::path& folder, const std::string& stem) {
  std::multiset<std::string> lines;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.path().filename().string().starts_with(stem)) continue;
    std::istringstream text(store::read_text(entry.path()));
    for (std::string line; std::getline(text, line);) lines.insert(line);
  }
  return lines;
}

struct Streaming {
  Streaming(const Pipeline<Item, Item>& pipeline, int count, const fs::path& run_dir)
      : spec(pipeline, items(count)) {
    spec.options.mode = Mode::streaming;
    spec.options.run_dir = run_dir;
    spec.options.journal = true;
    spec.options.commit_every = milliseconds(1);
  }
  RunStatus run() { return run_pipeline(spec).status; }
  std::string error() {
    try {
      run();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  PipelineSpec<Item, Item> spec;
};

Pipeline<Item, Item> with_sinks(const Pipeline<Item, Item>& pipeline, std::uint64_t seed) {
  const bool pinned = seed % 3 != 0;
  StageSpec first{.name = "first", .batch_size = 3, .writes_at_teardown = true};
  StageSpec second{.name = "second", .writes_at_teardown = true};
  if (pinned) first.workers = second.workers = 1;
  if (seed % 3 == 0) first.workers = 2;
  return pipeline.then(Lines("first.txt"), first)
      .then(Bomb(), {.name = "bomb", .batch_size = 1 + seed % 4})
      .then(Lines("second.txt"), second);
}

TEST(Resume, GivesWhatADebugRunGivesHoweverOftenTheRunBreaksOff) {
  std::uint64_t attempts = 0;
  std::uint64_t saved = 0;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    std::mt19937_64 random(seed);
    const auto base = testing::random_pipeline(seed);
    const auto pipeline = with_sinks(base.pipeline, seed);
    const ScratchFolder debug;
    fuse = -1;
    PipelineSpec<Item, Item> plain(pipeline, items(base.inputs));
    plain.options.mode = Mode::debug;
    plain.options.run_dir = debug.path();
    run_pipeline(plain);

    const ScratchFolder folder;
    Streaming streaming(pipeline, base.inputs, folder.path());
    for (int breaks = 0;; ++breaks) {
      streaming.spec.options.workers = (pipeline.stages().size() + 1) + random() % 4;
      fuse = breaks < 5 ? static_cast<int>(random() % 200) : -1;
      ++attempts;
      try {
        saved += streaming.run().done_before;
        break;
      } catch (const StageError&) {
      } catch (const Error& error) {
        ASSERT_THAT(error.what(), HasSubstr("bang")) << "seed " << seed;
      }
      streaming.spec.options.resume = true;
    }
    for (const auto* file : {"first", "second"}) {
      EXPECT_EQ(lines_in(folder.path(), file), lines_in(debug.path(), file)) << "seed " << seed;
    }
    EXPECT_FALSE(fs::exists(folder / ".sluice")) << "nothing stays behind";
  }
  fmt::print("{} attempts at 30 runs, {} inputs were not looked at again\n", attempts, saved);
  EXPECT_GT(attempts, 60u);
  EXPECT_GT(saved, 200u) << "commits must have saved something";
}

Pipeline<Item, Item> simple() {
  return Pipeline<Item>("simple")
      .then(Stamp("a"), {.name = "a"})
      .then(Bomb(), {.name = "bomb"})
      .then(Lines("out.txt"), {.name = "out", .workers = 1, .writes_at_teardown = true});
}

void break_off(Streaming& streaming, int after) {
  fuse = after;
  EXPECT_THAT(streaming.error(), HasSubstr("bang"));
  fuse = -1;
}

// The folder of a run that broke off, for many trials.
void replace_folder(const fs::path& from, const fs::path& to) {
  fs::remove_all(to);
  fs::copy(from, to, fs::copy_options::recursive);
}

TEST(Resume, SurvivesAJournalCutOrDamagedAnywhereInItsLastBytes) {
  constexpr int count = 200;
  const ScratchFolder folder;
  Streaming streaming(simple(), count, folder / "broken");
  break_off(streaming, 150);
  const auto journal = store::read_text(folder / "broken/journal");
  std::multiset<std::string> expected;
  for (int i = 0; i < count; ++i) expected.insert(fmt::format("{} a", i));
  Streaming again(simple(), count, folder / "trial");
  again.spec.options.resume = true;
  again.spec.options.commit_every = std::chrono::seconds(1);
  const auto trial = [&](const std::string& text, std::size_t at) {
    replace_folder(folder / "broken", folder / "trial");
    store::write_text(folder / "trial/journal", text);
    ASSERT_EQ(again.error(), "") << at;
    ASSERT_EQ(lines_in(folder / "trial", "out"), expected) << at;
  };
  for (std::size_t cut = 0; cut < 200; ++cut) trial(journal.substr(0, journal.size() - cut), cut);
  for (std::size_t at = 1; at <= 200; at += 7) {
    auto damaged = journal;
    damaged[damaged.size() - at] = static_cast<char>(damaged[damaged.size() - at] ^ 4);
    trial(damaged, at);
  }
}

TEST(Resume, RefusesAnotherPipelineOrInputAndSaysWhatChanged) {
  const ScratchFolder folder;
  Streaming streaming(simple(), 100, folder.path());
  break_off(streaming, 50);
  Streaming other_input(simple(), 99, folder.path());
  other_input.spec.options.resume = true;
  EXPECT_THAT(other_input.error(), HasSubstr("input: 100 records"));
  other_input.spec.options.force = true;
  EXPECT_THAT(other_input.error(), HasSubstr("input: 99 records")) << "not even by force";
  Streaming longer(simple().then(Stamp("b"), {.name = "more"}), 100, folder.path());
  longer.spec.options.resume = true;
  EXPECT_THAT(longer.error(), HasSubstr("stage 4: more"));
  longer.spec.options.force = true;
  EXPECT_EQ(longer.error(), "");
}

TEST(Resume, ANewRunDoesNotForgetAnUnfinishedOneByMistake) {
  const ScratchFolder folder;
  Streaming streaming(simple(), 1000, folder.path());
  streaming.spec.options.workers = 4;
  break_off(streaming, 900);
  EXPECT_THAT(streaming.error(), HasSubstr("unfinished"));
  streaming.spec.options.fresh = true;
  EXPECT_EQ(streaming.error(), "");
  EXPECT_EQ(lines_in(folder.path(), "out").size(), 1000u);
  streaming.spec.options.fresh = false;
  EXPECT_EQ(streaming.error(), "") << "a finished one may be repeated";
}

TEST(Resume, AFinishedRunHasNothingLeftToDo) {
  const ScratchFolder folder;
  Streaming streaming(simple(), 100, folder.path());
  ASSERT_EQ(streaming.error(), "");
  const auto written = fs::last_write_time(folder / "journal");
  streaming.spec.options.resume = true;
  EXPECT_EQ(streaming.run().done, 100u);
  EXPECT_EQ(fs::last_write_time(folder / "journal"), written);
  EXPECT_EQ(lines_in(folder.path(), "out").size(), 100u);
}

TEST(Resume, WantsAJournal) {
  const ScratchFolder folder;
  Streaming streaming(simple(), 10, folder.path());
  streaming.spec.options.resume = true;
  EXPECT_THAT(streaming.error(), HasSubstr("no run to go on with"));
}

TEST(Resume, AbsolutePathsAndPathsUpwardsReachTheirPlaces) {
  const ScratchFolder folder;
  const auto pipeline =
      Pipeline<Item>("paths")
          .then(Lines((folder / "far/absolute.txt").string()),
                {.name = "absolute", .workers = 1, .writes_at_teardown = true})
          .then(Lines("../up.txt"), {.name = "up", .workers = 1, .writes_at_teardown = true});
  Streaming streaming(pipeline, 20, folder / "run");
  ASSERT_EQ(streaming.error(), "");
  EXPECT_EQ(lines_in(folder / "far", "absolute").size(), 20u);
  EXPECT_EQ(lines_in(folder.path(), "up").size(), 20u);
}

}  // namespace
}  // namespace sluice
