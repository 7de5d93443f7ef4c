#pragma once

#include "control/demand.hpp"
#include "control/dispatcher.hpp"
#include "control/lifetimes.hpp"
#include "control/topology.hpp"

#include <sluice/run.hpp>

#include <string>
#include <vector>

namespace sluice::runtime {

/// Throws UsageError, naming the stage and the knob, if the spec makes no sense.
void validate(const ErasedSpec& spec);

/// Throws UsageError if a stage can be planned, but not be run in the spec's mode.
void require_runnable(const ErasedSpec& spec);

/// Everything that all ranks of a run must agree about, a line a stage.
std::string canonical_text(const ErasedSpec& spec);

/// Throws LaunchError showing the first line in which rank `rank` on `host` differs.
void require_same(const std::string& ours, const std::string& theirs, int rank,
                  const std::string& host);

std::vector<control::StageDemand> demands(const ErasedSpec& spec);
/// The same on these nodes, where workers that share a GPU get as much of it as their memory needs.
std::vector<control::StageDemand> demands(const ErasedSpec& spec,
                                          const control::Topology& topology);
control::ChannelSpec channel_spec(const StageSpec& stage);
std::vector<control::ChannelSpec> channel_specs(const ErasedSpec& spec);
std::vector<control::Lifetime> lifetimes(const ErasedSpec& spec);

/// Worker threads for a run without a launcher: `options.workers`, or every core for the slowest
/// stage and the least that the other stages need; in batch mode, where one stage runs at a time,
/// every core, or as many as a stage is pinned to.
std::size_t worker_threads(const ErasedSpec& spec, Mode mode);

std::string host_name();

/// `key_of` of the spec, or "input 17".
std::string input_name(const ErasedSpec& spec, std::size_t input);

}  // namespace sluice::runtime
