#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sluice::cli {

/// How something is: `broken` keeps runs from working, `note` may matter.
enum class Health { fine, note, broken };

/// One thing that was looked at, and what to do about it.
struct Finding {
  Health health = Health::fine;
  std::string what;
  std::string fix;  ///< empty if all is well
};
using Findings = std::vector<Finding>;

// Each looks at one part of the environment.
Findings examine_launchers();
Findings examine_cores();
Findings examine_gpus();
Findings examine_folder(const std::filesystem::path& folder);
Findings examine_limits();
/// Of the job, if there is one: its file, and the object store if it needs that.
Findings examine_job(const std::string& job);

}  // namespace sluice::cli
