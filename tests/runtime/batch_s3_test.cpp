// Batch mode with its store in a bucket of a real server.
#include "runtime/random_pipeline.hpp"
#include "s3/test.hpp"
#include "store/object_store.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <stdexcept>

namespace sluice {
namespace {

using ::testing::HasSubstr;
using testing::items;
using testing::random_pipeline;

class BatchInABucket : public s3::Test {
 protected:
  void SetUp() override {
    s3::Test::SetUp();
    if (!IsSkipped()) s3::set_environment(s3::Server::instance());
  }
  PipelineSpec<testing::Item, testing::Item> spec_of(std::uint64_t seed) {
    const auto random = random_pipeline(seed);
    PipelineSpec spec(random.pipeline, items(random.inputs));
    spec.collect = spec.in_order = true;
    spec.options.mode = Mode::batch;
    spec.options.workers = 2;
    spec.options.run_dir = folder_.path();
    spec.options.batch.store = "s3://" + bucket_ + "/run";
    return spec;
  }
  static std::string error_of(const PipelineSpec<testing::Item, testing::Item>& spec) {
    try {
      run_pipeline(spec);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  store::ScratchFolder folder_;
};

TEST_F(BatchInABucket, GivesWhatDebugGivesOnRandomPipelines) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    auto spec = spec_of(seed);
    spec.options.batch.store += std::to_string(seed);
    const auto outputs = run_pipeline(spec).outputs;
    spec.options.mode = Mode::debug;
    EXPECT_EQ(outputs, run_pipeline(spec).outputs) << "seed " << seed;
  }
  EXPECT_EQ(folder_.files(), std::set<std::string>{"plan.txt"}) << "no records are left here";
}

TEST_F(BatchInABucket, KeepsStagesThere) {
  auto spec = spec_of(3);
  spec.options.batch.keep_intermediates = true;
  run_pipeline(spec);
  const auto found = store::s3_client(config())->list({bucket_, "run/1-s0/"});
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found.back().key, "run/1-s0/manifest");
}

TEST_F(BatchInABucket, AFailedRunGoesOnWhereItsShardsEnd) {
  std::atomic<int> done{0};
  std::atomic<bool> sound{false};
  const auto fragile = map<testing::Item>([&](testing::Item item) {
    if (!sound && done == 30) throw std::runtime_error("blown");
    ++done;
    return item;
  });
  PipelineSpec spec(Pipeline<testing::Item>("fragile").then(fragile, {.name = "fragile"}),
                    items(50));
  spec.collect = spec.in_order = true;
  spec.options = spec_of(1).options;
  spec.options.workers = 1;
  spec.options.batch.publish_every = std::chrono::nanoseconds(1);
  EXPECT_THAT(error_of(spec), HasSubstr("blown"));
  sound = true;
  spec.options.resume = true;
  EXPECT_EQ(run_pipeline(spec).outputs, items(50));
  EXPECT_EQ(done, 50) << "what was published is not done again";
}

TEST_F(BatchInABucket, AMissingBucketIsNamed) {
  auto spec = spec_of(1);
  spec.options.batch.store = "s3://no-such-bucket/run";
  EXPECT_THAT(error_of(spec), HasSubstr("no-such-bucket"));
}

TEST_F(BatchInABucket, WrongCredentialsAreRefusedAndNotShown) {
  ::setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret", 1);
  const auto error = error_of(spec_of(1));
  EXPECT_THAT(error, HasSubstr(bucket_));
  EXPECT_THAT(error, ::testing::Not(HasSubstr("wrong-secret")));
}

}  // namespace
}  // namespace sluice
