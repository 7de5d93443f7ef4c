#pragma once

#include "runtime/protocol.hpp"
#include "transport/transport.hpp"

#include <sluice/run.hpp>

#include <functional>
#include <optional>
#include <string>

namespace sluice::runtime {

/// A rank other than the coordinator, from its first word to the end of the run, whatever its mode:
/// says what it is about to run, takes its turns, and tells the coordinator if it cannot go on.
class WorkerBase {
 public:
  explicit WorkerBase(transport::Transport& transport) : transport_(transport) {}
  virtual ~WorkerBase() = default;
  WorkerBase(const WorkerBase&) = delete;
  WorkerBase& operator=(const WorkerBase&) = delete;

  /// Returns when the run has ended well; throws RunStopped when it has not.
  void run(const std::function<ErasedSpec()>& build);

 protected:
  /// What there is to do: true if something was done, and there may be more.
  virtual bool work() = 0;
  virtual void handle(Packet packet) = 0;
  /// How long it may sleep if nothing comes.
  virtual std::chrono::nanoseconds longest_wait() const { return std::chrono::seconds(1); }

  bool receive_all();
  bool ended() const noexcept { return end_.has_value(); }

  transport::Transport& transport_;
  ErasedSpec spec_;
  std::string host_;

 private:
  void introduce(const std::function<ErasedSpec()>& build);
  void turn();
  void on(Packet packet);
  void fail(const Failure& failure);

  std::optional<End> end_;
  bool failed_ = false;
};

}  // namespace sluice::runtime
