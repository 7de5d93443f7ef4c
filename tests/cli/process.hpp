#pragma once

#include <sys/types.h>

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

/// Fails the test unless it ended with the code. Debian's mpiexec crashes now and then while it
/// ends a run that was aborted, and then nobody hears of a code.
void expect_code(const Ended& ended, int code);

/// Runs a program in `folder`, with TMPDIR there too; kills it and all that it started there after
/// `limit`.
Ended run_process(std::vector<std::string> command, const std::filesystem::path& folder,
                  std::chrono::seconds limit = std::chrono::seconds(60));

/// The same, and once `moment` says so, sends the signal to the process that `target` names then:
/// the program itself if it names none. It is sent `times` times, half a second apart.
Ended run_and_signal(std::vector<std::string> command, const std::filesystem::path& folder,
                     const std::function<bool()>& moment, int signal,
                     const std::function<pid_t()>& target = nullptr, int times = 1);

/// The process of this rank among those that mpirun started in `folder`; 0: there is none.
pid_t rank_in(const std::filesystem::path& folder, int rank);

/// Runs a program in `folder`, as above, until `moment` says so, and then kills it and every
/// process that it started there, at once and without a warning, unless it has ended by itself.
void run_and_kill(std::vector<std::string> command, const std::filesystem::path& folder,
                  const std::function<bool()>& moment);

/// Why a test cannot mount file systems, in a mount namespace of its own; empty if it can.
std::string why_no_mounts(const std::filesystem::path& folder);

/// `ranks` sluices with these arguments: under mpirun, or bare if it is 0.
std::vector<std::string> sluice_command(int ranks, const std::vector<std::string>& arguments);

}  // namespace sluice::cli
