#include "runtime/coordinator_base.hpp"

#include "base/log.hpp"
#include "base/safe_text.hpp"
#include "runtime/artifacts.hpp"
#include "runtime/slow_batches.hpp"
#include "store/trace_file.hpp"
#include "transport/presence.hpp"

#include <sluice/error.hpp>

#include <fmt/chrono.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace sluice::runtime {

using control::Rank;

namespace {

// Nothing depends on waking up in between; it keeps sums of times small.
constexpr control::Time longest_wait = std::chrono::seconds(1);
constexpr control::Time signal_wait = std::chrono::milliseconds(100);

// Then those are handled, and what follows from them goes out.
constexpr std::size_t most_at_once = 256;

constexpr std::chrono::nanoseconds years = std::chrono::hours(24 * 365);

}  // namespace

RunStatus CoordinatorBase::run(const std::function<ErasedSpec()>& build) {
  go_away();
  try {
    spec_ = build();
    talk([this] { set_beat(control::sign_beat(spec_.options.heartbeat_timeout)); });
    signals_.emplace(spec_.options.handle_signals,
                     transport_.between_processes() ? &transport_ : nullptr);
    if (spec_.options.journal || spec_.options.mode == Mode::batch) {
      time_limit_.emplace(spec_.options.stop_before_end);
    }
    watchdog_.emplace(patience_of(spec_, transport_), static_cast<std::size_t>(transport_.size()));
    hosts_.resize(static_cast<std::size_t>(transport_.size()));
    greet();
    place_artifacts();
    running_ = true;
    run_stages();
  } catch (...) {
    const auto failure = to_failure(std::current_exception(), "", {});
    rank_log().error("ended: {}", failure.message);
    end_run({failure.code, failure.message});
    throw Error(failure.code, failure.message);
  }
  rank_log().info("ended: well");
  end_run({});
  away_.reset();
  return current_status(true);
}

bool CoordinatorBase::all_stopped_within(std::chrono::nanoseconds longest) {
  const auto until = std::chrono::steady_clock::now() + std::min(longest, years);
  away_.reset();
  const auto some_go_on = [this] { return static_cast<int>(stopped_.size()) < workers_left(); };
  while (some_go_on()) {
    note_lost(transport_.take_lost());
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds::zero()) return false;
    while (auto message = transport_.receive()) {
      const auto from = message->peer;
      if (std::holds_alternative<Bye>(unpack(std::move(*message)))) stopped_.insert(from);
    }
    say_alive();
    if (some_go_on()) transport_.wait(std::min(left, beat_));
  }
  return true;
}

template <class Talk>
void CoordinatorBase::talk(Talk what) {
  if (!away_) return what();
  const transport::Presence presence(transport_);
  what();
}

void CoordinatorBase::go_away() {
  set_beat(beat_);
  away_.emplace(transport_);
}

void CoordinatorBase::set_beat(control::Time beat) {
  beat_ = beat;
  transport_.look_in_absence([this] { say_alive(); }, beat_ / 2);
}

// To all, if it is time; what goes to ranks that are lost the transport drops.
void CoordinatorBase::say_alive() {
  if (now() < next_sign_) return;
  next_sign_ = now() + beat_;
  if (!transport_.between_processes()) return;
  for (Rank rank = 1; rank < transport_.size(); ++rank) {
    transport_.send(pack(rank, Here{host_}));
  }
}

void CoordinatorBase::begin_run() {
  const auto& options = spec_.options;
  if (options.on_start) options.on_start();
  if (options.logs) log_.emplace(options.run_dir, control::coordinator, host_);
  const bool new_run = !options.resume && options.batch.only.empty();
  if (new_run && (options.logs || options.trace)) store::forget_traces(options.run_dir);
  rank_log().info("'{}' begins on {} ranks", spec_.name, transport_.size());
  const auto attempt = std::chrono::system_clock::now().time_since_epoch().count();
  for (Rank rank = 1; rank < transport_.size(); ++rank) {
    send(rank, Begin{static_cast<std::uint64_t>(attempt)});
  }
}

void CoordinatorBase::hand_over() {
  if (outgoing_.empty()) return;
  talk([this] {
    for (auto& message : outgoing_) transport_.send(std::move(message));
  });
  outgoing_.clear();
}

void CoordinatorBase::greet() {
  text_ = canonical_text(spec_);
  while (static_cast<int>(greeted_.size()) < workers_left()) {
    if (receive_all()) continue;
    check_for_stall();
    heed_signals();
    if (stopping()) throw_not_begun("its ranks");
    wait_until(control::Time::max());
  }
}

void CoordinatorBase::place_artifacts() {
  auto artifacts = artifacts_of(spec_);
  if (artifacts.empty() || workers_left() == 0) return;
  spread_.emplace(std::move(artifacts), node_of_rank(),
                  [this](Rank to, Packet packet) { send(to, std::move(packet)); });
  while (!spread_->done()) {
    if (receive_all()) continue;
    check_for_stall();
    heed_signals();
    if (stopping()) throw_not_begun("its artifacts");
    wait_until(control::Time::max());
  }
  run_log().info("{}", spread_->summary(seconds()));
  spread_.reset();
}

bool CoordinatorBase::receive_all() {
  watchdog_->advance(now());
  std::vector<Rank> dead;
  std::vector<transport::Message> messages;
  talk([&] {
    say_alive();
    dead = transport_.take_lost();
    while (messages.size() < most_at_once) {
      auto message = transport_.receive();
      if (!message) break;
      messages.push_back(std::move(*message));
    }
  });
  handle_lost(dead);
  for (auto& message : messages) {
    const Rank from = message.peer;
    if (!lost_.contains(from)) on(unpack(std::move(message)), from);
  }
  hand_over();
  return !messages.empty();
}

void CoordinatorBase::on(Packet packet, Rank from) {
  const auto* alive = std::get_if<Alive>(&packet);
  watchdog_->heard(from, alive != nullptr && alive->in_call);
  if (alive != nullptr) {
    if (!alive->in_call) watchdog_->counted(from, alive->calls);
    if (alive->in_call && spread_) watchdog_->moved();  // it is at its disk
  } else if (const auto* remark = std::get_if<Remark>(&packet)) {
    // Other ranks meet the same.
    if (const auto news = remarks_.take(remark->text)) run_log().warn("rank {}: {}", from, *news);
  } else if (const auto* stop = std::get_if<Stop>(&packet)) {
    signalled_rank_ = stop->signal;
  } else if (const auto* hello = std::get_if<Hello>(&packet)) {
    require_same(text_, hello->spec, from, hello->host);
    hosts_[static_cast<std::size_t>(from)] = hello->host;
    topology_.add(transport_.node_of(from), hello->host, hello->machine);
    seats_.add(from, transport_.node_of(from), hello->machine);
    machines_[from] = hello->machine;
    greeted_.insert(from);
  } else if (const auto* failure = std::get_if<Failure>(&packet)) {
    throw_failure(*failure, [this](std::size_t input) { return input_name(spec_, input); });
  } else if (const auto* found = std::get_if<Lost>(&packet)) {
    handle_lost(found->ranks);
  } else if (spread_ && spread_->took(packet, from)) {
    watchdog_->moved();
  } else {
    handle(std::move(packet), from);
  }
}

// Who dies before the run has begun is not missed, if the others are enough for it.
void CoordinatorBase::handle_lost(const std::vector<Rank>& ranks) {
  const auto news = note_lost(ranks);
  if (running_ && !news.empty()) lose(news);
  if (spread_) spread_->require_alive(news);
}

std::vector<Rank> CoordinatorBase::note_lost(const std::vector<Rank>& ranks) {
  std::vector<Rank> news;
  for (const Rank rank : ranks) {
    if (!lost_.insert(rank).second) continue;
    news.push_back(rank);
    stopped_.erase(rank);
    talk([&] { transport_.forget(rank); });
    if (watchdog_) watchdog_->gone(rank);
    if (greeted_.erase(rank) == 0) continue;
    topology_.remove(transport_.node_of(rank));
  }
  return news;
}

int CoordinatorBase::workers_left() const {
  return transport_.size() - 1 - static_cast<int>(lost_.size());
}

void CoordinatorBase::end_run(const End& end) {
  for (Rank rank = 1; rank < transport_.size(); ++rank) send(rank, end);
  hand_over();
}

void CoordinatorBase::send(Rank to, Packet packet) {
  outgoing_.push_back(pack(to, std::move(packet)));
}

void CoordinatorBase::seat(const control::Assign& order) {
  const auto& stage = spec_.stages.at(order.stage).spec;
  const auto cores = seats_.take(order.rank, stage.cpus);
  const auto names = topology_.gpus_of(transport_.node_of(order.rank));
  std::vector<std::string> gpus;
  for (const auto gpu : order.gpus) gpus.push_back(names.at(gpu));
  send(order.rank, Bind{cores.value_or(Seats::Cores()), gpus});
}

control::GpuSeats CoordinatorBase::gpu_seats(const std::vector<control::StageDemand>& stages,
                                             control::GpuPlaces places) const {
  std::vector<double> gpus;
  for (const auto& stage : stages) gpus.push_back(stage.gpus);
  const auto is_none = [](double each) { return each <= 0; };
  if (std::all_of(gpus.begin(), gpus.end(), is_none)) return {};
  std::vector<int> nodes = node_of_rank();
  std::vector<control::Gpus> visible(nodes.size());
  for (const auto& [rank, machine] : machines_) {
    const auto index = static_cast<std::size_t>(rank);
    if (nodes[index] >= 0) visible[index] = topology_.visible_on(nodes[index], machine);
  }
  control::GpuSeats seats(gpus, std::move(nodes), std::move(visible));
  seats.plan(std::move(places));
  return seats;
}

void CoordinatorBase::require_seats(control::GpuSeats seats,
                                    std::vector<control::GpuSeats::Worker> workers,
                                    std::size_t first) const {
  const auto unseated = seats.take_all(std::move(workers));
  if (unseated.empty()) return;
  const auto rank = unseated.front().ranks.front();
  const auto stage_index = first + static_cast<std::size_t>(unseated.front().stage);
  const auto& stage = spec_.stages.at(stage_index).spec;
  const auto seen = machines_.at(rank).gpus.size();
  const bool enough = static_cast<double>(seen) >= stage.gpus;
  throw LaunchError(fmt::format(
      "stage '{}' asks for {} GPUs a worker, and rank {} on {} sees {} of its node{}; start the "
      "ranks so that each sees enough of them (srun: --gpus-per-node with --gpu-bind=none, not "
      "--gpus-per-task; mpirun: leave CUDA_VISIBLE_DEVICES as it is)",
      stage.name, stage.gpus, rank, hosts_[static_cast<std::size_t>(rank)], seen,
      enough ? ", where others leave no room" : ""));
}

void CoordinatorBase::throw_too_few(const LaunchError& why) const {
  throw Error(ExitCode::lost,
              fmt::format("{} of {} ranks have died, and those that are left are too few: {}; what "
                          "is committed is safe: go on with {}",
                          lost_.size(), transport_.size(), why.what(),
                          command_hint("sluice resume", spec_.options.run_dir.string())));
}

RunStatus CoordinatorBase::current_status(bool finished) const {
  auto picture = status();
  picture.finished = finished;
  picture.control_messages = control_messages_;
  if (dead_letters_) picture.dead_letters = dead_letters_->letters().size();
  picture.slowest = named(slowest_, spec_);
  return picture;
}

void CoordinatorBase::note_slow(std::vector<control::SlowBatch> slow, Rank from) {
  for (auto& batch : slow) {
    batch.rank = from;
    slowest_.note(batch);
  }
}

void CoordinatorBase::show_status(bool finished) {
  const auto at = now();
  next_status_ =
      at + std::min<control::Time>(spec_.options.status_interval, control::Time::max() - at);
  if (spec_.options.on_status) spec_.options.on_status(current_status(finished));
}

void CoordinatorBase::look_around() {
  if (now() >= next_status_) show_status(false);
  heed_signals();
  check_for_stall();
}

void CoordinatorBase::heed_signals() {
  if (stopping()) return;
  stopping_ = reason_to_stop();
  if (!stopping()) return;
  grace_ends_ = now() + grace();
  run_log().info("{}: nothing new is begun; what is in flight has {} to end",
                 signal_name(stopping_),
                 std::chrono::duration_cast<std::chrono::milliseconds>(grace()));
  if (running_) stop_early();
}

int CoordinatorBase::reason_to_stop() {
  if (signals_->received() != 0) return signals_->received();
  if (signalled_rank_ != 0) return signalled_rank_;
  return time_limit_ && time_limit_->is_near() ? end_of_job : 0;
}

std::chrono::nanoseconds CoordinatorBase::grace() const {
  const auto wanted = spec_.options.grace;
  return stopping_ == end_of_job ? std::min(wanted, time_limit_->grace())
                                 : grace_after(stopping_, wanted);
}

void CoordinatorBase::throw_stopped(const std::string& progress) const {
  throw Error(ExitCode::stopped, stopped_text(spec_, stopping_, progress, out_of_grace()));
}

void CoordinatorBase::throw_not_begun(const std::string& waited_for) const {
  throw Error(ExitCode::stopped, not_begun_text(spec_, stopping_, waited_for));
}

void CoordinatorBase::check_for_stall() {
  if (now() < next_check_) return;
  next_check_ = watchdog_->next_look();
  const auto stall = watchdog_->stall();
  if (!stall) return;
  throw Error(ExitCode::hung,
              report_hang(spec_, *stall, {*watchdog_, hosts_, status(), waiting(), seconds()}));
}

void CoordinatorBase::wait_until(control::Time until) {
  hand_over();
  const auto wake = std::min({until, next_status_, next_check_});
  // A signal cannot end the wait of a thread that others notify under a lock.
  const auto longest = transport_.between_processes() ? std::min(longest_wait, beat_) : signal_wait;
  talk([&] {
    transport_.wait(std::clamp<control::Time>(wake - now(), control::Time{0}, longest));
    say_alive();
  });
}

control::Time CoordinatorBase::now() const { return std::chrono::steady_clock::now() - started_; }

std::vector<int> CoordinatorBase::node_of_rank() const {
  std::vector<int> nodes;
  for (Rank rank = 0; rank < transport_.size(); ++rank) {
    nodes.push_back(lost_.contains(rank) ? -1 : transport_.node_of(rank));
  }
  return nodes;
}

}  // namespace sluice::runtime
