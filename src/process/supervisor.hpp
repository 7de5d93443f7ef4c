#pragma once

#include "process/died.hpp"
#include "process/session.hpp"
#include "process/watch.hpp"

#include <sluice/continuous_stage.hpp>
#include <sluice/process_stage.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <optional>

namespace sluice::process {

/// Sees to it that there is a process. For the worker's thread.
class Supervisor {
 public:
  Supervisor(const ProcessOptions& options, WorkerContext context)
      : options_(options), context_(std::move(context)) {}

  const WorkerContext& context() const noexcept { return context_; }

  /// That the process is killed by someone else counts for nothing.
  void start(SetupKind kind);
  /// Gives the batch to the next process when one dies over it.
  Results process(const Batch<Record>& batch);

  // Several batches at once, as ContinuousStage has it. When the process dies, all that it has are
  // lost, and the next `submit` starts another.
  void submit(std::uint64_t ticket, Batch<Record> batch);
  std::optional<Answer<Record>> poll();
  void wake_with(std::function<void()> wake) { wake_ = std::move(wake); }

  /// It has a batch that it has not answered.
  bool is_busy() const noexcept { return !inside_.empty() || !waiting_.empty(); }

  void tear_down();
  /// Ends the process whatever it does, and with it all that it has.
  void give_up(const std::string& why);

 private:
  struct Given {
    std::uint64_t ticket = 0;
    Batch<Record> batch;
  };

  void restart();
  void tell(const ProcessDied& death) const;
  void send_waiting();
  void give_up_waiting();
  void answer(const Reply& reply);
  void lose_all(const ProcessDied& death);
  void arm();
  void drop_session();

  const ProcessOptions& options_;
  WorkerContext context_;
  std::optional<Session> session_;
  std::optional<Watch> watch_;  ///< of the session
  /// Whether the last batch did well, so that a death may be no fault of the next one's.
  bool trusted_ = true;
  std::function<void()> wake_;
  std::deque<Given> waiting_;  ///< there was no room for them
  std::chrono::steady_clock::time_point waiting_since_;
  struct Inside {
    std::uint64_t ticket = 0;
    std::size_t records = 0;
  };
  std::map<std::uint64_t, Inside> inside_;  ///< by the session's numbers
  std::deque<Answer<Record>> answers_;      ///< to be polled
};

}  // namespace sluice::process
