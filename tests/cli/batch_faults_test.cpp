// What batch runs of the program do about disks, folders and files that let them down, and about
// each other.
#include "cli/batch_runs.hpp"

namespace sluice::cli {
namespace {

using store::read_text;
using store::write_text;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

/// In a mount namespace of its own, where the test may mount what it likes.
class Mounts : public BatchRuns {
 protected:
  void SetUp() override {
    BatchRuns::SetUp();
    if (const auto why = why_no_mounts(folder_.path()); !why.empty()) GTEST_SKIP() << why;
  }
  Ended run_in_namespace(const std::string& script) {
    write_text(folder_ / "script", "sluice=" SLUICE_BINARY "\n" + script);
    return run_process({"unshare", "-m", "bash", "-e", "script"}, folder_.path());
  }
};

TEST_F(Mounts, AFullDiskStopsTheRunAndItGoesOnWhereThereIsRoom) {
  const auto expected = undisturbed();
  const auto ended = run_in_namespace(R"(
    mkdir out && mount -t tmpfs -o size=3m none out
    code=0; $sluice run job.toml || code=$?
    cp -a out saved
    exit $code)");
  EXPECT_EQ(ended.code, 8) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("No space left on device"));
  EXPECT_THAT(ended.err, HasSubstr("out/"));
  fs::remove_all(folder_ / "out");
  fs::rename(folder_ / "saved", folder_ / "out");
  const auto committed = shards();
  const auto resumed = run({"resume", "out"}, 3);
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(lines("out/out.jsonl"), expected);
  auto kept = listed("1-split");
  kept.merge(listed("2-work"));
  for (const auto& shard : committed) EXPECT_TRUE(kept.contains(shard)) << shard;
}

TEST_F(Mounts, AFolderThatCanOnlyBeReadIsNamed) {
  const auto ended = run_in_namespace(R"(
    mkdir out && mount --bind out out && mount -o remount,bind,ro out
    exec $sluice run job.toml)");
  EXPECT_EQ(ended.code, 8) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("Read-only file system"));
  EXPECT_THAT(ended.err, HasSubstr("out/"));
  EXPECT_TRUE(fs::is_empty(folder_ / "out"));
}

TEST_F(Mounts, AStoreThatCanOnlyBeReadIsNamed) {
  const auto ended = run_in_namespace(R"(
    mkdir store && mount --bind store store && mount -o remount,bind,ro store
    exec $sluice run job.toml --set store.uri=store)");
  EXPECT_EQ(ended.code, 8) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("Read-only file system"));
  EXPECT_THAT(ended.err, HasSubstr("store"));
}

class Damages : public BatchRuns {
 protected:
  void SetUp() override {
    BatchRuns::SetUp();
    ASSERT_EQ(run({"run", "job.toml"}).code, 0);
    expected_ = lines("out/out.jsonl");
    shard_ = folder_ / "out/intermediates" / *listed(stages[1]).begin();
  }
  void expect_it_is_made_again() {
    const auto ended = run({"run", "job.toml", "--from", "write"}, 3);
    EXPECT_EQ(ended.code, 3) << ended.err;
    EXPECT_THAT(ended.err, HasSubstr(shard_.lexically_relative(folder_.path()).string()));
    EXPECT_THAT(ended.err, HasSubstr("delete the file and resume the run"));
    fs::remove(shard_);
    const auto resumed = run({"resume", "out"});
    EXPECT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_EQ(lines("out/out.jsonl"), expected_);
  }

  fs::path shard_;
  std::multiset<std::string> expected_;
};

TEST_F(Damages, ATruncatedShardIsNamed) {
  fs::resize_file(shard_, fs::file_size(shard_) - 100);
  expect_it_is_made_again();
}

TEST_F(Damages, AShardWithAFlippedByteIsNamed) {
  auto bytes = read_text(shard_);
  bytes[bytes.find("payload") + 10] ^= 1;
  write_text(shard_, bytes);
  expect_it_is_made_again();
}

TEST_F(Damages, AnotherPipelinesManifestIsRefusedAndSaysWhatDiffers) {
  ASSERT_EQ(
      run({"run", "job.toml", "--run-dir", "other", "--set", "stage.work.settings.seed=4"}).code,
      0);
  fs::copy_file(folder_ / "other/intermediates/2-work/manifest",
                folder_ / "out/intermediates/2-work/manifest",
                fs::copy_options::overwrite_existing);
  const auto ended = run({"run", "job.toml", "--from", "write"});
  EXPECT_EQ(ended.code, 2) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("out/intermediates/2-work/manifest"));
  EXPECT_THAT(ended.err, HasSubstr("seed=4"));
  EXPECT_THAT(ended.err, HasSubstr("seed=3"));
}

TEST_F(BatchRuns, ASecondOneIsRefusedUntilTheFirstIsDead) {
  const auto expected = undisturbed();
  // Its messages go past the first one's.
  const auto expect_refused = [&](std::vector<std::string> command) {
    std::vector<std::string> words{"bash", "-c", "exec \"$0\" \"$@\" 2> refused"};
    words.insert(words.end(), command.begin(), command.end());
    EXPECT_EQ(run_process(words, folder_.path()).code, 2);
    const auto said = read_text(folder_ / "refused");
    EXPECT_THAT(said,
                ::testing::ContainsRegex("another run works in '.*out': process [0-9]+ on host"));
    EXPECT_THAT(said, HasSubstr("sluice resume"));
  };
  run_and_kill(sluice_command(3, {"run", "job.toml"}), folder_.path(), [&] {
    if (shards().size() < 5) return false;
    expect_refused(sluice_command(0, {"run", "job.toml"}));
    expect_refused(sluice_command(2, {"resume", "out"}));
    return true;
  });
  const auto ended = run({"resume", "out"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(lines("out/out.jsonl"), expected);
  EXPECT_FALSE(fs::exists(folder_ / "out/.sluice.lock"));
}

}  // namespace
}  // namespace sluice::cli
