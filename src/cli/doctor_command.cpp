#include "cli/commands.hpp"
#include "cli/doctor.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sluice::cli {
namespace {

const char* mark(Health health) {
  switch (health) {
    case Health::fine:
      return "ok    ";
    case Health::note:
      return "note  ";
    case Health::broken:
      break;
  }
  return "BROKEN";
}

bool print(const char* part, const Findings& findings) {
  fmt::print("{}\n", part);
  for (const auto& finding : findings) {
    fmt::print("  {}  {}\n", mark(finding.health), finding.what);
    if (!finding.fix.empty()) fmt::print("          {}\n", finding.fix);
  }
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& each) { return each.health == Health::broken; });
}

}  // namespace

int check_environment(const DoctorArguments& arguments) {
  bool broken = print("launchers and MPI", examine_launchers());
  broken = print("cores and ranks", examine_cores()) || broken;
  broken = print("GPUs", examine_gpus()) || broken;
  broken = print("files", examine_folder(arguments.folder)) || broken;
  broken = print("limits", examine_limits()) || broken;
  if (!arguments.job.empty()) broken = print("the job", examine_job(arguments.job)) || broken;
  if (!broken) return 0;
  fmt::print("something is broken: see above\n");
  return static_cast<int>(ExitCode::launch);
}

}  // namespace sluice::cli
