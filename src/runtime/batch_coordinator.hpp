#pragma once

#include "control/batch_control.hpp"
#include "runtime/batch_book.hpp"
#include "runtime/batch_input.hpp"
#include "runtime/coordinator_base.hpp"
#include "store/run_lock.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluice::runtime {

/// Rank 0 in batch mode: carries out what BatchControl decides, hands out the input, and commits
/// stages.
class BatchCoordinator final : public CoordinatorBase {
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
  void put(std::size_t stage, const control::StageDemand& demand, std::vector<int> stage_of_rank,
           const control::Plan& plan);
  control::GpuPlaces plan_anew(std::size_t stage);
  std::string plan_text() const;
  void open_dead_letters();
  void open_status();
  void run_stage(std::size_t stage);
  control::OpenStage work_of(std::size_t stage);
  void find_pieces(control::OpenStage& work);
  void brief(control::Rank rank);
  void require_recoverable(control::Rank rank) const;
  void turn();
  [[noreturn]] void throw_stopped_here() const;
  void on(const BatchReport& report, control::Rank from);
  void carry_out(const control::BatchCommands& commands);
  void carry_out(const control::BatchCommand& command);
  void hand_out(const control::ProcessSplit& order);
  void commit();
  void collect_outputs();

  std::vector<std::vector<int>> stage_of_rank_;  ///< by stage: 0 for its workers, -1 for others
  std::vector<control::GpuSeats> seats_of_stage_;
  std::optional<store::RunLock> lock_;
  std::optional<BatchInput> input_;
  std::optional<BatchBook> book_;
  std::optional<control::BatchControl> control_;
  std::size_t stage_ = 0;  ///< that is under way
  InputPieces from_;       ///< its input, unless it is the first one
  std::vector<std::size_t> shard_of_piece_;
  std::vector<store::ShardInfo> shards_;  ///< of it, published so far
  RunStatus status_;
  std::vector<Usage> usage_of_rank_;
  std::set<control::Rank> briefed_;  ///< of the stage, that have not left it
  std::uint64_t briefs_ = 0;         ///< in all
};

}  // namespace sluice::runtime
