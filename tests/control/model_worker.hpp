#pragma once

#include "control/ranks.hpp"
#include "control/worker_flow.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::control::world {

/// A worker as the runtime has it, with its user code replaced by waiting: it takes turns, and has
/// one thing at a time in user code, or as many batches as its stage's depth. A deaf one takes no
/// turns while it has one thing in user code.
class ModelWorker {
 public:
  ModelWorker(Rank rank, Shared& shared)
      : rank_(rank), shared_(shared), model_(shared.scenario.workers[index()]) {
    left_ = shared.scenario.plan.stage_of_rank[index()] < 0;
  }

  void receive(Message message) {
    inbox_.push_back(std::move(message));
    wake();
  }

  /// It has torn down and has no stage, or never had one.
  bool left() const { return left_; }

 private:
  std::size_t index() const { return static_cast<std::size_t>(rank_); }

  void wake() {
    if (std::exchange(awake_, true)) return;
    shared_.network.after(shared_.turn_delay(), [this] { turn(); });
  }

  void turn() {
    awake_ = false;
    if (model_.deaf && computing_) return;  // until that is done
    for (auto& message : std::exchange(inbox_, {})) {
      std::visit([this](auto& m) { on(m); }, message);
    }
    for (const auto& outcome : std::exchange(outcomes_, {})) outcome();
    start_next();
    decline();
    retire();
    if (!silent_) send_report();
  }

  void send_report() {
    if (report_.events.empty()) return;
    shared_.send(rank_, coordinator, std::exchange(report_, {}));
  }

  void on(Report&) { throw Violation("a worker got a report"); }
  void on(Part& part) {
    flow().arrived(part.batch, part.records.size(), part.total);
    auto& filling = filling_[part.batch];
    filling.insert(filling.end(), part.records.begin(), part.records.end());
  }
  void on(Orders& orders) {
    for (const auto& command : orders.commands) {
      std::visit([this](const auto& order) { obey(order); }, command);
    }
  }

  void obey(const Assign& order) {
    if (retiring_ || set_up_) throw Violation("an assignment to a worker");
    if (stage_ && order.stage != *stage_) throw Violation("an assignment to another stage");
    stage_ = order.stage;
    left_ = false;
    setting_up_ = true;
    deliver_ = order.deliver;
    if (order.setup_node) {
      compute(model_.node_setup, [this] {
        setting_up_ = false;
        report_.events.emplace_back(NodeReady{rank_});
      });
      return;
    }
    flow_.emplace(shared_.scenario.plan.stages[order.stage]);
    shared_.ledger.joined(order.stage);
    compute(model_.setup, [this] {
      setting_up_ = false;
      set_up_ = true;
      report_.events.emplace_back(WorkerReady{rank_});
    });
  }
  void obey(const Grant& order) {
    flow().granted(order.records);
    send(order);
  }
  void obey(const GrantAhead& order) {
    if (flow_ && !leaving_) {
      flow_->granted_ahead(order);
      hand_on_ahead();
    } else {
      report_.events.emplace_back(Declined{rank_, order.channel, order.batch});
    }
  }
  void hand_on_ahead() {
    if (const auto due = flow().due_grant()) send(*due);
  }
  void decline() {
    if (!flow_ || leaving_) return;
    if (const auto declined = flow_->decline()) report_.events.emplace_back(*declined);
  }
  void send(const Grant& order) {
    Items part(backlog_.begin(), backlog_.begin() + static_cast<std::ptrdiff_t>(order.records));
    backlog_.erase(backlog_.begin(), backlog_.begin() + static_cast<std::ptrdiff_t>(order.records));
    shared_.send(rank_, order.consumer, Part{order.batch, order.total, std::move(part)});
  }
  void obey(const Seal& order) { flow().sealed(order.batch, order.total); }
  void obey(const Retire&) {
    if (std::exchange(retiring_, true)) throw Violation("a worker was retired twice");
    left_ = false;
    if (flow_ && !flow_->empty()) throw Violation("a worker was retired while it held records");
  }

  void start_next() {
    while (set_up_) {
      const auto batch = flow().take();
      if (!batch) return;
      start(*batch);
    }
  }

  void start(BatchId batch) {
    auto inputs = std::move(filling_.extract(batch).mapped());
    std::uint64_t bytes = 0;
    for (const auto& item : inputs) bytes += item.bytes;
    silent_ = flow().depth() == 1 && shared_.random.chance(model_.late_taken);
    if (silent_) send_report();
    report_.events.emplace_back(Taken{rank_, batch, bytes});
    shared_.ledger.taken(*stage_, inputs);
    const auto size = static_cast<Time::rep>(inputs.size());
    const Time service =
        model_.per_batch + model_.per_record * size + shared_.random.between(Time{}, model_.jitter);
    compute(service, [this, batch, inputs = std::move(inputs)] { conclude(batch, inputs); });
  }

  void conclude(BatchId batch, const Items& inputs) {
    silent_ = false;
    shared_.finishes.push_back({shared_.network.now(), *stage_, rank_, inputs.size()});
    Finished finished{rank_, batch, 0, 0, false, {}};
    finished.delivered = deliver_;
    for (const auto& item : inputs) {
      const auto outputs = finished.delivered ? 0 : outputs_of_one();
      if (outputs != 1) {
        finished.descents.push_back({item.origin, static_cast<std::int64_t>(outputs) - 1, 1});
      }
      for (std::uint64_t i = 0; i < outputs; ++i) add_output(item.origin, finished);
    }
    if (!finished.delivered) shared_.ledger.stored(*stage_ + 1, rank_, finished.records);
    flow().finished(finished.records);
    hand_on_ahead();
    report_.events.emplace_back(std::move(finished));
  }

  std::uint64_t outputs_of_one() {
    auto& random = shared_.random;
    const auto& model = shared_.scenario.outputs[*stage_];
    if (random.chance(model.drop)) return 0;
    if (shared_.ledger.made() >= shared_.scenario.most_records) return 1;
    if (random.chance(model.huge_chance)) return model.huge;
    return random.between(model.least, model.most);
  }

  void add_output(std::uint64_t origin, Finished& finished) {
    const auto bytes =
        shared_.random.between(shared_.scenario.least_bytes, shared_.scenario.most_bytes);
    backlog_.push_back(shared_.ledger.make(*stage_ + 1, origin, bytes));
    finished.bytes += bytes;
    ++finished.records;
  }

  void retire() {
    if (!retiring_ || setting_up_ || left_ || leaving_) return;
    leaving_ = true;
    compute(set_up_ ? model_.per_batch : Time{}, [this] {
      if (flow_) shared_.ledger.left(*stage_, rank_);
      flow_.reset();
      stage_.reset();
      set_up_ = retiring_ = leaving_ = false;
      left_ = true;
      report_.events.emplace_back(Left{rank_});
    });
  }

  void compute(Time duration, Network::Action outcome) {
    const bool several = flow_ && flow_->running() > 0 && flow_->depth() > 1;
    if (!several && std::exchange(computing_, true)) {
      throw Violation("a compute thread got two things to do");
    }
    shared_.network.after(duration, [this, several, outcome = std::move(outcome)] {
      if (!several) computing_ = false;
      outcomes_.push_back(outcome);
      wake();
    });
  }

  WorkerFlow& flow() {
    if (!flow_ || leaving_) throw Violation("a rank that is no worker got records or orders");
    return *flow_;
  }

  Rank rank_;
  Shared& shared_;
  const WorkerModel& model_;
  std::optional<std::size_t> stage_;
  std::optional<WorkerFlow> flow_;
  std::map<BatchId, Items> filling_;
  Items backlog_;
  std::vector<Message> inbox_;
  std::vector<Network::Action> outcomes_;
  Report report_;
  bool awake_ = false;
  bool computing_ = false;
  bool silent_ = false;  ///< keeps its report until the batch in process is finished
  bool deliver_ = false;
  bool setting_up_ = false;
  bool set_up_ = false;
  bool retiring_ = false;
  bool leaving_ = false;
  bool left_ = false;
};

}  // namespace sluice::control::world
