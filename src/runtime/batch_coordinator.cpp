#include "runtime/batch_coordinator.hpp"

#include "base/log.hpp"
#include "base/safe_text.hpp"
#include "control/plan.hpp"
#include "control/recovery.hpp"
#include "runtime/spec.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sluice::runtime {

using control::Rank;

namespace {

// A split is never more than this in memory, by the average of its stage's input: one that the
// coordinator sends must fit there, and work is shared out in parts of some seconds at most.
constexpr std::uint64_t most_split_bytes = 4 << 20;
constexpr std::uint64_t entry_bytes = 32;  // of a record in a batch, beside its own bytes

std::uint64_t most_records(std::uint64_t records, std::uint64_t bytes) {
  if (records == 0) return 1;
  const auto average = bytes / records + entry_bytes;
  return std::max<std::uint64_t>(1, most_split_bytes / average);
}

// What of `whole` no range of `done` covers, in order.
std::vector<control::Span> gaps(control::Span whole, const store::SplitSet& done) {
  std::vector<control::Span> left;
  auto at = whole.first;
  for (const auto& range : done.ranges()) {
    const auto begin = std::min(range.first, whole.end());
    if (begin > at) left.push_back({at, begin - at});
    at = std::max(at, range.first + range.count);
    if (at >= whole.end()) return left;
  }
  if (at < whole.end()) left.push_back({at, whole.end() - at});
  return left;
}

}  // namespace

void BatchCoordinator::run_stages() {
  plan();
  lock_.emplace(spec_.options.run_dir);
  input_.emplace(spec_);
  book_.emplace(spec_, input_->text());
  open_dead_letters();
  if (spec_.options.batch.only.empty()) {
    store::folder_files(spec_.options.run_dir)->write("plan.txt", plan_text());
  }
  begin_run();
  control_.emplace(node_of_rank());
  open_status();
  if (book_->first() > 0) input_->forget();
  for (auto stage = book_->first(); stage < book_->end(); ++stage) {
    run_stage(stage);
    if (stopping() && stage + 1 < book_->end()) throw_stopped_here();
  }
  collect_outputs();
  book_->finish();
  status_.done = status_.inputs;
  show_status(true);
  lock_.reset();
}

// Those of a stage that this run begins anew, or goes on with, are in its shards.
void BatchCoordinator::open_dead_letters() {
  dead_letters_.emplace(spec_, input_->size(), book_->home());
  dead_letters_->keep_only(
      [this](const store::DeadLetter& letter) { return book_->is_finished(letter.stage); });
}

// Of all stages before the first one runs: what does not fit is refused while nothing is lost.
void BatchCoordinator::plan() {
  stage_of_rank_.resize(spec_.stages.size());
  seats_of_stage_.resize(spec_.stages.size());
  const auto asked = demands(spec_, topology());
  for (std::size_t k = 0; k < asked.size(); ++k) {
    const auto placed = control::make_plan({asked[k]}, topology());
    put(k, asked[k], control::assign_ranks(placed, node_of_rank()), placed);
  }
}

void BatchCoordinator::put(std::size_t stage, const control::StageDemand& demand,
                           std::vector<int> stage_of_rank, const control::Plan& plan) {
  std::vector<control::GpuSeats::Worker> workers;
  for (Rank rank = 1; rank < transport_.size(); ++rank) {
    if (stage_of_rank[static_cast<std::size_t>(rank)] >= 0) workers.push_back({{rank}, 0});
  }
  auto seats = gpu_seats({demand}, control::gpu_places(plan, {demand}));
  require_seats(seats, workers, stage);
  stage_of_rank_[stage] = std::move(stage_of_rank);
  seats_of_stage_[stage] = std::move(seats);
}

// After a loss. Who has the stage keeps it; if nobody does, others get it. Returns their places if
// so.
control::GpuPlaces BatchCoordinator::plan_anew(std::size_t stage) {
  const auto demand = demands(spec_, topology()).at(stage);
  std::optional<control::Plan> plan;
  auto stages = control::stages_after_loss({demand}, topology(), node_of_rank(),
                                           stage_of_rank_[stage], lost(), {}, &plan);
  if (!plan) {
    stage_of_rank_[stage] = std::move(stages);
    return {};
  }
  put(stage, demand, std::move(stages), *plan);
  return control::gpu_places(*plan, {demand});
}

std::string BatchCoordinator::plan_text() const {
  std::string text;
  for (std::size_t k = 0; k < stage_of_rank_.size(); ++k) {
    text += fmt::format("stage {}, {}: ranks", k + 1, spec_.stages[k].spec.name);
    for (std::size_t rank = 1; rank < stage_of_rank_[k].size(); ++rank) {
      if (stage_of_rank_[k][rank] >= 0) text += fmt::format(" {}", rank);
    }
    text += '\n';
  }
  return text;
}

void BatchCoordinator::open_status() {
  status_.pipeline = spec_.name;
  status_.inputs = input_->size();
  for (const auto& stage : spec_.stages) status_.stages.emplace_back().name = stage.spec.name;
  usage_of_rank_.resize(static_cast<std::size_t>(transport_.size()));
}

void BatchCoordinator::run_stage(std::size_t stage) {
  stage_ = stage;
  free_seats();
  briefed_.clear();
  carry_out(control_->begin(work_of(stage)));
  while (!control_->idle() && !out_of_grace()) turn();
  if (control_->unfinished() || out_of_grace()) throw_stopped_here();
}

void BatchCoordinator::stop_early() {
  if (!control_ || control_->idle()) return;
  for (Rank rank = 1; rank < transport_.size(); ++rank) {
    if (stage_of_rank_[stage_][static_cast<std::size_t>(rank)] >= 0) send(rank, Stop{});
  }
  carry_out(control_->stop());
}

void BatchCoordinator::throw_stopped_here() const {
  const auto& stage = status_.stages[stage_];
  throw_stopped(
      fmt::format("0 of {} inputs are done with all stages, and {} of {} records with "
                  "stage '{}', the {}. of {}",
                  status_.inputs, stage.records_in, stage.expected.value_or(0), stage.name,
                  stage_ + 1, status_.stages.size()));
}

std::vector<Waiting> BatchCoordinator::waiting() const {
  std::vector<Waiting> found(spec_.stages.size());
  if (stage_ >= status_.stages.size()) return found;
  const auto& shown = status_.stages[stage_];
  const auto expected = shown.expected.value_or(0);
  found[stage_].records = expected - std::min(expected, shown.records_in);
  return found;
}

control::OpenStage BatchCoordinator::work_of(std::size_t stage) {
  control::OpenStage work;
  work.stage = stage;
  const auto& spec = spec_.stages[stage].spec;
  work.stage_of_rank = stage_of_rank_[stage];
  work.batch_size = spec.batch_size;
  work.always = spec.writes_at_teardown;
  work.gpu_seats = seats_of_stage_[stage];
  work.deliver = stage + 1 == spec_.stages.size() && spec_.on_output == nullptr;
  shards_ = book_->begin(stage);
  dead_letters_->add(book_->dead_letters(stage, shards_));
  find_pieces(work);
  return work;
}

// The first stage's input is one piece, that of the others a piece a shard; of each, what is to be
// done may lie in several parts.
void BatchCoordinator::find_pieces(control::OpenStage& work) {
  store::SplitSet done;
  for (const auto& shard : shards_) done.add(shard.splits);
  std::vector<control::Span> wholes{{0, input_->size()}};
  auto bytes = input_->bytes();
  if (work.stage > 0) {
    from_ = book_->input_of(work.stage);
    bytes = from_.bytes;
    wholes.clear();
    for (std::size_t i = 0; i < from_.shards.size(); ++i) {
      wholes.push_back({from_.firsts[i], from_.shards[i].records});
    }
  }
  std::uint64_t records = 0;
  shard_of_piece_.clear();
  for (std::size_t i = 0; i < wholes.size(); ++i) {
    records += wholes[i].count;
    for (const auto& gap : gaps(wholes[i], done)) {
      work.pieces.push_back(gap);
      shard_of_piece_.push_back(i);
    }
  }
  work.most_records = most_records(records, bytes);
  status_.stages[work.stage].expected = records;
  status_.stages[work.stage].records_in = done.size();
}

// A rank that leaves the stage and joins it again, after a loss, names its shards otherwise.
void BatchCoordinator::brief(Rank rank) {
  if (!briefed_.insert(rank).second) return;
  send(rank,
       StageBrief{book_->folder(stage_), book_->input_folder(stage_), book_->text(stage_).lines,
                  fmt::format("{}.{}", book_->attempt(), briefs_++),
                  book_->run_dir(stage_).string()});
}

void BatchCoordinator::turn() {
  const bool received = receive_all();
  look_around();
  if (received || control_->idle() || book_->tidy()) return;
  wait_until(control::Time::max());
}

void BatchCoordinator::handle(Packet packet, Rank from) {
  if (const auto* report = std::get_if<BatchReport>(&packet)) on(*report, from);
}

void BatchCoordinator::lose(const std::vector<Rank>& ranks) {
  for (const Rank rank : ranks) {
    require_recoverable(rank);
    status_.lost.push_back({rank, spec_.stages[stage_].spec.name, seconds()});
    run_log().warn("rank {} died; others process what it had not published", rank);
  }
  try {
    control::GpuPlaces places;
    if (!control_.value().idle()) places = plan_anew(stage_);
    for (auto stage = stage_ + 1; stage < book_->end(); ++stage) plan_anew(stage);
    for (const Rank rank : ranks) {
      carry_out(control_->lose(rank, stage_of_rank_[stage_], places));
    }
  } catch (const LaunchError& error) {
    throw_too_few(error);
  }
}

// What such a stage wrote since its setup is lost with the rank, and which records that was of only
// a new start of the stage makes good.
void BatchCoordinator::require_recoverable(Rank rank) const {
  const auto& stage = spec_.stages[stage_].spec;
  if (!stage.writes_at_teardown || !control_ || control_->idle()) return;
  throw Error(
      ExitCode::lost,
      fmt::format("rank {} died with what it had written for stage '{}', which writes at "
                  "teardown; go on with {}",
                  rank, stage.name, command_hint("sluice resume", spec_.options.run_dir.string())));
}

void BatchCoordinator::on(const BatchReport& report, Rank from) {
  ++control_messages_;
  dead_letters_->add(report.dead);
  note_slow(report.slow, from);
  auto& shown = status_.stages.at(stage_);
  auto& before = usage_of_rank_.at(static_cast<std::size_t>(from));
  shown.running += report.usage.running - before.running;
  shown.starved += report.usage.starved - before.starved;
  shown.blocked += report.usage.blocked - before.blocked;
  shown.setup += report.usage.setup - before.setup;
  before = report.usage;
  shown.batches += report.batches;
  shown.records_in += report.records_in;
  shown.records_out += report.records_out;
  shown.filtered += report.filtered;
  shown.dead += report.dead.size();
  shown.shards += report.shards.size();
  for (const auto& shard : report.shards) shards_.push_back(store::shard_info(shard));
  for (const auto& event : report.events) {
    watch(event);
    if (std::holds_alternative<control::Left>(event)) briefed_.erase(from);
    carry_out(control_->handle(event));
  }
}

void BatchCoordinator::carry_out(const control::BatchCommands& commands) {
  status_.stages[stage_].workers = std::max(status_.stages[stage_].workers, control_->workers());
  for (const auto& command : commands) carry_out(command);
}

void BatchCoordinator::carry_out(const control::BatchCommand& command) {
  if (const auto* split = std::get_if<control::ProcessSplit>(&command)) return hand_out(*split);
  if (std::holds_alternative<control::CommitStage>(command)) return commit();
  ++control_messages_;
  if (const auto* assign = std::get_if<control::Assign>(&command)) {
    watch(control::Command{*assign});
    brief(assign->rank);
    seat(*assign);
    send(assign->rank, Orders{{*assign}});
  } else if (const auto* retire = std::get_if<control::Retire>(&command)) {
    watch(control::Command{*retire});
    send(retire->rank, Orders{{*retire}});
  }
}

void BatchCoordinator::hand_out(const control::ProcessSplit& order) {
  ++control_messages_;
  Split split;
  split.records = order.records;
  if (stage_ == 0) {
    split.input = input_->records(order.records);
  } else {
    const auto shard = shard_of_piece_.at(order.piece);
    split.shard = to_json(from_.shards[shard]);
    split.offset = order.records.first - from_.firsts[shard];
  }
  send(order.rank, std::move(split));
}

void BatchCoordinator::commit() {
  book_->commit(stage_, std::exchange(shards_, {}));
  if (stage_ == 0) input_->forget();
  carry_out(control_->handle(control::Committed{stage_}));
}

void BatchCoordinator::collect_outputs() {
  if (!spec_.on_output || book_->end() < spec_.stages.size()) return;
  const auto last = spec_.stages.size() - 1;
  book_->read(last, [&](const EncodedBatch& batch) {
    spec_.on_output(spec_.stages[last].output->decode(batch));
  });
}

RunStatus BatchCoordinator::status() const {
  auto status = status_;
  status.seconds = seconds();
  return status;
}

}  // namespace sluice::runtime
