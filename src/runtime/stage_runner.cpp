#include "runtime/stage_runner.hpp"

#include "base/log.hpp"
#include "control/lineage.hpp"
#include "gpu/platform.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace sluice::runtime {
namespace {

// Before the next attempt at a setup that failed so often in a row.
std::chrono::nanoseconds pause_after(std::uint64_t failures) {
  constexpr std::chrono::milliseconds first{100};
  constexpr std::chrono::seconds longest{10};
  if (failures > 7) return longest;
  return std::min<std::chrono::nanoseconds>(longest, first * (1U << (failures - 1)));
}

std::string shown(const std::vector<std::uint64_t>& origins) {
  if (origins.empty()) return {};
  const auto more = origins.size() - 1;
  return fmt::format(" on input {}{}", origins.front(),
                     more == 0 ? "" : fmt::format(" and {} more", more));
}

// Trying again would not help.
bool is_final(const Failure& failure) {
  return failure.code == ExitCode::usage || failure.code == ExitCode::plugin ||
         failure.code == ExitCode::internal;
}

// What lies on a device already, from the stage before in this process: it is free again in the
// order of that one's stream, so it must be held until this one's is done.
std::vector<Buffer> handed_over(const EncodedBatch& records) {
  std::vector<Buffer> there;
  for (const auto& buffer : records.buffers()) {
    if (buffer.memory() == Memory::device) there.push_back(buffer);
  }
  return there;
}

// In debug mode all stages share a thread.
void enter(const std::unique_ptr<DeviceLane>& lane) {
  gpu::set_worker_device(lane ? &lane->device() : nullptr);
}

}  // namespace

template <class Body>
void StageRunner::guarded(Body body) {
  try {
    body();
  } catch (const Failed&) {
    throw;
  } catch (const GroupInterrupted&) {
    throw;
  } catch (...) {
    Failed failed{to_failure(std::current_exception(), where_stage(stage_.spec), origins_)};
    rank_log().error("failed{}: {}", shown(failed.failure.origins), failed.failure.message);
    throw failed;
  }
}

std::optional<std::chrono::nanoseconds> StageRunner::set_up(const WorkerContext& context,
                                                            bool on_node) {
  try {
    attempt_setup(context, on_node);
  } catch (const GroupInterrupted&) {
    throw;
  } catch (...) {
    user_.reset();
    ++failed_setups_;
    auto where = fmt::format("{}: {} on rank {} ({})", where_stage(stage_.spec),
                             on_node ? "setup_on_node" : "setup", context.rank, context.node);
    auto failure = to_failure(std::current_exception(), where, {});
    failure.attempts = failed_setups_;
    rank_log().error("{} failed, attempt {}: {}", on_node ? "setup_on_node" : "setup",
                     failed_setups_, failure.message);
    if (failed_setups_ >= stage_.spec.setup_attempts || is_final(failure)) throw Failed{failure};
    return pause_after(failed_setups_);
  }
  failed_setups_ = 0;
  return std::nullopt;
}

void StageRunner::attempt_setup(const WorkerContext& context, bool on_node) {
  if (!user_) user_ = stage_.make();
  rank_ = context.rank;
  node_ = context.node;
  if (!on_node && !lane_) lane_ = DeviceLane::open(stage_, context);
  enter(lane_);
  if (on_node) {
    user_->setup_on_node(context);
  } else {
    user_->setup(context);
  }
}

Processed StageRunner::process(control::BatchId batch, EncodedBatch input) {
  origins_.clear();
  for (std::size_t i = 0; i < input.size(); ++i) origins_.push_back(input.id(i).origin);
  Processed processed;
  processed.event.batch = batch;
  processed.event.delivered = deliver_;
  enter(lane_);
  guarded([&] {
    const auto held = lane_ ? handed_over(input) : std::vector<Buffer>();
    if (lane_) input = feed(batch, std::move(input));
    if (keeps_batches(stage_.spec)) {
      processed.dead = retry(std::move(input), [&](ProcessResult result) {
        add(stage_, std::move(result), processed);
      });
    } else {
      auto decoded = stage_.input->decode(input);
      input = {};  // the records' buffers now have one owner, who may write to them
      if (hooks_.before) hooks_.before(decoded);
      add(stage_, user_->process(std::move(decoded)), processed);
    }
    settle(batch, processed.outputs);
  });
  conclude(origins_, processed);
  origins_.clear();
  return processed;
}

void StageRunner::forget_expected() {
  expected_ = {0, nullptr};
  if (lane_) lane_->forget();
}

EncodedBatch StageRunner::feed(control::BatchId batch, EncodedBatch input) {
  auto here = lane_->take(batch, std::move(input));
  const auto [next, records] = std::exchange(expected_, {0, nullptr});
  if (records != nullptr) lane_->expect(next, *records);
  return here;
}

// Records that stay objects have their payloads inside, so they are taken apart for this.
AnyBatch StageRunner::on_device(AnyBatch input) {
  return stage_.input->decode(lane_->take(0, stage_.input->encode(std::move(input))));
}

void StageRunner::settle(control::BatchId batch, EncodedBatch& outputs) {
  if (lane_) lane_->finished(batch);
  if (keep_on_device_ || !any_on_device(outputs)) return;
  if (!lane_) {
    outputs = bring_home(std::move(outputs));
  } else {
    const auto buffers = outputs.buffers();
    outputs = with_buffers(outputs, lane_->device().to_host({buffers.begin(), buffers.end()}));
  }
}

StageRunner::ProcessedHere StageRunner::process_here(AnyBatch input) {
  origins_.clear();
  for (const auto& id : input.ids) origins_.push_back(id.origin);
  ProcessedHere processed;
  enter(lane_);
  guarded([&] {
    if (lane_) input = on_device(std::move(input));
    if (keeps_batches(stage_.spec)) {
      processed.dead = retry(stage_.input->encode(std::move(input)), [&](ProcessResult result) {
        processed.outputs.push_back(std::move(result.outputs));
      });
    } else {
      if (hooks_.before) hooks_.before(input);
      processed.outputs.push_back(user_->process(std::move(input)).outputs);
    }
    if (!lane_) return;
    lane_->finished(0);
    for (auto& outputs : processed.outputs) {
      outputs = stage_.output->decode(bring_home(stage_.output->encode(std::move(outputs))));
    }
  });
  origins_.clear();
  return processed;
}

template <class Take>
std::vector<store::DeadLetter> StageRunner::retry(EncodedBatch batch, Take take) {
  auto dead = process_with_retries(stage_, *user_, std::move(batch), take, hooks_);
  for (auto& letter : dead) {
    letter.rank = rank_;
    letter.node = node_;
  }
  return dead;
}

void StageRunner::hand_on(const EncodedBatch& records, Processed& processed) const {
  processed.event.records += records.size();
  if (!deliver_) {
    processed.outputs.append(records);
    processed.event.bytes = processed.outputs.stored_bytes();
    return;
  }
  for (std::size_t i = 0; i < records.size(); ++i) {
    control::add(processed.event.descents, {records.id(i).origin, -1, 1});
  }
}

ContinuousRunner StageRunner::continuous() {
  auto* user = user_->continuous();
  if (user == nullptr) {
    throw Failed{{ExitCode::usage,
                  where_stage(stage_.spec),
                  "it takes one batch at a time, so its depth must be 1",
                  {},
                  1}};
  }
  return ContinuousRunner(stage_, *user, {deliver_, rank_, node_});
}

void StageRunner::tear_down() {
  enter(lane_);
  guarded([&] { user_->teardown(); });
  user_.reset();
  lane_.reset();
}

}  // namespace sluice::runtime
