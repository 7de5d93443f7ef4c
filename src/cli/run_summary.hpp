#pragma once

#include "job/input_facts.hpp"

#include <sluice/run.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace sluice::cli {

/// What is left of a run that has ended well: "summary.json" in its run directory.
struct RunSummary {
  std::string pipeline;
  std::uint64_t inputs = 0;
  std::uint64_t done = 0;
  std::uint64_t dead_letters = 0;
  double seconds = 0;     ///< of the last attempt at it
  job::InputFacts input;  ///< the whole input, of which this may be a shard
  struct File {
    std::string path;  ///< below the run directory
    std::uint64_t bytes = 0;
  };
  std::vector<File> outputs;  ///< found when it is read
};

void save_summary(const RunStatus& status, const job::InputFacts& input,
                  const std::filesystem::path& run_dir);
/// Before a run begins: it has not ended.
void remove_summary(const std::filesystem::path& run_dir);
bool has_summary(const std::filesystem::path& run_dir);
/// Nothing if the run has not ended.
std::optional<RunSummary> load_summary(const std::filesystem::path& run_dir);

}  // namespace sluice::cli
