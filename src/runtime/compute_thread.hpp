#pragma once

#include "base/bounded_queue.hpp"
#include "control/types.hpp"
#include "runtime/failure.hpp"

#include <sluice/any_stage.hpp>
#include <sluice/pipeline.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

namespace sluice::runtime {

// What the communication thread asks for.
struct SetUpNode {
  const ErasedStage* stage = nullptr;
  WorkerContext context;
};
struct SetUp {
  const ErasedStage* stage = nullptr;
  WorkerContext context;
  bool deliver = false;  ///< the stage is the last and its outputs are not wanted
};
struct Process {
  control::BatchId batch = 0;
  EncodedBatch input;
};
struct TearDown {};
using Work = std::variant<SetUpNode, SetUp, Process, TearDown>;

// What it gets back.
struct NodeIsSetUp {};
struct IsSetUp {};
struct Processed {
  control::Finished event;
  EncodedBatch outputs;
};
struct IsTornDown {};
using Outcome = std::variant<NodeIsSetUp, IsSetUp, Processed, IsTornDown, Failure>;

/// The thread that runs a worker's user code, and nothing else does. The communication thread
/// submits work and collects outcomes; `notify` is called, on the compute thread, when there is
/// one.
class ComputeThread {
 public:
  explicit ComputeThread(std::function<void()> notify);
  /// Waits for the work under way; what is queued is dropped.
  ~ComputeThread();

  void submit(Work work);
  std::vector<Outcome> collect();
  /// Refuses further work, drops what is queued, and says whether the thread has ended.
  bool ended_within(std::chrono::nanoseconds longest);

 private:
  void run();
  Outcome perform(SetUpNode& work);
  Outcome perform(SetUp& work);
  Outcome perform(Process& work);
  Outcome perform(TearDown& work);

  std::function<void()> notify_;
  BoundedQueue<Work> work_{4};
  std::mutex mutex_;
  std::condition_variable ended_changed_;
  std::vector<Outcome> outcomes_;  // guarded by mutex_
  bool ended_ = false;             // guarded by mutex_

  // The compute thread's own.
  const ErasedStage* stage_ = nullptr;
  std::unique_ptr<AnyStage> user_;
  std::vector<RecordId> ids_;  // of the batch in process, for errors
  bool deliver_ = false;

  std::thread thread_;
};

}  // namespace sluice::runtime
