#pragma once

#include <sluice/run.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace sluice::observe {

/// A picture of a run, and when it was taken.
struct Moment {
  double time = 0;   ///< seconds since 1970
  double began = 0;  ///< likewise, when the attempt at the run did; no other has the same
  RunStatus status;
};

/// Keeps pictures of a run in its run directory, for `sluice status` and `sluice report`: each is a
/// line of "history.jsonl", the last one also "metrics.prom". As the run grows longer fewer are
/// kept, some thousand in all, and the decisions and slowest batches that a picture shares with the
/// one before are left out. What cannot be written is a pity and no more: a run never stops for it.
/// For one thread.
class History {
 public:
  /// `most`: pictures after which only every second one is kept, and so on.
  explicit History(std::filesystem::path run_dir, std::size_t most = 2000);

  /// Forgets what an earlier run left there.
  void begin();
  void note(const RunStatus& status, std::chrono::system_clock::time_point now);

 private:
  void write_metrics(const RunStatus& status);

  std::filesystem::path run_dir_;
  std::size_t most_;
  std::optional<double> began_;
  std::size_t kept_ = 0;  ///< since `step_` grew
  std::size_t step_ = 1;  ///< every so many pictures are kept
  std::size_t skipped_ = 0;
  std::size_t replans_ = 0;  ///< those that were written
  std::size_t lost_ = 0;
  std::vector<SlowBatch> slowest_;  ///< those of the last line that has them
};

/// Where they are.
std::filesystem::path history_path(const std::filesystem::path& run_dir);

/// All pictures of a run directory, of each attempt at the run, oldest first; each has all
/// decisions of its attempt so far, and all have as many stages. Lines that are none, since they
/// cannot be true or have no end yet, are left out; `left_out` is how many, but for the latter.
/// Throws InputError if there are no pictures.
std::vector<Moment> read_history(const std::filesystem::path& run_dir,
                                 std::size_t* left_out = nullptr);
/// On standard error, unless there are none.
void say_left_out(std::size_t lines, const std::filesystem::path& run_dir);

}  // namespace sluice::observe
