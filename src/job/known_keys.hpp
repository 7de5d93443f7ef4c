#pragma once

#include "job/raw_value.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::job {

/// One key of a table of a job file, for the reference in docs/job-file.md.
struct KeySpec {
  std::string name;
  std::string type = {};
  std::string fallback = {};  ///< as it would stand in the job file, or what holds without the key
  std::string help = {};      ///< Markdown
};

/// The keys of one table of a job file.
struct KnownKeys {
  std::vector<KeySpec> supported;
  /// Keys of the format that this version does not do yet.
  std::vector<std::string> planned;
};

const KnownKeys& root_keys();
const KnownKeys& pipeline_keys();
const KnownKeys& input_keys();
const KnownKeys& store_keys();
const KnownKeys& stage_keys();
const KnownKeys& model_keys();
const KnownKeys& env_keys();
const KnownKeys& artifact_keys();

/// The keys of [[stage]] that [pipeline] takes too, for all stages.
const std::vector<std::string>& common_stage_keys();

/// The keys of [input] that say where the input comes from, in the order of InputEntry::Source.
const std::vector<std::string>& input_sources();

std::vector<std::string> names_of(const std::vector<KeySpec>& keys);

/// Throws UsageError for the first key of `table` that is not supported. `prefix` is the path of
/// the table ("stage.write."), and `hint` ends the message.
void refuse_unknown_keys(const RawTable& table, const std::string& prefix, const KnownKeys& keys,
                         std::string_view hint);

}  // namespace sluice::job
