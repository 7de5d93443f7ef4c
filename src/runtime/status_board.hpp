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

  /// A report of a worker of `stage`; to be noted before its events are handled, which may change
  /// the rank's stage.
  void note(const Report& report, control::Rank from, std::size_t stage);
  void note_done(std::uint64_t done, double seconds);

  /// The picture now; `seconds` since the run started.
  RunStatus status(const control::RunControl& control, double seconds) const;

 private:
  void note(const control::Event& event, std::size_t stage);
  ChannelStatus channel_status(std::size_t channel, const control::RunControl& control) const;

  RunStatus base_;
  std::vector<control::ChannelSpec> channels_;
  std::vector<Usage> usage_of_rank_;           ///< in all its stages
  std::vector<std::uint64_t> largest_output_;  ///< records in an output batch, of each stage
};

}  // namespace sluice::runtime
