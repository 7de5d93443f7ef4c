#pragma once

#include "control/audited.hpp"
#include "control/scenario.hpp"
#include "control/trace.hpp"

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace sluice::control::world {

/// Keeps books of its own of the events that RunControl is given and the commands that it returns,
/// and checks each command, and the state after each event, against DESIGN I4 to I7.
class Auditor {
 public:
  explicit Auditor(const Scenario& scenario)
      : scenario_(scenario),
        plan_(scenario.plan),
        members_(plan_.stage_of_rank.size()),
        staying_(plan_.stages.size(), 0),
        ages_(plan_.lifetimes.size()) {
    for (std::size_t rank = 1; rank < members_.size(); ++rank) {
      join(static_cast<Rank>(rank), plan_.stage_of_rank[rank]);
    }
    for (const auto& spec : plan_.stages) channels_.push_back({spec});
    if (plan_.collect) {
      channels_.push_back({RunControl::collecting});
      channels_.back().consumers[coordinator];
    }
    if (plan_.inputs > 0) channels_.front().backlogs.push_back({coordinator, plan_.inputs});
  }

  void note(const Event& event, Time now) {
    ++event_;
    now_ = now;
    std::visit([this](const auto& e) { on(e); }, event);
    renew_old_workers();
  }

  void note(const Command& command, Time now) {
    now_ = now;
    std::visit([this](const auto& c) { check(c); }, command);
  }

  /// Ranks are to have these stages.
  void note(const std::vector<int>& stage_of_rank, Time now) {
    ++event_;
    now_ = now;
    for (std::size_t rank = 1; rank < members_.size(); ++rank) {
      note(static_cast<Rank>(rank), stage_of_rank[rank]);
    }
    for (bool changed = true; std::exchange(changed, false);) {
      for (auto& m : members_) {
        if (!m.waits || is_joined(m.stage)) continue;
        stay(m);
        changed = true;
      }
    }
    renew_old_workers();
  }

  /// After everything that one event led to.
  void check_state(const RunControl& control, Time now) const {
    for (std::size_t k = 0; k < channels_.size(); ++k) {
      check_work_conservation(channels_[k], scenario_);
      check_memory(channels_[k], k, control, scenario_);
      check_deadline(channels_[k], control, now);
    }
  }

  std::uint64_t batches() const { return batches_; }
  /// Batches that were taken with fewer records than their channel's batch size.
  std::uint64_t partial() const { return partial_; }
  std::uint64_t joins() const { return joins_; }
  /// Workers that were set up again for their age.
  std::uint64_t renewals() const { return renewals_; }

 private:
  std::size_t channel_of(Rank rank) const {
    if (rank == coordinator) return plan_.stages.size();
    const int stage = members_[static_cast<std::size_t>(rank)].stage;
    require(stage >= 0, "a rank without a stage");
    return static_cast<std::size_t>(stage);
  }
  Member& member(Rank rank) { return members_[static_cast<std::size_t>(rank)]; }

  void join(Rank rank, int stage) {
    if (stage < 0 || over(stage)) return;
    member(rank) = {stage};
    ++staying_[static_cast<std::size_t>(stage)];
    ++joins_;
  }

  // As RunControl promises: those that have no stage join, the last worker of a stage is relieved.
  void note(Rank rank, int stage) {
    auto& m = member(rank);
    if (m.stage < 0) return join(rank, stage);
    auto& staying = staying_[static_cast<std::size_t>(m.stage)];
    if (m.leaving) {
      if (m.renewing && (stage == m.stage || (staying == 0 && !over(m.stage)))) return;
      m.next = stage;
      m.renewing = false;
      return;
    }
    if (stage == m.stage) return stay(m);
    if (staying > 1) return leave(rank, stage);
    if (!feeding(rank).consumers.contains(rank)) return;
    m.waits = true;
    m.next = stage;
  }
  static void stay(Member& m) {
    m.waits = false;
    m.next = -1;
  }
  void leave(Rank rank, int next) {
    auto& m = member(rank);
    --staying_[static_cast<std::size_t>(m.stage)];
    m.waits = false;
    m.leaving = true;
    m.next = next;
    auto& consumers = feeding(rank).consumers;
    if (consumers.contains(rank)) consumers[rank].closing = true;
  }
  // Whether a rank is on its way to the stage.
  bool is_joined(int stage) const {
    return std::any_of(members_.begin(), members_.end(), [stage](const Member& m) {
      return (m.leaving || m.waits ? m.next : m.stage) == stage;
    });
  }
  // Of each stage one at a time, the oldest first, and none that is to leave.
  void renew_old_workers() {
    for (std::size_t k = 0; k < ages_.size(); ++k) {
      auto& ages = ages_[k];
      const auto longest = plan_.lifetimes[k].longest;
      if (longest == Time{} || ages.away || ages.worked.empty()) continue;
      const auto [since, rank] = *ages.worked.begin();
      if (now_ - since < longest) continue;
      ages.worked.erase(ages.worked.begin());
      ages.away = rank;
      auto& m = member(rank);
      if (m.leaving || m.retired) continue;
      --staying_[k];
      m.waits = false;
      m.leaving = m.renewing = true;
      m.next = m.stage;
      channels_[k].consumers.at(rank).closing = true;
      ++renewals_;
    }
  }
  // Batches of which outputs wait for a grant.
  std::uint64_t outputs_of(Rank rank) const {
    const auto next = channel_of(rank) + 1;
    if (next >= channels_.size()) return 0;
    const auto& backlogs = channels_[next].backlogs;
    return static_cast<std::uint64_t>(
        std::count_if(backlogs.begin(), backlogs.end(),
                      [rank](const auto& backlog) { return backlog.producer == rank; }));
  }
  Ages* ages_of(std::size_t stage) { return stage < ages_.size() ? &ages_[stage] : nullptr; }
  Channel& feeding(Rank rank) { return channels_.at(channel_of(rank)); }
  int node_of(Rank rank) const { return plan_.node_of_rank[static_cast<std::size_t>(rank)]; }

  // The stage has nothing left to do, and nobody joins it any more. If all of its workers were on
  // their way out, none was told so.
  bool over(int stage) const {
    if (over_.contains(stage)) return true;
    const auto k = static_cast<std::size_t>(stage);
    if (channels_.empty() || !ended(k) || !idle(k)) return false;
    return k + 1 == channels_.size() ||
           (channels_[k + 1].backlogs.empty() && !channels_[k + 1].has_promise());
  }
  // Nothing more can come into the channel.
  bool ended(std::size_t k) const { return k == 0 || (ended(k - 1) && idle(k - 1)); }
  bool idle(std::size_t k) const {
    const auto& channel = channels_[k];
    return channel.backlogs.empty() &&
           std::all_of(channel.consumers.begin(), channel.consumers.end(),
                       [](const auto& c) { return c.second.held() == 0; });
  }

  void on(const NodeReady& event) {
    nodes_ready_.insert({channel_of(event.rank), node_of(event.rank)});
  }
  void on(const Admitted&) {}
  void on(const Begun&) {}
  void on(const Tick&) {}
  void on(const WorkerReady& event) {
    if (auto* ages = ages_of(channel_of(event.rank))) {
      if (ages->away == event.rank) ages->away.reset();
      ages->fresh[event.rank] = now_;
    }
    if (member(event.rank).leaving) return;
    feeding(event.rank).consumers[event.rank];
    for (Rank rank = 1; rank < static_cast<Rank>(members_.size()); ++rank) {
      const auto& m = member(rank);
      if (m.waits && m.stage == member(event.rank).stage) leave(rank, m.next);
    }
  }
  void on(const Taken& event) {
    auto& channel = feeding(event.rank);
    auto& consumer = channel.consumers.at(event.rank);
    const auto batch = consumer.granted.at(event.batch);
    consumer.granted.erase(event.batch);
    consumer.running.insert(event.batch);
    require(consumer.running.size() + outputs_of(event.rank) <= channel.spec.depth,
            "I5: more batches in process, or with outputs that wait, than the stage's depth");
    channel.stored -= batch.records;
    channel.granted -= batch.records;
    if (auto* ages = ages_of(channel_of(event.rank)); ages && ages->fresh.contains(event.rank)) {
      ages->worked.emplace(ages->fresh[event.rank], event.rank);
      ages->fresh.erase(event.rank);
    }
    ++batches_;
    if (batch.records < channel.spec.batch_size) ++partial_;
  }
  void on(const Finished& event) {
    feeding(event.rank).consumers.at(event.rank).running.erase(event.batch);
    if (event.delivered || event.records == 0) return;
    auto& next = channels_.at(channel_of(event.rank) + 1);
    next.backlogs.push_back({event.rank, event.records});
    next.stored += event.records;
    auto& largest = next.largest[event.rank];
    largest = std::max(largest, event.records);
  }
  void on(const Declined& event) { decline(channels_.at(event.channel), event); }
  void on(const Left& event) {
    auto& m = member(event.rank);
    require(m.retired, "left without a Retire");
    const auto before = std::exchange(m, {});
    assigned_.erase({event.rank, false});
    assigned_.erase({event.rank, true});
    join(event.rank, before.next);
    const auto stage = static_cast<std::size_t>(before.stage);
    const bool keeps_number = before.renewing && !plan_.lifetimes[stage].renumber;
    if (keeps_number && m.stage >= 0) m.returns_as = before.number;
    if (auto* ages = ages_of(stage)) {
      ages->fresh.erase(event.rank);
      std::erase_if(ages->worked, [&](const auto& each) { return each.second == event.rank; });
      if (ages->away == event.rank && m.stage != before.stage) ages->away.reset();
    }
  }

  void check(const Assign& order) {
    require(order.stage == channel_of(order.rank), "assigned to another rank's stage");
    require(!member(order.rank).leaving, "assigned when it is to leave");
    require(assigned_.insert({order.rank, order.setup_node}).second, "assigned twice");
    require(order.worker < order.workers, "a worker's number exceeds its stage's workers");
    const bool first = !order.setup_node && !assigned_.contains({order.rank, true});
    const bool fresh = numbers_.insert({order.stage, order.worker}).second;
    auto& m = member(order.rank);
    m.number = order.worker;
    if (m.returns_as) {
      require(order.worker == *m.returns_as, "a worker that was renewed has another number");
    } else {
      require(fresh || !first, "a worker's number was given before");
    }
    const bool node_is_set_up = nodes_ready_.contains({order.stage, node_of(order.rank)});
    require(node_is_set_up != order.setup_node, "a worker is set up before its node");
    if (order.setup_node) {
      require(nodes_set_up_.insert({order.stage, node_of(order.rank)}).second,
              "a node is set up twice");
    }
  }

  // A slot is reserved while nobody else could want it: the producer is alone and has work.
  void check(const GrantAhead& order) {
    auto& channel = channels_.at(order.channel);
    require(order.channel == channel_of(order.producer) + 1, "a promise to a strange channel");
    const auto& before = channels_[order.channel - 1];
    require(before.present() == 1 && !before.consumers.at(order.producer).running.empty(),
            "I6: a slot is reserved for one of several producers, or an idle one");
    require(channel.backlogs.empty() && !channel.has_promise(), "I6: a slot is reserved too early");
    const auto& chosen = channel.consumers.at(order.consumer);
    require(channel.present() == 1 || channel.is_idle(chosen),
            "a busy consumer's slot is reserved though another may come free");
    open(channel, {order.producer, order.consumer, order.batch});
    channel.consumers[order.consumer].granted[order.batch].promised_by = order.producer;
  }

  void check_settled(const Grant& order) {
    auto& channel = feeding(order.consumer);
    auto& batch = settle(channel, order);
    batch.since = now_;
    if (order.total > 0) seal(order.consumer, batch, order.total);
  }

  void check(const Grant& order) {
    if (order.settled) return check_settled(order);
    auto& channel = feeding(order.consumer);
    require(!channel.backlogs.empty(), "I4: a grant without backlog");
    auto& oldest = channel.backlogs.front();
    require(order.producer == oldest.producer, "a grant passes over a longer-waiting backlog");
    require(order.records > 0 && order.records <= oldest.records,
            "I4: a grant exceeds the backlog");
    require(channel.consumers.contains(order.consumer), "I4: a grant to a rank that is not ready");
    auto& consumer = channel.consumers[order.consumer];
    require(!consumer.closing, "a grant to a consumer that is to leave");
    require_idle_first(channel, order);
    if (!consumer.granted.contains(order.batch)) open(channel, order);
    auto& batch = consumer.granted[order.batch];
    require(batch.total == 0, "a grant into a sealed batch");
    batch.records += order.records;
    require(batch.records <= channel.spec.batch_size, "a batch exceeds the batch size");
    oldest.records -= order.records;
    if (oldest.records == 0) channel.backlogs.pop_front();
    channel.granted += order.records;
    if (order.producer == coordinator) channel.stored += order.records;
    if (order.total > 0) seal(order.consumer, batch, order.total);
  }

  // A slot is reserved (I4), and it is the best one.
  void open(Channel& channel, const Grant& order) {
    auto& chosen = channel.consumers[order.consumer];
    require(channel.has_room(chosen), "I4: a batch is granted without a free slot");
    require(order.batch > channel.newest, "a batch's number was used before");
    const bool near = node_of(order.consumer) == node_of(order.producer);
    for (const auto& [rank, other] : channel.consumers) {
      if (!channel.has_room(other)) continue;
      const bool other_near = node_of(rank) == node_of(order.producer);
      const auto key = [&channel](const Consumer& c, bool is_near) {
        return std::tuple(!channel.is_idle(c), !is_near, c.held(), c.served);
      };
      require(key(chosen, near) <= key(other, other_near), "a better consumer was passed over");
    }
    channel.newest = order.batch;
    chosen.served = order.batch;
    chosen.granted[order.batch].since = now_;
  }

  void check(const Seal& order) {
    auto& consumer = feeding(order.consumer).consumers.at(order.consumer);
    require(consumer.granted.contains(order.batch), "a batch is sealed that was not granted");
    seal(order.consumer, consumer.granted[order.batch], order.total);
  }

  void seal(Rank rank, Batch& batch, std::uint64_t total) {
    const auto k = channel_of(rank);
    const auto& channel = channels_[k];
    require(batch.total == 0, "a batch is sealed twice");
    require(total == batch.records, "a batch is sealed with a wrong total");
    batch.total = total;
    batch.sealed_in = event_;
    if (channel.consumers.at(rank).closing) return;
    if (total == channel.spec.batch_size || (ended(k) && channel.backlogs.empty())) return;
    if (channel.spec.byte_budget > 0 && !channel.backlogs.empty() &&
        nothing_to_take(channel, event_))
      return;
    require(channel.consumers.at(rank).held() <= channel.spec.depth,
            "a partial batch is sealed for a busy consumer");
    require(now_ - batch.since >= channel.spec.batch_wait, "a partial batch is sealed too early");
  }

  void check(const Retire& order) {
    auto& m = member(order.rank);
    require(!std::exchange(m.retired, true), "retired twice");
    const auto k = channel_of(order.rank);
    if (!m.leaving) {
      require(ended(k) && idle(k), "retired before its stage had ended");
      over_.insert(m.stage);
      m.leaving = true;
      m.waits = false;
    }
    if (k + 1 < channels_.size()) {
      require(!channels_[k + 1].has_backlog_of(order.rank), "retired while it holds backlog");
      channels_[k + 1].largest.erase(order.rank);
    }
    const auto consumer = channels_[k].consumers.find(order.rank);
    if (consumer == channels_[k].consumers.end()) return;
    require(consumer->second.held() == 0, "retired while it holds batches");
    channels_[k].consumers.erase(consumer);
  }

  const Scenario& scenario_;
  const RunPlan& plan_;
  std::vector<Channel> channels_;
  std::vector<Member> members_;
  std::vector<std::uint64_t> staying_;  ///< workers of each stage that are not to leave
  std::set<int> over_;                  ///< stages that have ended
  std::set<std::pair<Rank, bool>> assigned_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> numbers_;  ///< given in each stage
  std::set<std::pair<std::uint64_t, int>> nodes_set_up_;
  std::set<std::pair<std::uint64_t, int>> nodes_ready_;
  std::vector<Ages> ages_;
  std::uint64_t renewals_ = 0;
  std::uint64_t event_ = 0;
  std::uint64_t joins_ = 0;
  std::uint64_t batches_ = 0;
  std::uint64_t partial_ = 0;
  Time now_{};
};

}  // namespace sluice::control::world
