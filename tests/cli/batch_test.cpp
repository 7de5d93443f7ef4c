// Batch runs of the program: restarts after SIGKILL at any moment, parts run again, what it says of
// itself.
#include "cli/batch_runs.hpp"

namespace sluice::cli {
namespace {

using store::read_text;
using store::write_text;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

// When a run is to be killed: after some time, in the middle of publishing a shard, or at a
// barrier.
class FolderMoment {
 public:
  FolderMoment(const fs::path& store, std::mt19937_64& random)
      : store_(store), kind_(random() % 3), count_(1 + random() % 20) {
    at_ = std::chrono::steady_clock::now() + std::chrono::milliseconds(100 + random() % 900);
    stage_ = random() % 3;
  }

  bool operator()() {
    if (kind_ == 0) return std::chrono::steady_clock::now() >= at_;
    if (kind_ == 1) return publishing();
    constexpr const char* folders[] = {"1-split", "2-work", "3-write"};
    return fs::exists(store_ / folders[stage_] / "manifest");
  }

 private:
  bool publishing() {
    std::error_code missing;
    fs::recursive_directory_iterator entry(store_, missing);
    for (const fs::recursive_directory_iterator end; !missing && entry != end;
         entry.increment(missing)) {
      if (entry->path().extension() == ".partial") seen_.insert(entry->path());
    }
    return seen_.size() >= count_;
  }

  fs::path store_;
  std::uint64_t kind_;
  std::uint64_t count_;
  std::uint64_t stage_ = 0;
  std::chrono::steady_clock::time_point at_;
  std::set<fs::path> seen_;
};

class Kills : public KilledRuns {
  std::function<bool()> moment(std::mt19937_64& random) override {
    return FolderMoment(folder_ / "out/intermediates", random);
  }
};

TEST_F(Kills, ARunGoesOnAfterSigkillAtAnyMomentAndDoesNothingAgain) { explore(1, 5); }

using KillsSoak = Kills;
TEST_F(KillsSoak, ARunGoesOnAfterSigkillAtThirtyMoments) { explore(1000, 30); }

TEST_F(BatchRuns, GiveTheSameOutputBareAndOverMpi) {
  const auto expected = undisturbed();
  for (const int ranks : {0, 2, 8}) {
    fs::remove_all(folder_ / "out");
    const auto ended = run({"run", "job.toml"}, ranks);
    ASSERT_EQ(ended.code, 0) << ended.err;
    EXPECT_EQ(lines("out/out.jsonl"), expected) << ranks << " ranks";
  }
}

TEST_F(BatchRuns, ShowTheRecordsOfAStage) {
  ASSERT_EQ(run({"run", "job.toml"}).code, 0);
  const auto by_name = run({"cat", "out", "--stage", "work"});
  EXPECT_EQ(by_name.code, 0) << by_name.err;
  EXPECT_EQ(run({"cat", "out", "--stage", "2"}).out, by_name.out);
  std::istringstream text(by_name.out);
  std::multiset<std::string> found;
  for (std::string line; std::getline(text, line);) found.insert(line);
  EXPECT_EQ(found, lines("out/out.jsonl"));
  const auto key = nlohmann::json::parse(*found.begin()).at("key").get<std::string>();
  EXPECT_EQ(run({"cat", "out", "--stage", "2", "--key", key}).out, *found.begin() + "\n");
  EXPECT_THAT(run({"cat", "out", "--stage", "2", "--key", key, "--payload"}).out, HasSubstr("=="));
}

TEST_F(BatchRuns, AStageRunsAgainByItself) {
  ASSERT_EQ(run({"run", "job.toml"}).code, 0);
  const auto before = read_text(folder_ / "out/run.json");
  const auto ended =
      run({"run", "job.toml", "--only", "work", "--set", "stage.work.settings.seed=77"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_NE(run({"cat", "out", "--stage", "work", "--replay"}).out,
            run({"cat", "out", "--stage", "work"}).out);
  EXPECT_EQ(read_text(folder_ / "out/run.json"), before);
}

TEST_F(BatchRuns, AFinishedRunHasNothingLeftToDo) {
  ASSERT_EQ(run({"run", "job.toml"}).code, 0);
  const auto written = fs::last_write_time(folder_ / "out/out.jsonl");
  const auto ended = run({"resume", "out"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(fs::last_write_time(folder_ / "out/out.jsonl"), written);
}

TEST_F(BatchRuns, AFullDiskStopsTheRunAndWhatIsThereIsSound) {
  const auto expected = undisturbed();
  const std::string limited = "ulimit -f 40; trap '' XFSZ; exec " SLUICE_BINARY
                              " run job.toml --set stage.split.settings.output_bytes=4096";
  const auto ended = run_process({"bash", "-c", limited}, folder_.path());
  EXPECT_EQ(ended.code, 8) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("File too large"));
  for (const auto& shard : shards()) EXPECT_THAT(shard, HasSubstr(".h5"));
  ASSERT_EQ(run({"run", "job.toml", "--from", "split"}).code, 0);
  EXPECT_EQ(lines("out/out.jsonl"), expected);
}

TEST_F(BatchRuns, AStoreThatCannotBeWrittenIsNamed) {
  write_text(folder_ / "file", "");
  const auto ended = run({"run", "job.toml", "--set", "store.uri=file"});
  EXPECT_EQ(ended.code, 8) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("file"));
}

TEST_F(BatchRuns, AnotherJobIsRefusedAndSaysWhatDiffers) {
  ASSERT_NE(run({"run", "job.toml", "--set", "stage.work.settings.fail=1.0"}).code, 0);
  const auto ended = run({"run", "job.toml"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, HasSubstr("fail=1"));
  EXPECT_THAT(ended.err, HasSubstr("fail=0"));
  EXPECT_THAT(read_text(folder_ / "out/run.json"), HasSubstr("fail=1.0"))
      << "the run keeps its job";
}

TEST_F(BatchRuns, SayWhatIsWrong) {
  EXPECT_THAT(run({"resume", "nowhere"}).err, HasSubstr("not the run directory of a run"));
  EXPECT_THAT(run({"cat", "nowhere", "--stage", "1"}).err, HasSubstr("not the run directory"));
  ASSERT_EQ(run({"run", "job.toml", "--mode", "streaming"}).code, 0);
  EXPECT_EQ(run({"resume", "out"}).code, 0) << "there is nothing left to do";
  ASSERT_EQ(run({"run", "job.toml"}).code, 0);
  EXPECT_THAT(run({"cat", "out", "--stage", "nix"}).err,
              HasSubstr("there is no stage 'nix'; the stages are 'split', 'work', 'write'"));
}

}  // namespace
}  // namespace sluice::cli
