#include "s3/test.hpp"
#include "store/intermediate_store_cases.hpp"
#include "store/object_files.hpp"

namespace sluice::store {
namespace {

using ::testing::IsEmpty;

class IntermediatesInABucket : public s3::Test {
 protected:
  OpenStore open() {
    return [this] {
      return IntermediateStore(
          object_files(s3_client(config()), {bucket_, "runs/store"}, scratch_.path()));
    };
  }
  std::size_t objects() { return s3_client(config())->list({bucket_, ""}).size(); }

  ScratchFolder scratch_;
};

TEST_F(IntermediatesInABucket, ShardsComeBack) {
  expect_shards_come_back(open());
  EXPECT_THAT(scratch_.files(), IsEmpty());
}

TEST_F(IntermediatesInABucket, UnpublishedShardsLeaveNothing) {
  expect_unpublished_shards_leave_nothing(open());
  EXPECT_EQ(objects(), 0u);
  EXPECT_THAT(scratch_.files(), IsEmpty());
}

TEST_F(IntermediatesInABucket, StagesAreRemoved) {
  expect_stages_are_removed(open());
  EXPECT_EQ(objects(), 1u);
}

TEST_F(IntermediatesInABucket, TheLastClaimCounts) { expect_the_last_claim_to_count(open()); }

TEST_F(IntermediatesInABucket, AnotherPipelinesAreRefused) {
  expect_another_pipelines_are_refused(open());
}

TEST_F(IntermediatesInABucket, LargeShardsTravelInParts) {
  auto store = open()();
  EncodedBatch batch;
  std::mt19937_64 random(1);
  for (std::uint64_t i = 0; i < 40; ++i) {
    add_record(batch, {i, ""}, "", {random_bytes(random, 1 << 20)});
  }
  const auto shard = publish_shard(store, "r1-0", batch, {0, 1});
  const auto opened = store.open_shard("1-a", shard);
  const auto read = opened->reader().read(0, 100, 1ULL << 40);
  ASSERT_EQ(read.size(), 40u);
  expect_records(read, batch);
}

TEST_F(IntermediatesInABucket, AUriAndTheEnvironmentAreEnough) {
  s3::set_environment(s3::Server::instance());
  IntermediateStore store(open_file_store("s3://" + bucket_ + "/by/uri", scratch_.path()));
  publish_shard(store, "r1-0", {}, {0, 1});
  EXPECT_EQ(s3_client(config())->list({bucket_, "by/uri/1-a/r1-0.h5"}).size(), 1u);
}

}  // namespace
}  // namespace sluice::store
