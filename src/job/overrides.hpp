#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "job/toml_value.hpp"

namespace sluice::job {

/// Applies each `--set KEY=VALUE` to a parsed job file; the last one wins. Throws UsageError naming
/// the --set.
void apply_overrides(toml::table& job, const std::vector<std::string>& sets);

/// The name of the stage at `index`, given or "stage-N".
std::string stage_name(const toml::table& stage, std::size_t index);

}  // namespace sluice::job
