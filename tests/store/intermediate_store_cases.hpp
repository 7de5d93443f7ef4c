#pragma once

#include "store/batches.hpp"
#include "store/intermediate_store.hpp"
#include "store/scratch_folder.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <functional>
#include <limits>
#include <memory>

// What batch mode counts on, wherever the intermediates are.
namespace sluice::store {

/// Opens a store anew, at the same place each time.
using OpenStore = std::function<IntermediateStore()>;

inline const PipelineText& this_pipeline() {
  static const PipelineText pipeline{{"input: 12 records", "stage a: synthetic {}"}};
  return pipeline;
}

inline ShardInfo publish_shard(IntermediateStore& store, const std::string& name,
                               const EncodedBatch& records, SplitRange splits) {
  const auto draft = store.begin_shard("1-a", name, this_pipeline());
  draft->append(records);
  for (auto split = splits.first; split < splits.first + splits.count; ++split) {
    draft->cover(split);
  }
  return draft->publish();
}

inline void expect_shards_come_back(const OpenStore& open) {
  std::mt19937_64 random(1);
  const auto a = random_batch(random, 200);
  const auto b = random_batch(random, 100);
  std::vector<ShardInfo> shards;
  {
    auto store = open();
    EXPECT_THAT(store.published("1-a", this_pipeline()), ::testing::IsEmpty());
    EXPECT_EQ(store.read_manifest("1-a", this_pipeline()), std::nullopt);
    shards = {publish_shard(store, "r1-0", a, {0, 3}), publish_shard(store, "r2-0", b, {3, 1})};
    publish_shard(store, "r3-0", b, {3, 1});  // the same split once more
    EXPECT_EQ(store.published("1-a", this_pipeline()), shards);
    store.publish_manifest({"1-a", this_pipeline(), shards});
  }
  auto store = open();
  const auto manifest = store.read_manifest("1-a", this_pipeline());
  ASSERT_TRUE(manifest);
  EXPECT_EQ(manifest->shards, shards);
  const auto opened = store.open_shard("1-a", manifest->shards[1]);
  auto& reader = opened->reader();
  const auto all = std::numeric_limits<std::uint64_t>::max();
  const auto read = reader.read(0, all, all);
  ASSERT_EQ(read.size(), b.size());
  expect_records(read, b);
}

inline void expect_unpublished_shards_leave_nothing(const OpenStore& open) {
  auto store = open();
  {
    const auto draft = store.begin_shard("1-a", "r1-0", this_pipeline());
    std::mt19937_64 random(1);
    draft->append(random_batch(random, 100));
    EXPECT_FALSE(draft->full());
    EXPECT_THAT(store.published("1-a", this_pipeline()), ::testing::IsEmpty());
  }
  EXPECT_THAT(store.published("1-a", this_pipeline()), ::testing::IsEmpty());
}

inline void expect_stages_are_removed(const OpenStore& open) {
  auto store = open();
  const auto shard = publish_shard(store, "r1-0", {}, {0, 1});
  store.publish_manifest({"1-a", this_pipeline(), {shard}});
  store.publish_manifest({"10-a", this_pipeline(), {}});
  store.remove_stage("1-a");
  store.remove_stage("1-a");
  EXPECT_EQ(store.read_manifest("1-a", this_pipeline()), std::nullopt);
  EXPECT_THAT(store.published("1-a", this_pipeline()), ::testing::IsEmpty());
  EXPECT_THROW(store.open_shard("1-a", shard), InputError);
  EXPECT_TRUE(store.read_manifest("10-a", this_pipeline()));
}

inline void expect_the_last_claim_to_count(const OpenStore& open) {
  auto mine = open();
  EXPECT_EQ(mine.claimant(), std::nullopt);
  const auto first = mine.claim();
  EXPECT_NO_THROW(first.check());
  EXPECT_EQ(mine.claimant()->pid, ::getpid());
  auto theirs = open();
  const auto second = theirs.claim();
  EXPECT_NO_THROW(second.check());
  EXPECT_NE(first.attempt(), second.attempt());
  EXPECT_TRUE(second.attempt().starts_with("2-"));
  try {
    first.check();
    FAIL() << "it was replaced";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("another run has taken over"));
    EXPECT_THAT(error.what(), ::testing::HasSubstr(std::to_string(::getpid())));
  }
}

inline void expect_another_pipelines_are_refused(const OpenStore& open) {
  auto store = open();
  publish_shard(store, "r1-0", {}, {0, 1});
  store.publish_manifest({"1-a", this_pipeline(), {}});
  const PipelineText other{{"input: 13 records", "stage a: synthetic {}"}};
  EXPECT_THROW(store.read_manifest("1-a", other), UsageError);
  EXPECT_THROW(store.published("1-a", other), UsageError);
}

}  // namespace sluice::store
