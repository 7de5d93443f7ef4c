#pragma once

#include "control/run_control.hpp"

#include <initializer_list>
#include <utility>

/// RunControl, told one event after the other.
namespace sluice::control {

// Two stages: rank 1 runs the first, ranks 2 and 3 the second; rank 4 is idle.
inline RunPlan two_stages(std::uint64_t inputs) {
  return {{ChannelSpec{}, ChannelSpec{}}, {-1, 0, 1, 1, -1}, {0, 0, 0, 1, 1}, inputs, false};
}

class DrivenRun {
 public:
  explicit DrivenRun(RunPlan plan) : control(std::move(plan)) { started = control.start(now); }

  Commands tell(const Event& event) { return control.handle(event, now); }

  void make_ready(std::initializer_list<Rank> ranks) {
    for (const Rank rank : ranks) tell(WorkerReady{rank});
  }
  /// The worker takes a batch, and makes so many outputs of it.
  Commands process(Rank rank, BatchId batch, std::uint64_t outputs) {
    tell(Taken{rank, batch, 0});
    return tell(Finished{rank, batch, outputs, 0, false, {}});
  }
  /// The last stage finishes one input.
  Commands deliver(Rank rank, BatchId batch, std::uint64_t origin) {
    tell(Taken{rank, batch, 0});
    return tell(Finished{rank, batch, 0, 0, true, {{origin, -1}}});
  }

  RunControl control;
  Commands started;
  Time now{0};
};

}  // namespace sluice::control
