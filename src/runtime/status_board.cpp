#include "runtime/status_board.hpp"

#include <algorithm>

namespace sluice::runtime {

StatusBoard::StatusBoard(const ErasedSpec& spec, const control::RunPlan& plan)
    : plan_(plan),
      usage_of_rank_(plan.stage_of_rank.size()),
      largest_output_(plan.stages.size(), 0) {
  base_.pipeline = spec.name;
  base_.inputs = plan.inputs;
  for (const auto& stage : spec.stages) {
    auto& shown = base_.stages.emplace_back();
    shown.name = stage.spec.name;
  }
  for (const int stage : plan.stage_of_rank) {
    if (stage >= 0) ++base_.stages[static_cast<std::size_t>(stage)].workers;
  }
}

void StatusBoard::note(control::Rank from, const Usage& usage) {
  usage_of_rank_.at(static_cast<std::size_t>(from)) = usage;
}

void StatusBoard::note(control::Rank from, const control::Event& event) {
  const auto* finished = std::get_if<control::Finished>(&event);
  if (finished == nullptr) return;
  const auto stage =
      static_cast<std::size_t>(plan_.stage_of_rank.at(static_cast<std::size_t>(from)));
  auto& shown = base_.stages.at(stage);
  ++shown.batches;
  shown.records_out += finished->records;
  largest_output_[stage] = std::max(largest_output_[stage], finished->records);
}

void StatusBoard::note_done(std::uint64_t done, double seconds) {
  if (done > 0 && !base_.first_done) base_.first_done = seconds;
  base_.done = done;
}

RunStatus StatusBoard::status(const control::RunControl& control, double seconds) const {
  auto status = base_;
  status.seconds = seconds;
  for (std::size_t rank = 0; rank < usage_of_rank_.size(); ++rank) {
    const int stage = plan_.stage_of_rank[rank];
    if (stage < 0) continue;
    auto& shown = status.stages[static_cast<std::size_t>(stage)];
    shown.running += usage_of_rank_[rank].running;
    shown.starved += usage_of_rank_[rank].starved;
    shown.blocked += usage_of_rank_[rank].blocked;
    shown.setup += usage_of_rank_[rank].setup;
  }
  for (std::size_t k = 0; k < plan_.stages.size(); ++k) {
    status.stages[k].records_in = control.loads()[k].taken_records;
    status.channels.push_back(channel_status(k, control));
  }
  return status;
}

ChannelStatus StatusBoard::channel_status(std::size_t channel,
                                          const control::RunControl& control) const {
  const auto& load = control.loads()[channel];
  const auto& spec = plan_.stages[channel];
  const auto prefetch = std::max<std::uint64_t>(1, spec.slots - 1);
  ChannelStatus shown{load.peak_records, load.peak_bytes, 0};
  shown.bound_records = control.workers_of(channel) * prefetch * spec.batch_size;
  if (channel > 0) {
    shown.bound_records += control.workers_of(channel - 1) * largest_output_[channel - 1];
  }
  return shown;
}

}  // namespace sluice::runtime
