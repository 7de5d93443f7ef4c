#pragma once

#include "control/run_control.hpp"
#include "runtime/protocol.hpp"

#include <sluice/run.hpp>

#include <chrono>
#include <vector>

namespace sluice::runtime {

/// What the coordinator has heard of the run's course, as a RunStatus.
class StatusBoard {
 public:
  StatusBoard(const ErasedSpec& spec, const control::RunPlan& plan);

  void note(control::Rank from, const Usage& usage);
  void note(control::Rank from, const control::Event& event);
  void note_done(std::uint64_t done, double seconds);

  /// The picture now; `seconds` since the run started.
  RunStatus status(const control::RunControl& control, double seconds) const;

 private:
  ChannelStatus channel_status(std::size_t channel, const control::RunControl& control) const;

  RunStatus base_;
  control::RunPlan plan_;
  std::vector<Usage> usage_of_rank_;
  std::vector<std::uint64_t> largest_output_;  ///< records in an output batch, of each stage
};

}  // namespace sluice::runtime
