#pragma once

#include "job/job_file.hpp"
#include "job/raw_job.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::job {

/// The text at `key`, which is there; `prefix` is the table's path. It must not be empty.
std::string text_at(const RawTable& table, const std::string& key, const std::string& prefix,
                    std::string_view wanted);

struct ModelEntry {
  Model model;
  RawTable settings;  ///< the model's, as a stage kind checks them
};
std::vector<ModelEntry> read_models(const std::vector<RawModel>& models);

StageEntry read_stage(const RawStage& raw, const std::vector<ModelEntry>& models);

}  // namespace sluice::job
