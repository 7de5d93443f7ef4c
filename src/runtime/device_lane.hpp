#pragma once

#include "control/types.hpp"
#include "gpu/feeder.hpp"

#include <sluice/pipeline.hpp>
#include <sluice/stage.hpp>

#include <memory>
#include <optional>

namespace sluice::gpu {
class Device;
}

namespace sluice::runtime {

/// A worker's GPU, for a stage that runs in this process: checked before the stage is set up,
/// current on the worker's thread, and fed with the stage's inputs if it wants them there. For that
/// thread.
class DeviceLane {
 public:
  /// Null if the stage asks for no GPU, or there is none that could be used: then the stage gets
  /// host memory, and a log says so. Throws Error if the GPU fails its health check.
  static std::unique_ptr<DeviceLane> open(const ErasedStage& stage, const WorkerContext& context);

  ~DeviceLane();
  DeviceLane(const DeviceLane&) = delete;
  DeviceLane& operator=(const DeviceLane&) = delete;

  /// A batch that waits: it is copied meanwhile, if the stage wants it on the device.
  void expect(control::BatchId batch, const EncodedBatch& records);
  EncodedBatch take(control::BatchId batch, EncodedBatch records);
  /// `process` has ended: so has, when this returns, what it left to the device.
  void finished(control::BatchId batch);
  /// What was expected does not come.
  void forget();

  gpu::Device& device() const noexcept { return device_; }

 private:
  DeviceLane(gpu::Device& device, bool feeds);

  gpu::Device& device_;
  std::optional<gpu::Feeder> feeder_;  ///< if the stage wants its inputs on the device
};

/// The same records, with all payloads where the host can read them.
EncodedBatch bring_home(EncodedBatch records);

/// The same records with other buffers, as many.
EncodedBatch with_buffers(const EncodedBatch& records, std::vector<Buffer> buffers);

bool any_on_device(const EncodedBatch& records);

}  // namespace sluice::runtime
