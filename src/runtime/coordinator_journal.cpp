#include "runtime/coordinator.hpp"

#include "runtime/spec.hpp"

#include <algorithm>
#include <utility>

// How the coordinator of a streaming run keeps its journal (docs/resume.md).
namespace sluice::runtime {

using control::Rank;

namespace {

// For the last commit of a run that leaves ranks behind in user code.
constexpr control::Time last_commit = std::chrono::milliseconds(300);

}  // namespace

Coordinator::JournaledInput::JournaledInput(const ErasedSpec& spec)
    : lock(spec.options.run_dir),
      all(spec),
      book(spec, all.text(), all.size()),
      left(all, book.settled()) {}

void Coordinator::open_input(control::RunPlan& plan) {
  if (!spec_.options.journal && !spec_.options.resume) {
    input_.emplace(spec_);
    plan.inputs = input_->size();
    return;
  }
  journaled_.emplace(spec_);
  commits_.emplace(spec_.options.commit_every);
  plan.inputs = journaled_->all.size();
  const auto settled = journaled_->book.settled();
  for (const auto& range : settled.ranges()) {
    plan.done.push_back({range.first, range.count});
  }
}

EncodedBatch Coordinator::next_input(std::uint64_t count) {
  return input_ ? input_->next_encoded(count) : journaled_->left.next(count);
}

void Coordinator::brief(const control::Assign& order) {
  if (!journaled_ || order.setup_node) return;
  if (!spec_.stages.at(order.stage).spec.writes_at_teardown) return;
  send(order.rank,
       SinkBrief{journaled_->book.part_prefix(order.stage), journaled_->book.written(order.stage)});
}

void Coordinator::note_parts(Report& report, Rank from, std::size_t stage) {
  if (!spec_.stages.at(stage).spec.writes_at_teardown) return;
  for (auto& part : report.parts) journaled_->book.add(std::move(part));
  if (report.closed) commits_->closed(from);
  // What it has taken since is in a part that is open.
  const auto taken = [](const auto& event) {
    return std::holds_alternative<control::Taken>(event);
  };
  if (!report.closed && std::any_of(report.events.begin(), report.events.end(), taken)) {
    commits_->opened(from);
  }
}

void Coordinator::commit_if_due() {
  if (!commits_) return;
  if (const auto closing = commits_->begin_if_due(now())) begin_commit(*closing);
  if (commits_->take_complete(now())) journaled_->book.commit(std::exchange(committing_, {}));
}

void Coordinator::begin_commit(const std::vector<Rank>& closing) {
  committing_ = newly_settled();
  for (const auto rank : closing) send(rank, ClosePart{});
}

// Inputs that are done and not in the journal yet.
Settled Coordinator::newly_settled() {
  Settled found;
  const auto& dead = dead_letters_->letters().inputs();
  auto& input = *journaled_;
  const auto settled = input.book.settled();
  const auto reached = input.left.reached();
  auto range = settled.ranges().begin();
  for (auto at = input.settled_below; at < reached;) {
    while (range != settled.ranges().end() && range->first + range->count <= at) ++range;
    if (range != settled.ranges().end() && range->first <= at) {
      if (at == input.settled_below) input.settled_below = range->first + range->count;
      at = range->first + range->count;
      continue;
    }
    if (control_->is_done(at)) (dead.contains(at) ? found.dead : found.done).add(at);
    ++at;
  }
  return found;
}

// Those of inputs that come again will be written again.
void Coordinator::open_dead_letters() {
  if (!journaled_) return dead_letters_->start_afresh();
  dead_letters_->keep_only([this](const store::DeadLetter& letter) {
    return journaled_->book.dead().contains(letter.input);
  });
}

void Coordinator::end_journal(bool all_done) {
  if (!all_done && out_of_grace()) return commit_before_leaving();
  journaled_->book.commit(newly_settled());
  if (all_done) journaled_->book.finish();
}

// What is done, unless it is in a part of a worker that is stuck.
void Coordinator::commit_before_leaving() {
  if (regrouping()) return;  // it may be in a part that is lost
  if (!commits_->under_way()) begin_commit(commits_->begin());
  const auto until = now() + last_commit;
  while (commits_->under_way() && now() < until) turn();
}

}  // namespace sluice::runtime
