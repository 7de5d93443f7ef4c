#pragma once

#include "cli/plan_report.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::cli {

/// What a Slurm job asks for, and why.
struct SbatchRequest {
  std::string name;
  std::uint64_t nodes = 1;
  std::uint64_t ranks_per_node = 2;
  std::uint64_t cpus_per_rank = 1;
  bool overcommit = false;  ///< more ranks than cores: whole nodes are asked for
  std::uint64_t gpus_per_node = 0;
  std::string time;                  ///< empty: the site's default
  std::vector<std::string> reasons;  ///< a line each
};

/// Sized so that the plan's workers and the coordinator find room. Throws UsageError if the plan's
/// nodes are not all alike. `time` is taken as it is if it is not empty.
SbatchRequest sized_request(const PlanReport& report, const std::string& time);

/// The script: asks for that, starts `sluice_run`, the words of a `sluice run`, on all ranks, and
/// goes on with it in another allocation if one does not suffice. `flags` are sbatch's, and count
/// more than what the request says.
std::string sbatch_script(const SbatchRequest& request, const std::vector<std::string>& sluice_run,
                          const std::vector<std::string>& flags);

}  // namespace sluice::cli
