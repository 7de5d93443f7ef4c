// Ranks that a launcher started, and that do not find each other.
#include "cli/job_runs.hpp"

#include <gmock/gmock.h>

namespace sluice::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Launchers : public JobRuns {
 protected:
  // As a launcher of another MPI would start a rank: this one's library knows nothing of it.
  Ended rank_of_a_stranger(const std::string& rank) {
    write_rows(3);
    write_job(R"(
[input]
jsonl = "rows.jsonl"
[[stage]]
name = "work"
use = "synthetic"
)");
    return run_process({"env", "PMI_SIZE=3", "PMI_RANK=" + rank, SLUICE_BINARY, "run", "job.toml"},
                       folder_.path());
  }
};

TEST_F(Launchers, OfAnotherMpiAreNamedAsTheCauseOnce) {
  const auto first = rank_of_a_stranger("0");
  EXPECT_EQ(first.code, 5);
  EXPECT_THAT(first.err, HasSubstr("the launcher started 3 ranks, but none of them finds the"));
  const auto second = rank_of_a_stranger("1");
  EXPECT_EQ(second.code, 5);
  EXPECT_THAT(second.err, IsEmpty());
}

}  // namespace
}  // namespace sluice::cli
