#pragma once

#include <sluice/error.hpp>
#include <sluice/stage.hpp>

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace sluice {

/// What became of a batch in a continuous stage.
enum class Outcome {
  done,
  failed,  ///< through a fault of its own, or one that leaves other batches as they are
  /// What had it is gone, with all that was in it, and any of that may be at fault. The batch is
  /// given again, and alone. One that is lost when it is alone has failed.
  lost,
  killed  ///< the same, but none of the batches is at fault: it is only given again
};

/// The answer to one `submit`.
template <class Out>
struct Answer {
  std::uint64_t ticket = 0;
  Outcome outcome = Outcome::done;
  std::optional<Emitter<Out>> outputs = {};  ///< if it is done
  std::exception_ptr error = {};             ///< if it is not

  /// Null if it is done and has outputs.
  std::exception_ptr fault() const {
    if (outcome == Outcome::done && outputs) return nullptr;
    if (error) return error;
    return std::make_exception_ptr(
        StageError("the stage's answer has neither outputs nor an error"));
  }
};

/// A stage that takes the next batches before it has answered the first, up to `depth` of its spec
/// at once, and answers in any order: for an engine that makes batches of its own and is to stay
/// full. All calls come from the worker's one thread, and none may wait for an answer.
template <class In, class Out>
class ContinuousStage : public Stage<In, Out> {
 public:
  /// Begins with a batch. If it throws, the batch has failed and is not answered. A ticket comes
  /// again if its batch, or a part of it, is to be tried again; never before it was answered.
  virtual void submit(std::uint64_t ticket, Batch<In> batch) = 0;
  /// An answer that is there, if there is one.
  virtual std::optional<Answer<Out>> poll() = 0;
  /// From now on the stage calls `wake`, from any thread, whenever `poll` may have something new.
  virtual void wake_with(std::function<void()> wake) = 0;

  /// One batch at a time, where there is no depth: in debug and batch mode.
  void process(Batch<In>& batch, Emitter<Out>& out) override {
    const auto bell = std::make_shared<Bell>();
    wake_with([bell] { bell->ring(); });
    submit(0, std::move(batch));
    auto answer = poll();
    for (; !answer; answer = poll()) bell->wait();
    if (const auto fault = answer->fault()) std::rethrow_exception(fault);
    out = *std::move(answer->outputs);
  }

 private:
  struct Bell {
    void ring() {
      {
        const std::lock_guard lock(mutex);
        rung = true;
      }
      changed.notify_one();
    }
    void wait() {
      std::unique_lock lock(mutex);
      changed.wait(lock, [this] { return std::exchange(rung, false); });
    }
    std::mutex mutex;
    std::condition_variable changed;
    bool rung = false;
  };
};

}  // namespace sluice
