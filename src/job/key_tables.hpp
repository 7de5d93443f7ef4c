#pragma once

#include "job/known_keys.hpp"

namespace sluice::job {

// What each table of a job file holds, in the order of docs/job-file.md.
const std::vector<KeySpec>& pipeline_table();
const std::vector<KeySpec>& input_table();
const std::vector<KeySpec>& store_table();
const std::vector<KeySpec>& stage_table();
const std::vector<KeySpec>& env_table();
const std::vector<KeySpec>& artifact_table();

}  // namespace sluice::job
