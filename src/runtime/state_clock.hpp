#pragma once

#include "base/clock.hpp"
#include "runtime/protocol.hpp"

namespace sluice::runtime {

/// Where a worker's time goes; it is in one state at any moment.
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
    const Stay stay{state_, entered_, since_};
    state_ = state;
    entered_ = since_;
    return stay;
  }

  /// Up to now.
  const Usage& usage() {
    settle();
    return usage_;
  }

 private:
  void settle() {
    const double now = seconds_now();
    if (state_ != State::idle) share() += now - since_;
    since_ = now;
  }
  double& share() {
    switch (state_) {
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

  State state_ = State::idle;
  double since_ = 0;
  double entered_ = 0;
  Usage usage_;
};

}  // namespace sluice::runtime
