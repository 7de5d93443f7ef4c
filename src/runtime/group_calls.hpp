#pragma once

#include "runtime/device_lane.hpp"
#include "runtime/group_link.hpp"

#include <sluice/any_stage.hpp>
#include <sluice/pipeline.hpp>

#include <memory>

namespace sluice::runtime {

/// A stage of which this rank is the primary of a group: what it is called to do, all ranks do.
/// A call that fails on any rank fails as one. Ranks of which one was stopped in the middle of a
/// call, or has lost its process, no longer agree on where they are: they are set up anew before
/// the next batch.
ErasedStage grouped(const ErasedStage& stage, std::shared_ptr<GroupLink> link);

/// Another rank of a group: does what its primary calls for, on its own GPU.
class GroupFollower {
 public:
  GroupFollower(const ErasedStage& stage, std::shared_ptr<GroupLink> link)
      : stage_(stage), link_(std::move(link)) {}

  std::optional<GroupCall> next_call() { return link_->next_call(); }
  void obey(GroupCall call, WorkerContext context);

 private:
  void process(EncodedBatch batch);

  const ErasedStage& stage_;
  std::shared_ptr<GroupLink> link_;
  std::unique_ptr<DeviceLane> lane_;
  std::unique_ptr<AnyStage> user_;
};

}  // namespace sluice::runtime
