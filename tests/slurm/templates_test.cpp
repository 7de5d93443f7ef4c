// The templates in jobs/slurm, as shipped.
#include "slurm/slurm_job.hpp"

#include <gmock/gmock.h>

namespace sluice::slurm {
namespace {

using ::testing::HasSubstr;

class Templates : public SlurmJobs {};

TEST_F(Templates, GiveTheOutputOfABareRun) {
  for (const auto* name : {"single-node", "many-nodes", "gpu-nodes", "requeue"}) {
    SCOPED_TRACE(name);
    std::filesystem::remove_all(folder_ / "out");
    EXPECT_EQ(end_of(submit(name)), "COMPLETED") << log();
    expect_complete("out");
  }
}

TEST_F(Templates, AreWrittenAndSubmittedByTheProgram) {
  const auto sent = run(
      {"sbatch", "job.toml", "--topology", "2x(4c)", "--submit", "--", "--output=log", "--time=5"});
  ASSERT_EQ(sent.code, 0) << sent.err;
  EXPECT_EQ(end_of(sent.out.substr(0, sent.out.find('\n'))), "COMPLETED") << log();
  expect_complete("out");
}

TEST_F(Templates, OfAnArrayRunAShardEach) {
  const auto job = submit("array", {"--array=1-3"});
  for (const auto* task : {"1", "2", "3"}) {
    EXPECT_EQ(end_of(fmt::format("{}_{}", job, task)), "COMPLETED") << log();
  }
  const Arguments all{"out/shard-1-of-3", "out/shard-2-of-3", "out/shard-3-of-3"};
  std::multiset<std::string> together;
  for (const auto& shard : all) together.merge(written(shard));
  expect_all(together);
  const auto merged = run({"merge", all[0], all[1], all[2]});
  EXPECT_EQ(merged.code, 0) << merged.err;
}

}  // namespace
}  // namespace sluice::slurm
