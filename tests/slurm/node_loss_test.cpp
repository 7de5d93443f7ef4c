// A node that dies in the middle of a run.
#include "slurm/slurm_job.hpp"

#include <gmock/gmock.h>

#include <csignal>
#include <cstdlib>
#include <fstream>

namespace sluice::slurm {
namespace {

using ::testing::HasSubstr;

class NodeLoss : public SlurmJobs {
 protected:
  // With slurmd and all that it has started.
  static void kill_node(const std::string& name) {
    pid_t node = 0;
    std::ifstream(fmt::format("{}/run/{}.node", std::getenv("SLUICE_CLUSTER"), name)) >> node;
    ASSERT_GT(node, 0);
    ::kill(node, SIGKILL);
  }
};

TEST_F(NodeLoss, IsMadeUpForOnAnotherNode) {
  const auto job =
      submit("requeue", {},
             {"--set", "stage.work.settings.mean=600ms", "--set", "stage.work.batch_size=1",
              "--set", "pipeline.heartbeat_timeout=5s", "--set", "pipeline.commit_every=500ms"});
  in_the_middle_of(job, 0);
  ASSERT_EQ(about(job, "NodeList"), "n[1-2]");
  kill_node("n2");
  EXPECT_EQ(end_of(job, std::chrono::seconds(200)), "COMPLETED") << log();
  EXPECT_EQ(about(job, "NodeList"), "n[1,3]");
  EXPECT_THAT(log(), HasSubstr("on n2"));
  EXPECT_THAT(log(), HasSubstr("were done before"));
  expect_complete("out");
}

}  // namespace
}  // namespace sluice::slurm
