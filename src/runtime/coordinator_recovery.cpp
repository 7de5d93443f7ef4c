#include "base/log.hpp"
#include "control/plan.hpp"
#include "runtime/coordinator.hpp"
#include "runtime/spec.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <optional>
#include <utility>

// How a streaming run goes on after ranks have died (docs/rank-loss.md).
namespace sluice::runtime {

using control::Rank;

void Coordinator::lose(const std::vector<Rank>& ranks) {
  if (!control_ || control_->finished()) return;
  if (!regrouping_) regrouping_.emplace(static_cast<std::size_t>(transport_.size()));
  for (const Rank rank : ranks) {
    require_recoverable(rank);
    note_loss(rank);
    regrouping_->lose(rank);
  }
  if (autoscaler_) autoscaler_->lost(lost(), topology());
  regroup();
}

void Coordinator::require_recoverable(Rank rank) const {
  if (journaled_) return;
  throw Error(ExitCode::lost,
              fmt::format("rank {} died, and the run keeps no journal by which it could go on "
                          "without it; set RunOptions::journal",
                          rank));
}

void Coordinator::note_loss(Rank rank) {
  const auto& roles = control_->roles();
  const bool worked = roles.has_stage(rank);
  const auto stage = worked ? spec_.stages[roles.stage_of(rank)].spec.name : std::string();
  losses_.push_back({rank, stage, seconds()});
  part_lost_ = commits_->lost(rank) || part_lost_;
  run_log().warn("rank {}{} died; the ranks that are left do again what was not safe", rank,
                 worked ? fmt::format(", a worker of stage '{}',", stage) : std::string());
}

void Coordinator::regroup() {
  orders_.clear();
  drop_early_reports();
  collected_ = RecordStore(control::RunControl::collecting);
  const Regroup order{epoch(), {lost().begin(), lost().end()}};
  for (const Rank rank : regrouping_->left()) send(rank, order);
}

void Coordinator::drop_early_reports() {
  for (auto& [from, report] : early_.take_all(lost())) {
    on_while_regrouping(std::move(report), from);
  }
}

// Only what is written for good counts any more.
void Coordinator::on_while_regrouping(Report report, Rank from) {
  const auto& roles = control_->roles();
  if (roles.has_stage(from)) note_parts(report, from, roles.stage_of(from));
}

void Coordinator::begin_again() {
  try {
    const auto asked = demands(spec_, topology());
    std::optional<control::Plan> plan;
    auto stages = control::stages_after_loss(asked, topology(), node_of_rank(),
                                             control_->roles().destinations(), lost(),
                                             control_->roles().primaries(), &plan);
    control_->begin_again(std::move(stages), settle(), {lost().begin(), lost().end()},
                          plan ? control::gpu_places(*plan, asked) : control::GpuPlaces());
  } catch (const LaunchError& error) {
    throw_too_few(error);
  }
  watch_anew();
  for (const auto& command : control_->start(now())) carry_out(command);
  if (stopping()) stop_early();
  send_orders();
}

// All parts are closed. With one that is lost, all that was not committed is done again, but not
// written again where it is in another part.
std::vector<control::InputRange> Coordinator::settle() {
  auto& [lock, all, book, left, settled_below] = *journaled_;
  book.commit(std::exchange(part_lost_, false) ? Settled() : newly_settled());
  commits_->take_complete(now());
  committing_ = {};
  const auto settled = book.settled();
  left = RemainingInput(all, settled);
  settled_below = 0;
  open_dead_letters();
  std::vector<control::InputRange> done;
  for (const auto& range : settled.ranges()) done.push_back({range.first, range.count});
  return done;
}

}  // namespace sluice::runtime
