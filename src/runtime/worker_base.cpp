#include "runtime/worker_base.hpp"

#include "base/safe_text.hpp"
#include "runtime/artifacts.hpp"
#include "runtime/gpus.hpp"
#include "runtime/hang.hpp"
#include "runtime/run_topology.hpp"
#include "runtime/spec.hpp"
#include "runtime/stage_runner.hpp"
#include "transport/mpi.hpp"
#include "transport/presence.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace sluice::runtime {

using control::coordinator;

namespace {

// Whoever is told that has no use for what a call of user code makes.
bool ends_calls(const transport::Message& message) {
  return holds<End>(message) || holds<Regroup>(message);
}

}  // namespace

void WorkerBase::run(const std::function<ErasedSpec()>& build) {
  host_ = host_name();
  remarks_.emplace();
  introduce(build);
  while (!end_) {
    try {
      turn();
    } catch (const GroupInterrupted&) {
      // What interrupted it comes with the next turn.
    } catch (const StageRunner::Failed& failed) {
      fail(failed.failure);
    } catch (...) {
      fail(to_failure(std::current_exception(), fmt::format("rank {}", transport_.rank()), {}));
    }
  }
  rank_log().info("ended: {}", end_->code == ExitCode::success ? "well" : end_->reason);
  if (end_->code == ExitCode::success) return;
  transport_.send(pack(coordinator, Bye{}));
  throw RunStopped(end_->code, end_->reason);
}

void WorkerBase::introduce(const std::function<ErasedSpec()>& build) {
  try {
    build_spec(build);
    transport_.send(pack(coordinator, Hello{canonical_text(spec_), host_, machine_for(spec_)}));
  } catch (...) {
    auto failure = to_failure(std::current_exception(), "", {});
    failure.message = fmt::format("rank {} on {}: {}", transport_.rank(), host_, failure.message);
    fail(failure);
  }
}

// The program may take its time for that, so it counts as user code.
void WorkerBase::build_spec(const std::function<ErasedSpec()>& build) {
  const auto look = [this] { show_life_in_absence(); };
  say_alive();
  transport_.look_in_absence(look, beat_);
  {
    const transport::Absence absence(transport_);
    spec_ = build();
  }
  beat_ = control::beat_of(patience_of(spec_, transport_));
  transport_.look_in_absence(look, beat_);
  if (transport_.between_processes()) {
    watch_.emplace(spec_.options.heartbeat_timeout, transport_.rank());
    signals_.emplace(spec_.options.handle_signals, &transport_);
  }
}

// Whatever else it says: the coordinator takes silence for a call of user code.
void WorkerBase::say_alive() {
  const auto now = Clock::now();
  if (now < next_word_) return;
  next_word_ = now + beat_;
  transport_.send(pack(coordinator, Alive{false, calls_}));
  if (auto trouble = tracer_.take_trouble(); !trouble.empty()) {
    rank_log().warn("{}", trouble);
    transport_.send(pack(coordinator, Remark{std::move(trouble)}));
  }
}

void WorkerBase::come_up_for_air() {
  ++calls_;
  const transport::Presence presence(transport_);
  say_alive();
  look_for_coordinator();
}

CallHooks WorkerBase::hooks(const ErasedStage& stage) {
  CallHooks hooks;
  if (tracer_.on()) {
    hooks.before = [this, &stage](const AnyBatch& batch) {
      tracer_.note_keys(*stage.input, batch);
    };
  }
  hooks.between = [this] { come_up_for_air(); };
  return hooks;
}

void WorkerBase::show_life_in_absence() {
  transport_.send(pack(coordinator, Alive{true, 0}));
  look_for_coordinator();
}

// User code may go on for hours, and nobody else would say it: so this ends the run, here and now.
// Nor does it matter whether it is known that the coordinator died, as that ends no call.
void WorkerBase::look_for_coordinator() {
  if (!watch_ || end_) return;
  watch_->look(Clock::now() - started_, transport_.heard(coordinator));
  const auto lasted = watch_->silent();
  if (!lasted) return;
  say_error(silent_coordinator_text(spec_, coordinators_host_, *lasted));
  transport::abort_all_ranks(static_cast<int>(ExitCode::hung));
}

void WorkerBase::pass_on_remarks() {
  for (auto& text : remarks_->take()) transport_.send(pack(coordinator, Remark{std::move(text)}));
}

void WorkerBase::pass_on_signal() {
  if (!signals_ || signal_passed_on_ || signals_->received() == 0) return;
  signal_passed_on_ = true;
  transport_.send(pack(coordinator, Stop{signals_->received()}));
}

void WorkerBase::turn() {
  say_alive();
  pass_on_remarks();
  pass_on_signal();
  look_for_lost();
  const bool received = receive_all();
  if (!is_lost(coordinator)) look_for_coordinator();
  if (is_lost(coordinator) && !received && !end_) coordinator_died();
  if (failed_) {
    if (!end_) transport_.wait(beat_);
    return;
  }
  const bool worked = (courier_ && courier_->step()) || work();
  if (!received && !worked && !end_) transport_.wait(std::min(longest_wait(), beat_));
}

// The coordinator sees those of its own node itself.
void WorkerBase::look_for_lost() {
  const auto found = transport_.take_lost();
  if (found.empty()) return;
  lost_.insert(found.begin(), found.end());
  const bool elsewhere = transport_.node_of(transport_.rank()) != transport_.node_of(coordinator);
  if (elsewhere) transport_.send(pack(coordinator, Lost{found}));
}

// Its last words, if there were any, have been heard by now.
void WorkerBase::coordinator_died() {
  end_ = End{ExitCode::lost, "the coordinator died"};
  for (control::Rank rank = 1; rank < transport_.rank(); ++rank) {
    if (!is_lost(rank)) return;  // that one says it
  }
  say_error(
      "rank 0, the coordinator, died, and the run with it; what was "
      "committed is safe: go on with 'sluice resume RUN_DIR'");
}

// What other ranks of its group say, at once; all else waits for the call to return.
bool WorkerBase::look_in_call() {
  say_alive();
  look_for_lost();
  look_for_coordinator();
  while (auto message = transport_.receive()) {
    if (holds<GroupCall>(*message) || holds<GroupPart>(*message) || holds<GroupEnded>(*message)) {
      handle(unpack(std::move(*message)));
      continue;
    }
    if (handle_at_once(*message)) continue;
    interrupted_ = interrupted_ || ends_calls(*message);
    kept_.push_back(std::move(*message));
  }
  return !interrupted_;
}

std::optional<transport::Message> WorkerBase::next_message() {
  if (kept_.empty()) return transport_.receive();
  auto message = std::move(kept_.front());
  kept_.pop_front();
  if (ends_calls(message)) interrupted_ = std::any_of(kept_.begin(), kept_.end(), ends_calls);
  return message;
}

bool WorkerBase::receive_all() {
  bool any = false;
  while (auto message = next_message()) {
    any = true;
    auto packet = unpack(std::move(*message));
    if (auto* end = std::get_if<End>(&packet)) {
      end_ = std::move(*end);
    } else if (auto* here = std::get_if<Here>(&packet)) {
      coordinators_host_ = std::move(here->host);
    } else if (!failed_) {
      on(std::move(packet));
    }
  }
  return any;
}

void WorkerBase::on(Packet packet) {
  if (const auto* order = std::get_if<Bind>(&packet)) {
    if (!order->cores.empty()) bind_this_thread(order->cores);
    gpus_ = cuda_names(order->gpus);
  } else if (const auto* begin = std::get_if<Begin>(&packet)) {
    on(*begin);
  } else if (!carried(packet)) {
    handle(std::move(packet));
  }
}

void WorkerBase::on(const Begin& begin) {
  const int rank = transport_.rank();
  if (spec_.options.logs) log_.emplace(spec_.options.run_dir, rank, host_);
  tracer_.open(spec_, begin.attempt, rank, transport_.node_of(rank), host_);
  rank_log().info("'{}' begins", spec_.name);
}

// True if it is about artifacts.
bool WorkerBase::carried(Packet& packet) {
  return std::visit(
      [this](auto& part) {
        if constexpr (requires(ArtifactCourier & courier) { courier.on(std::move(part)); }) {
          if (!courier_) {
            courier_.emplace(transport_, artifacts_of(spec_), [this] { come_up_for_air(); });
          }
          courier_->on(std::move(part));
          return true;
        } else {
          return false;
        }
      },
      packet);
}

// Says so and then only waits for the end.
void WorkerBase::fail(const Failure& failure) {
  if (!failed_) rank_log().error("cannot go on: {}", failure.message);
  pass_on_remarks();
  if (!failed_) transport_.send(pack(coordinator, failure));
  failed_ = true;
}

}  // namespace sluice::runtime
