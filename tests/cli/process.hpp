#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace sluice::cli {

struct Ended {
  int code = -1;  ///< exit code; -1 if a signal ended it, or the time limit
  bool timed_out = false;
  std::string out;
  std::string err;
};

/// Runs a program in `folder`, with TMPDIR there too; kills it and its children after `limit`.
Ended run_process(std::vector<std::string> command, const std::filesystem::path& folder,
                  std::chrono::seconds limit = std::chrono::seconds(60));

/// Runs a program in `folder`, as above, until `moment` says so, and then kills it and every
/// process that it started there, at once and without a warning, unless it has ended by itself.
void run_and_kill(std::vector<std::string> command, const std::filesystem::path& folder,
                  const std::function<bool()>& moment);

/// `ranks` sluices with these arguments: under mpirun, or bare if it is 0.
std::vector<std::string> sluice_command(int ranks, const std::vector<std::string>& arguments);

}  // namespace sluice::cli
