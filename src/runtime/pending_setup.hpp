#pragma once

#include "runtime/stage_runner.hpp"

#include <sluice/stage.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace sluice::runtime {

/// A setup that a rank was told to do, until it is done: it is tried again when it fails, and in
/// between the rank does what else comes up.
class PendingSetup {
 public:
  void begin(const WorkerContext& context, bool on_node) {
    context_ = context;
    on_node_ = on_node;
    under_way_ = true;
    due_ = Clock::now();
  }
  void drop() noexcept { under_way_ = false; }

  bool under_way() const noexcept { return under_way_; }
  bool on_node() const noexcept { return on_node_; }
  bool due() const { return under_way_ && Clock::now() >= due_; }
  /// Until it is due, if that is sooner than `longest`.
  std::chrono::nanoseconds wait(std::chrono::nanoseconds longest) const {
    if (!under_way_) return longest;
    return std::clamp<std::chrono::nanoseconds>(due_ - Clock::now(), {}, longest);
  }

  /// True if it is done now.
  bool attempt(StageRunner& runner) {
    const auto pause = runner.set_up(context_, on_node_);
    if (pause) due_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(*pause);
    under_way_ = pause.has_value();
    return !under_way_;
  }

 private:
  using Clock = std::chrono::steady_clock;

  WorkerContext context_;
  bool on_node_ = false;
  bool under_way_ = false;
  Clock::time_point due_;
};

}  // namespace sluice::runtime
