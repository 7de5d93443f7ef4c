#include "process/in_group.hpp"

#include <chrono>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace sluice::process {
namespace {

constexpr std::chrono::seconds time_to_notice{1};
// How often to see whether the other ranks are well.
constexpr std::chrono::milliseconds look_every{20};

/// Rung by the thread that watches the process.
class Bell {
 public:
  void ring() {
    {
      const std::lock_guard lock(mutex_);
      rung_ = true;
    }
    heard_.notify_one();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    heard_.wait_for(lock, look_every, [this] { return rung_; });
    rung_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable heard_;
  bool rung_ = false;
};

/// Asks after the others; when one has failed, throws that after a while.
class Others {
 public:
  explicit Others(Group& group) : group_(group) {}

  void look() {
    if (failed_at_) {
      if (Clock::now() - *failed_at_ > time_to_notice) std::rethrow_exception(failure_);
      return;
    }
    try {
      group_.check();
    } catch (const StageError&) {
      failed_at_ = Clock::now();
      failure_ = std::current_exception();
    }
  }

 private:
  using Clock = std::chrono::steady_clock;

  Group& group_;
  std::optional<Clock::time_point> failed_at_;
  std::exception_ptr failure_;
};

Emitter<Record> outputs_of(Answer<Record> answer) {
  if (answer.outcome != Outcome::done) std::rethrow_exception(answer.error);
  return std::move(answer.outputs.value());
}

}  // namespace

Emitter<Record> answer_in_group(Supervisor& supervisor, const Batch<Record>& batch) {
  const auto bell = std::make_shared<Bell>();
  supervisor.wake_with([bell] { bell->ring(); });
  try {
    Others others(*supervisor.context().group);
    supervisor.submit(0, batch);
    while (true) {
      if (auto answer = supervisor.poll()) return outputs_of(*std::move(answer));
      others.look();
      bell->wait();
    }
  } catch (const ProcessDied&) {
    throw;
  } catch (...) {
    if (supervisor.is_busy()) supervisor.give_up("another rank of its group has failed");
    throw;
  }
}

}  // namespace sluice::process
