#include "runtime/status_board.hpp"

#include <algorithm>

namespace sluice::runtime {

StatusBoard::StatusBoard(const ErasedSpec& spec, const control::RunPlan& plan)
    : channels_(plan.stages),
      usage_of_rank_(plan.stage_of_rank.size()),
      largest_output_(plan.stages.size(), 0) {
  base_.pipeline = spec.name;
  base_.inputs = plan.inputs;
  for (const auto& range : plan.done) base_.done_before += range.count;
  base_.done = base_.done_before;
  for (const auto& stage : spec.stages) {
    auto& shown = base_.stages.emplace_back();
    shown.name = stage.spec.name;
  }
}

void StatusBoard::note(const Report& report, control::Rank from, std::size_t stage) {
  auto& before = usage_of_rank_.at(static_cast<std::size_t>(from));
  auto& shown = base_.stages.at(stage);
  shown.running += report.usage.running - before.running;
  shown.starved += report.usage.starved - before.starved;
  shown.blocked += report.usage.blocked - before.blocked;
  shown.setup += report.usage.setup - before.setup;
  before = report.usage;
  shown.dead += report.dead.size();
  for (const auto& event : report.events) note(event, stage);
}

void StatusBoard::note(const control::Event& event, std::size_t stage) {
  const auto* finished = std::get_if<control::Finished>(&event);
  if (finished == nullptr) return;
  auto& shown = base_.stages.at(stage);
  ++shown.batches;
  shown.records_out += finished->records;
  shown.filtered += finished->filtered;
  largest_output_[stage] = std::max(largest_output_[stage], finished->records);
}

void StatusBoard::note_done(std::uint64_t done, double seconds) {
  if (done > base_.done_before && !base_.first_done) base_.first_done = seconds;
  base_.done = done;
}

RunStatus StatusBoard::status(const control::RunControl& control, double seconds) const {
  auto status = base_;
  status.seconds = seconds;
  for (std::size_t k = 0; k < channels_.size(); ++k) {
    status.stages[k].workers = control.roles().workers_of(k);
    status.stages[k].records_in = control.loads()[k].taken_records;
    status.channels.push_back(channel_status(k, control));
  }
  return status;
}

ChannelStatus StatusBoard::channel_status(std::size_t channel,
                                          const control::RunControl& control) const {
  const auto& load = control.loads()[channel];
  const auto& spec = channels_[channel];
  ChannelStatus shown{load.peak_records, load.peak_bytes, 0, load.records};
  shown.bound_records =
      control.roles().most_workers_of(channel) * spec.prefetch() * spec.batch_size;
  if (channel > 0) {
    shown.bound_records += control.roles().most_workers_of(channel - 1) *
                           channels_[channel - 1].depth * largest_output_[channel - 1];
  }
  return shown;
}

}  // namespace sluice::runtime
