#pragma once

#include "control/auditor.hpp"
#include "control/early_reports.hpp"
#include "control/ranks.hpp"
#include "control/run_control.hpp"
#include "control/worker_flow.hpp"

#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::control::world {

/// The coordinator as the runtime has it, around the RunControl under test.
class ModelCoordinator {
 public:
  explicit ModelCoordinator(Shared& shared)
      : shared_(shared), control_(shared.scenario.plan), auditor_(shared.scenario) {}

  void start() {
    carry_out(control_.start(now()));
    auditor_.check_state(control_, now());
    send_orders();
    for (const auto& change : shared_.scenario.role_changes) {
      shared_.network.after(change.at, [this, &change] { reassign(change.stage_of_rank); });
    }
    sleep();
  }

  void receive(Rank from, Message message) {
    inbox_.emplace_back(from, std::move(message));
    wake(shared_.turn_delay());
  }

  bool finished() const { return control_.finished(); }
  const RunControl& control() const { return control_; }
  const Auditor& auditor() const { return auditor_; }
  std::uint64_t messages() const { return messages_; }
  /// Grants that were given beforehand, and reports that came too early.
  std::uint64_t ahead() const { return ahead_; }
  std::uint64_t early_reports() const { return early_reports_; }

 private:
  Time now() const { return shared_.network.now(); }

  void wake(Time wait) {
    if (awake_at_ && *awake_at_ <= now() + wait) return;
    awake_at_ = now() + wait;
    shared_.network.after(wait, [this, at = *awake_at_] {
      if (awake_at_ == at) turn();  // or an earlier one has made this one superfluous
    });
  }

  void turn() {
    awake_at_.reset();
    for (auto& [from, message] : std::exchange(inbox_, {})) {
      std::visit([this, from = from](auto& m) { on(m, from); }, message);
    }
    collect_outputs();
    const auto due = control_.deadline();
    if (due && *due <= now()) decide(Tick{});
    send_orders();
    sleep();
  }

  void sleep() {
    const auto due = control_.deadline();
    if (due && *due < Time::max()) wake(*due - now() + shared_.turn_delay());
  }

  void on(Orders&, Rank) { throw Violation("the coordinator got orders"); }
  void on(Part& part, Rank) {
    collected_.arrived(part.batch, part.records.size(), part.total);
    auto& filling = filling_[part.batch];
    filling.insert(filling.end(), part.records.begin(), part.records.end());
  }
  void on(Report& report, Rank from) {
    ++messages_;
    if (early_.hold(from, report, control_)) {
      ++early_reports_;
      return;
    }
    apply(report);
    while (const auto held = early_.next(control_)) apply(held->second);
  }
  void apply(const Report& report) {
    for (const auto& event : report.events) decide(event);
  }

  void decide(const Event& event) {
    shared_.trace.add(entry_of(event, now()));
    auditor_.note(event, now());
    carry_out(control_.handle(event, now()));
    if (admitting_ == 0) auditor_.check_state(control_, now());
  }

  void reassign(const std::vector<int>& stage_of_rank) {
    auditor_.note(stage_of_rank, now());
    carry_out(control_.reassign(stage_of_rank, now()));
    auditor_.check_state(control_, now());
    send_orders();
    sleep();
  }

  // All are noted before any is carried out: carrying one out can lead to another event.
  void carry_out(const Commands& commands) {
    for (const auto& command : commands) {
      shared_.trace.add(entry_of(command, now()));
      auditor_.note(command, now());
    }
    for (const auto& command : commands) {
      std::visit([this](const auto& c) { carry_out(c); }, command);
    }
  }
  void carry_out(const Assign& order) { orders_[order.rank].commands.emplace_back(order); }
  void carry_out(const Retire& order) { orders_[order.rank].commands.emplace_back(order); }
  void carry_out(const Seal& order) {
    if (order.consumer == coordinator) return collected_.sealed(order.batch, order.total);
    orders_[order.consumer].commands.emplace_back(order);
  }
  void carry_out(const GrantAhead& order) {
    ++ahead_;
    orders_[order.producer].commands.emplace_back(order);
  }
  void carry_out(const Grant& order) {
    if (order.settled) return;
    if (order.producer != coordinator) {
      orders_[order.producer].commands.emplace_back(order);
      return;
    }
    Part part{order.batch, order.total, {}};
    std::uint64_t bytes = 0;
    for (std::uint64_t i = 0; i < order.records; ++i) {
      const auto size =
          shared_.random.between(shared_.scenario.least_bytes, shared_.scenario.most_bytes);
      part.records.push_back(shared_.ledger.make(0, admitted_++, size));
      bytes += size;
    }
    shared_.ledger.stored(0, coordinator, part.records.size());
    ++admitting_;
    decide(Admitted{bytes});
    --admitting_;
    shared_.send(coordinator, order.consumer, std::move(part));
  }

  void collect_outputs() {
    while (const auto batch = collected_.take()) {
      const auto items = std::move(filling_.extract(*batch).mapped());
      Finished finished{coordinator, *batch, 0, 0, true, {}};
      std::uint64_t bytes = 0;
      for (const auto& item : items) {
        finished.descents.push_back({item.origin, -1, 1});
        bytes += item.bytes;
      }
      shared_.ledger.taken(shared_.scenario.plan.stages.size(), items);
      decide(Taken{coordinator, *batch, bytes});
      collected_.finished(0);
      decide(finished);
    }
  }

  void send_orders() {
    for (auto& [rank, orders] : orders_) {
      if (orders.commands.empty()) continue;
      ++messages_;
      shared_.send(coordinator, rank, std::exchange(orders, {}));
    }
  }

  Shared& shared_;
  RunControl control_;
  Auditor auditor_;
  WorkerFlow collected_{RunControl::collecting};
  std::map<BatchId, Items> filling_;
  std::vector<std::pair<Rank, Message>> inbox_;
  std::map<Rank, Orders> orders_;
  std::optional<Time> awake_at_;
  std::uint64_t admitted_ = 0;
  int admitting_ = 0;
  std::uint64_t messages_ = 0;
  EarlyReports<Report> early_;
  std::uint64_t ahead_ = 0;
  std::uint64_t early_reports_ = 0;
};

}  // namespace sluice::control::world
