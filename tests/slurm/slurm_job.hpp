#pragma once

#include "slurm/slurm_runs.hpp"

#include <string>

namespace sluice::slurm {

/// A test that submits batch jobs. What they print goes to "log" in its folder.
class SlurmJobs : public SlurmRuns {
 protected:
  /// Submits one of the templates as shipped, for job.toml, with more flags for sbatch and more
  /// options for sluice, and returns the job's id.
  std::string submit(const std::string& name, const Arguments& flags = {},
                     const Arguments& options = {});

  /// A word of `scontrol show job`, such as "JobState".
  std::string about(const std::string& job, const std::string& word);
  /// Waits until the run works in the job's allocation of this number, from 0, and a moment more.
  /// Fails the test if it does not come to that.
  void in_the_middle_of(const std::string& job, int restarts);
  /// The state in which it ended.
  std::string end_of(const std::string& job,
                     std::chrono::seconds limit = std::chrono::seconds(120));

  /// How often the run has begun or gone on, as its journal tells.
  int attempts();

  std::string log() { return store::read_text(folder_ / "log"); }
};

}  // namespace sluice::slurm
