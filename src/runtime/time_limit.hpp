#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

namespace sluice::runtime {

/// When Slurm will end the job that this process belongs to: SLURM_JOB_END_TIME says so
/// (Slurm 23.02 and later), and squeue. A job may be given more time while it runs, so squeue is
/// asked before the end counts as near. Outside of Slurm it is never near. For one thread, which
/// never waits.
class TimeLimit {
 public:
  /// `reserve`: how long before the end is near; absent: a minute, but no more than a quarter of
  /// what is left when the end becomes known. 0: never.
  explicit TimeLimit(std::optional<std::chrono::nanoseconds> reserve);

  bool is_near();
  /// Once it is near: how long what is in flight may take.
  std::chrono::nanoseconds grace() const { return reserve_ / 2; }

 private:
  using Clock = std::chrono::system_clock;
  /// What a thread of its own found out: seconds since the epoch, or one of these.
  using Answer = std::atomic<std::int64_t>;
  static constexpr std::int64_t not_yet = -1;
  static constexpr std::int64_t not_known = 0;

  void ask();
  void take_answer();
  void set_end(std::int64_t seconds);
  static void ask_squeue(const std::shared_ptr<Answer>& answer, std::uint64_t job);

  std::optional<std::chrono::nanoseconds> wanted_;
  std::chrono::nanoseconds reserve_{0};
  std::optional<std::uint64_t> job_;
  std::optional<Clock::time_point> end_;
  std::shared_ptr<Answer> answer_;  ///< null: nothing was asked
  bool confirmed_ = false;          ///< squeue was asked since the end last was far
};

}  // namespace sluice::runtime
