#include "store/intermediate_store_cases.hpp"

#include <sys/resource.h>

#include <csignal>
#include <cstdio>

namespace sluice::store {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

OpenStore in(const std::filesystem::path& path) {
  return [path] { return IntermediateStore(folder_files(path)); };
}

TEST(IntermediatesInAFolder, ShardsComeBack) {
  const ScratchFolder folder;
  expect_shards_come_back(in(folder / "store"));
}

TEST(IntermediatesInAFolder, UnpublishedShardsLeaveNothing) {
  const ScratchFolder folder;
  expect_unpublished_shards_leave_nothing(in(folder.path()));
  EXPECT_TRUE(std::filesystem::is_empty(folder / "1-a"));
}

TEST(IntermediatesInAFolder, StagesAreRemoved) {
  const ScratchFolder folder;
  expect_stages_are_removed(in(folder.path()));
  EXPECT_EQ(folder.files(), std::set<std::string>{"10-a"});
}

TEST(IntermediatesInAFolder, TheLastClaimCounts) {
  const ScratchFolder folder;
  expect_the_last_claim_to_count(in(folder.path()));
}

TEST(IntermediatesInAFolder, AnotherPipelinesAreRefused) {
  const ScratchFolder folder;
  expect_another_pipelines_are_refused(in(folder.path()));
}

TEST(IntermediatesInAFolder, WhatAKilledWriterLeftIsNoShardAndGoes) {
  const ScratchFolder folder;
  auto store = in(folder.path())();
  publish_shard(store, "r1-0", {}, {0, 1});
  write_text(folder / "1-a/r2-0.h5.host-1-0.partial", "torn");
  EXPECT_EQ(store.published("1-a", this_pipeline()).size(), 1u);
  store.remove_drafts("1-a");
  EXPECT_FALSE(std::filesystem::exists(folder / "1-a/r2-0.h5.host-1-0.partial"));
  EXPECT_EQ(store.published("1-a", this_pipeline()).size(), 1u);
}

TEST(IntermediatesInAFolder, ShardsAreFullAtSomeSizeAndNumberOfSplits) {
  const ScratchFolder folder;
  auto store = in(folder.path())();
  const auto large = store.begin_shard("1-a", "large", this_pipeline());
  EncodedBatch batch;
  add_record(batch, {0, ""}, "", {std::string(8 << 20, 'x')});
  for (int i = 0; i < 8; ++i) {
    EXPECT_FALSE(large->full());
    large->append(batch);
  }
  EXPECT_TRUE(large->full());
  const auto scattered = store.begin_shard("1-a", "scattered", this_pipeline());
  for (std::uint64_t split = 0; !scattered->full(); split += 2) scattered->cover(split);
  EXPECT_EQ(scattered->publish().splits.size(), most_split_ranges);
}

TEST(IntermediatesInAFolder, APlaceThatCannotBeWrittenIsNamed) {
  const ScratchFolder folder;
  write_text(folder / "file", "not a folder");
  auto store = in(folder / "file/store")();
  try {
    store.begin_shard("1-a", "r1-0", this_pipeline());
    FAIL();
  } catch (const IoError& error) {
    EXPECT_THAT(error.what(), HasSubstr((folder / "file/store").string()));
  }
  EXPECT_THROW(store.publish_manifest({"1-a", this_pipeline(), {}}), IoError);
}

// The disk is full, as far as this process can tell.
std::string error_on_a_full_disk(const std::filesystem::path& path) {
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{1 << 20, 1 << 20};
  ::setrlimit(RLIMIT_FSIZE, &limit);
  auto store = in(path)();
  try {
    EncodedBatch batch;
    add_record(batch, {0, ""}, std::string(2 << 20, 'x'));
    publish_shard(store, "r1-0", batch, {0, 1});
  } catch (const IoError& error) {
    return error.what();
  }
  return "no error";
}

TEST(IntermediatesInAFolder, AFullDiskIsAnErrorAndLeavesNothing) {
  const ScratchFolder folder;
  EXPECT_EXIT(
      {
        const auto error = error_on_a_full_disk(folder.path());
        std::fputs(error.c_str(), stderr);
        std::exit(std::filesystem::is_empty(folder / "1-a") ? 0 : 1);
      },
      testing::ExitedWithCode(0),
      "of '.*/1-a/r1-0.h5.*': File too large; check the folder's permissions");
}

}  // namespace
}  // namespace sluice::store
