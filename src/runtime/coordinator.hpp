#pragma once

#include "control/autoscaler.hpp"
#include "control/commits.hpp"
#include "control/early_reports.hpp"
#include "control/recovery.hpp"
#include "control/run_control.hpp"
#include "runtime/coordinator_base.hpp"
#include "runtime/input_feed.hpp"
#include "runtime/record_store.hpp"
#include "runtime/remaining_input.hpp"
#include "runtime/run_book.hpp"
#include "runtime/status_board.hpp"
#include "store/run_lock.hpp"

#include <map>
#include <optional>
#include <vector>

namespace sluice::runtime {

/// Rank 0 in streaming mode: carries out what RunControl decides, feeds the input in, and collects
/// outputs.
class Coordinator final : public CoordinatorBase {
 public:
  using CoordinatorBase::CoordinatorBase;

 private:
  void run_stages() override;
  void handle(Packet packet, control::Rank from) override;
  RunStatus status() const override;
  std::vector<Waiting> waiting() const override;
  void stop_early() override;
  void lose(const std::vector<control::Rank>& ranks) override;

  void plan();
  void turn();
  void on(Report report, control::Rank from);
  void apply(Report report, control::Rank from);

  void decide(const control::Event& event);
  void autoscale();
  control::Time next_wake() const;
  void carry_out(const control::Command& command);
  void admit(const control::Grant& grant);
  void collect_outputs();
  void send_orders();

  /// The run's input: as it is, or what the journal says is left of it.
  struct JournaledInput {
    explicit JournaledInput(const ErasedSpec& spec);
    store::RunLock lock;
    BatchInput all;
    RunBook book;
    RemainingInput left;
    std::uint64_t settled_below = 0;  ///< all inputs before this one are in the journal
  };
  void open_input(control::RunPlan& plan);
  EncodedBatch next_input(std::uint64_t count);
  void brief(const control::Assign& order);
  void note_parts(Report& report, control::Rank from, std::size_t stage);
  void commit_if_due();
  void begin_commit(const std::vector<control::Rank>& closing);
  Settled newly_settled();
  void open_dead_letters();
  void end_journal(bool all_done);
  void commit_before_leaving();

  void require_recoverable(control::Rank rank) const;
  void note_loss(control::Rank rank);
  void regroup();
  void drop_early_reports();
  void on_while_regrouping(Report report, control::Rank from);
  void begin_again();
  std::vector<control::InputRange> settle();

  std::optional<InputFeed> input_;
  std::optional<JournaledInput> journaled_;
  std::optional<control::Commits> commits_;  ///< with a journal
  Settled committing_;                       ///< what the commit under way is of
  std::optional<control::RunControl> control_;
  std::optional<control::Autoscaler> autoscaler_;  ///< unless it is switched off
  control::EarlyReports<Report> early_;
  std::optional<control::Regrouping> regrouping_;  ///< from the first loss on
  bool part_lost_ = false;                         ///< with what was written since the last commit
  std::vector<LostRank> losses_;
  std::vector<Replan> replans_;
  std::optional<StatusBoard> board_;
  RecordStore collected_{control::RunControl::collecting};
  std::map<control::Rank, Orders> orders_;

  bool regrouping() const { return regrouping_ && regrouping_->under_way(); }
  std::uint64_t epoch() const { return regrouping_ ? regrouping_->epoch() : 0; }
};

}  // namespace sluice::runtime
