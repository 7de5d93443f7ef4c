#pragma once

#include "base/clock.hpp"
#include "control/worker_flow.hpp"
#include "runtime/protocol.hpp"

#include <optional>

namespace sluice::runtime {

/// Where a worker's time goes; it is in one state at any moment, or, if its stage takes several
/// batches at once, divided between those in which it has a stage.
class StateClock {
 public:
  enum class State { idle, setup, starved, running, blocked };

  /// In one state, from one change to the next.
  struct Stay {
    State state = State::idle;
    double begin = 0;
    double end = 0;
  };

  /// Returns what this ended; one of no length if the state was that already.
  Stay enter(State state) {
    if (state == state_) return {};
    settle();
    const Stay stay{state_.value_or(State::idle), entered_, since_};
    state_ = state;
    entered_ = since_;
    return stay;
  }
  void enter(const control::Shares& shares) {
    settle();
    state_.reset();
    shares_ = shares;
  }

  /// Up to now.
  const Usage& usage() {
    settle();
    return usage_;
  }

 private:
  void settle() {
    const double now = seconds_now();
    const double spent = now - since_;
    since_ = now;
    if (state_ == State::idle) return;
    if (state_) {
      share() += spent;
    } else {
      usage_.running += spent * shares_.running;
      usage_.starved += spent * shares_.starved;
      usage_.blocked += spent * shares_.blocked;
    }
  }
  double& share() {
    switch (*state_) {
      case State::setup:
        return usage_.setup;
      case State::running:
        return usage_.running;
      case State::blocked:
        return usage_.blocked;
      default:
        return usage_.starved;
    }
  }

  std::optional<State> state_ = State::idle;  ///< absent: divided
  control::Shares shares_;
  double since_ = 0;
  double entered_ = 0;
  Usage usage_;
};

}  // namespace sluice::runtime
