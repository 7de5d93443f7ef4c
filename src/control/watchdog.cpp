#include "control/watchdog.hpp"

#include <algorithm>
#include <utility>

namespace sluice::control {
namespace {

constexpr Time most_beat = std::chrono::milliseconds(500);
constexpr Time least_beat = std::chrono::milliseconds(5);

Time look_every(Time beat) { return beat / 4; }

// The longest-lasting of the stalls that `find` sees.
template <class Find>
std::optional<Stall> worst(const std::vector<RankState>& ranks, Find find) {
  std::optional<Stall> found;
  for (std::size_t rank = 1; rank < ranks.size(); ++rank) {
    const std::optional<Stall> stall = find(static_cast<Rank>(rank), ranks[rank]);
    if (stall && (!found || stall->lasted > found->lasted)) found = stall;
  }
  return found;
}

}  // namespace

const RankState::Batch* RankState::oldest() const {
  const auto found = std::min_element(
      in_process.begin(), in_process.end(),
      [](const auto& a, const auto& b) { return a.second.since < b.second.since; });
  return found == in_process.end() ? nullptr : &found->second;
}

Time beat_of(const Patience& patience) {
  Time beat = most_beat;
  const auto bound_by = [&beat](Time limit) {
    if (limit > Time{0}) beat = std::min(beat, limit / 4);
  };
  for (const auto limit : patience.stall_after) bound_by(limit);
  bound_by(patience.silence);
  return std::max(beat, least_beat);
}

Watchdog::Watchdog(Patience patience, std::size_t ranks)
    : patience_(std::move(patience)), beat_(beat_of(patience_)), ranks_(ranks) {
  for (const auto limit : patience_.stall_after) longest_ = std::max(longest_, limit);
}

void Watchdog::advance(Time now) {
  at_ += std::min(now - now_, 2 * look_every(beat_));
  now_ = now;
}

void Watchdog::heard(Rank rank, bool in_call) {
  auto& from = state(rank);
  from.joined = true;
  from.heard = at_;
  if (!in_call) from.turned = at_;
}

void Watchdog::counted(Rank rank, std::uint64_t calls) {
  auto& from = state(rank);
  if (std::exchange(from.calls, calls) == calls) return;
  moved_at_ = at_;
  if (from.doing == RankState::Doing::running) from.since = at_;
}

void Watchdog::begin_again() {
  for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
    auto& each = ranks_[rank];
    if (each.gone) continue;
    each.due.clear();
    each.in_process.clear();
    each.backlog = 0;
    each.retiring = false;
    if (each.doing != RankState::Doing::nothing) rest(static_cast<Rank>(rank));
  }
}

void Watchdog::on(const Assign& order) {
  state(order.rank).stage = static_cast<int>(order.stage);
  begin(order.rank, order.setup_node ? RankState::Doing::node_setup : RankState::Doing::setup);
}

void Watchdog::on(const Retire& order) {
  auto& leaver = state(order.rank);
  leaver.retiring = true;
  if (leaver.doing == RankState::Doing::nothing || leaver.doing == RankState::Doing::waiting) {
    rest(order.rank);
  }
}

void Watchdog::on(const Grant& order) {
  moved_at_ = at_;
  if (order.producer != coordinator) {
    auto& producer = state(order.producer);
    producer.backlog -= std::min(producer.backlog, order.records);
    if (producer.backlog == 0 && producer.doing == RankState::Doing::waiting) producer.since = at_;
  }
  if (order.total > 0) state(order.consumer).due.emplace(order.batch, at_);
}

void Watchdog::on(const Seal& order) { state(order.consumer).due.emplace(order.batch, at_); }

void Watchdog::on(const NodeReady& event) { rest(event.rank); }

void Watchdog::on(const WorkerReady& event) { rest(event.rank); }

void Watchdog::on(const Taken& event) {
  begin(event.rank, RankState::Doing::running);
  state(event.rank).in_process[event.batch] = {at_, event.first_input};
  state(event.rank).due.erase(event.batch);
}

void Watchdog::on(const Begun& event) {
  auto& in_process = state(event.rank).in_process;
  if (const auto it = in_process.find(event.batch); it != in_process.end()) it->second.since = at_;
  moved_at_ = at_;
}

void Watchdog::on(const Finished& event) {
  auto& in_process = state(event.rank).in_process;
  in_process.erase(event.batch);
  if (in_process.empty()) rest(event.rank);
  moved_at_ = at_;
  if (!event.delivered) state(event.rank).backlog += event.records;
}

void Watchdog::on(const Left& event) {
  auto& leaver = state(event.rank);
  leaver.stage = -1;
  leaver.retiring = false;
  leaver.due.clear();
  leaver.in_process.clear();
  leaver.backlog = 0;
  begin(event.rank, RankState::Doing::nothing);
}

void Watchdog::on(const SplitBegun& event) { begin(event.rank, RankState::Doing::running); }

void Watchdog::begin(Rank rank, RankState::Doing doing) {
  auto& who = state(rank);
  who.doing = doing;
  who.since = at_;
  moved_at_ = at_;
}

// It has nothing to do for now, or only to tear down.
void Watchdog::rest(Rank rank) {
  begin(rank, state(rank).retiring ? RankState::Doing::teardown : RankState::Doing::waiting);
}

Time Watchdog::limit(const RankState& of) const {
  if (of.stage < 0) return Time{0};
  return patience_.stall_after.at(static_cast<std::size_t>(of.stage));
}

bool Watchdog::in_call(const RankState& of) const {
  return of.stage >= 0 && at_ - of.turned > 2 * beat_;
}

std::optional<Stall> Watchdog::stall() const {
  if (auto stall = silent()) return stall;
  if (auto stall = long_call()) return stall;
  if (auto stall = long_batch()) return stall;
  if (auto stall = untaken()) return stall;
  return standstill();
}

Time Watchdog::next_look() const { return now_ + look_every(beat_); }

std::optional<Stall> Watchdog::silent() const {
  if (patience_.silence == Time{0}) return std::nullopt;
  return worst(ranks_, [this](Rank rank, const RankState& of) -> std::optional<Stall> {
    if (of.gone) return std::nullopt;
    const Time lasted = at_ - of.heard;
    const Time allowed = of.joined ? patience_.silence : std::max(patience_.silence, slow_to_join);
    if (lasted <= allowed) return std::nullopt;
    return Stall{Stall::Kind::silent, rank, lasted};
  });
}

// Its last word may be a beat older than the call.
std::optional<Stall> Watchdog::long_call() const {
  return worst(ranks_, [this](Rank rank, const RankState& of) -> std::optional<Stall> {
    const Time lasted = at_ - of.turned;
    const Time allowed = limit(of);
    if (allowed == Time{0} || lasted <= allowed + beat_) return std::nullopt;
    // A process that is stopped would not be in its call, but it gives no sign of life either.
    const bool alive = patience_.silence == Time{0} || at_ - of.heard <= 4 * beat_;
    return Stall{alive ? Stall::Kind::long_call : Stall::Kind::silent, rank, lasted};
  });
}

bool Watchdog::is_continuous(const RankState& of) const {
  const auto stage = static_cast<std::size_t>(of.stage);
  return of.stage >= 0 && stage < patience_.continuous.size() && patience_.continuous[stage];
}

// As far as the coordinator knows: the word that it was answered may be a beat old.
std::optional<Stall> Watchdog::long_batch() const {
  return worst(ranks_, [this](Rank rank, const RankState& of) -> std::optional<Stall> {
    const Time allowed = limit(of);
    const auto* batch = is_continuous(of) && allowed > Time{0} ? of.oldest() : nullptr;
    if (batch == nullptr || at_ - batch->since <= allowed + beat_) return std::nullopt;
    return Stall{Stall::Kind::long_batch, rank, at_ - batch->since};
  });
}

std::optional<Stall> Watchdog::untaken() const {
  return worst(ranks_, [this](Rank rank, const RankState& of) -> std::optional<Stall> {
    const bool could = of.doing == RankState::Doing::waiting && of.backlog == 0 && !in_call(of);
    const Time allowed = limit(of);
    if (!could || of.due.empty() || allowed == Time{0}) return std::nullopt;
    const Time lasted = at_ - std::max(of.since, of.due.begin()->second);
    if (lasted <= allowed) return std::nullopt;
    return Stall{Stall::Kind::untaken, rank, lasted};
  });
}

std::optional<Stall> Watchdog::standstill() const {
  const Time lasted = at_ - moved_at_;
  if (longest_ == Time{0} || lasted <= longest_) return std::nullopt;
  const bool anyone_works =
      std::any_of(ranks_.begin() + 1, ranks_.end(), [this](const RankState& of) {
        return in_call(of) || (is_continuous(of) && !of.in_process.empty());
      });
  if (anyone_works) return std::nullopt;
  return Stall{Stall::Kind::standstill, coordinator, lasted};
}

}  // namespace sluice::control
