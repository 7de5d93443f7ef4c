#pragma once

#include "observe/history.hpp"

#include <sluice/run.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace sluice::cli {

/// What a run directory says of its run, so that it can go on without anything else: the job file
/// as it was ("job.toml"), and how it was run ("run.json").
struct RunRecord {
  std::string job;                ///< the text of the job file
  std::string file;               ///< its path, for errors
  std::vector<std::string> sets;  ///< KEY=VALUE
  std::string mode;               ///< of the command line, or empty
  std::filesystem::path folder;   ///< in which it ran: relative paths of the job belong to it
};

/// Throws IoError.
void save_record(const RunRecord& record, const std::filesystem::path& run_dir);
/// Throws InputError if there is none.
RunRecord load_record(const std::filesystem::path& run_dir);

/// "finished", "running" or "broken off": the run in the directory, whose last picture this is.
std::string run_state(const RunStatus& last, const std::filesystem::path& run_dir);
/// The same for people: where it runs, or how to go on with it.
std::string state_sentence(const observe::Moment& last, const std::filesystem::path& run_dir);

}  // namespace sluice::cli
