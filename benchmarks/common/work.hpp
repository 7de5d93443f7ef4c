#pragma once

#include "common/report.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace sluice::bench {

/// What a stage spends on a record.
struct Work {
  enum class Kind { none, sleep, burn };
  Kind kind = Kind::none;
  double seconds = 0;  ///< burn: of the thread's CPU time
  double sigma = 0;  ///< of a lognormal distribution with `seconds` as its mean; 0: always the same

  /// From "none", "sleep:0.01", "burn:0.001" or "sleep:0.005~1", where 1 is sigma.
  static Work parse(const std::string& text);
  /// For the record of that number; the same whoever asks.
  double seconds_for(std::uint64_t stage, std::uint64_t number) const;
  void spend(std::uint64_t stage, std::uint64_t number) const;
};

/// A chain of stages in which the first makes an item of `bytes` from each number, the last one
/// drops it, and each spends its work on it: the same for sluice and for what it is compared with.
struct Chain {
  std::string title = "chain";
  std::vector<std::string> works = {"none"};  ///< the last one is that of all stages after it
  std::size_t stages = 3;
  std::vector<std::size_t> workers = {1};  ///< likewise
  std::size_t bytes = 1024;
  std::uint64_t records = 1000;
  std::size_t outputs = 1;  ///< that the first stage makes of each record
  bool fused = false;       ///< any worker does any stage
  bool hops = false;
  bool json = false;

  void add_to(CLI::App& app);
  Work work(std::size_t stage) const;
  std::size_t workers_of(std::size_t stage) const;
  std::size_t all_workers() const;
  /// Records that leave the last stage.
  std::uint64_t leaving() const { return records * outputs; }
  bool has_work() const;
  /// How many records a second could leave: as fast as the slowest stage alone could go, and as the
  /// cores of this machine allow.
  double speed_of_light() const;
};

/// A chain, measured. Times are seconds on the clock of `monotonic_seconds`.
struct Course {
  double start = 0;          ///< of the run
  std::vector<double> ends;  ///< when the last stage was done with each record; not empty
  std::vector<double> hops;  ///< from the end of one stage's work to the start of the next one's
  std::string note = {};     ///< where the time went
  std::string system = {};   ///< what ran the chain
  /// When the program was launched, if that is known.
  std::optional<double> launch = {};
};

/// Records a second once the first tenth has passed.
double steady_rate(std::vector<double> ends);

/// What any system is asked: speed, share of the speed of light, first and last record, hops.
std::vector<Result> results_of(const Chain& chain, const Course& course);

}  // namespace sluice::bench
