#pragma once

#include "runtime/pending_setup.hpp"
#include "runtime/shard_output.hpp"
#include "runtime/slow_batches.hpp"
#include "runtime/split_reader.hpp"
#include "runtime/stage_runner.hpp"
#include "runtime/state_clock.hpp"
#include "runtime/worker_base.hpp"

#include <deque>
#include <optional>

namespace sluice::runtime {

/// A rank other than the coordinator in batch mode: reads its splits from the store, and writes
/// what it makes of them there.
class BatchWorker final : public WorkerBase {
 public:
  using WorkerBase::WorkerBase;

 private:
  /// What it has from the brief of a stage to its end.
  struct Place {
    Place(store::IntermediateStore& store, const RunOptions& options, StageBrief&& brief, int rank);
    SplitReader reader;
    ShardOutput output;
    std::filesystem::path run_dir;
    std::deque<Split> splits;  ///< to come
    std::size_t stage = 0;
    std::uint64_t batches = 0;
    std::optional<StageRunner> runner;
    PendingSetup setup;
    bool ready = false;     ///< `setup` is done
    bool retiring = false;  ///< no other split will come
  };

  bool work() override;
  void handle(Packet packet) override;
  std::chrono::nanoseconds longest_wait() const override;

  void on(StageBrief brief);
  void on(const Orders& orders);
  void obey(const control::Assign& order);

  void set_up_if_due();
  bool begin_split();
  void process_batch();
  void publish_if_due();
  void publish();
  void leave();
  bool setting_up_node() const;
  template <class Body>
  void run_user_code(store::TraceState state, Body body);
  void enter(StateClock::State state);
  void send_report();

  std::optional<store::IntermediateStore> store_;
  std::optional<Place> place_;
  StateClock clock_;
  SlowBatches slow_;
  BatchReport report_;
};

}  // namespace sluice::runtime
