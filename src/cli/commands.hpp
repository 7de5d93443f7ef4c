#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sluice::cli {

/// What the command line says about a job.
struct JobArguments {
  std::string file;
  std::vector<std::string> sets;  ///< KEY=VALUE
  std::string mode;               ///< empty: as the job file says
  std::string run_dir;            ///< empty: as the job file says
  std::size_t workers = 0;        ///< threads when not under a launcher; 0: chosen
};

struct PlanArguments {
  JobArguments job;
  std::string topology;  ///< empty: the nodes that are here
  bool json = false;
  bool explain = false;
};

struct StagesArguments {
  std::string kind;  ///< empty: all of them
  std::vector<std::string> plugins;
  bool json = false;
};

// Each returns the exit code and throws Error.
int run_job(const JobArguments& arguments);
int plan_job(const PlanArguments& arguments);
int validate_job(const JobArguments& arguments);
int list_stages(const StagesArguments& arguments);

}  // namespace sluice::cli
