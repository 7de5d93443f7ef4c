#include "runtime/device_lane.hpp"

#include "gpu/platform.hpp"

#include <sluice/remark.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace sluice::runtime {
namespace {

// Of a device's memory, for batches that wait.
constexpr std::uint64_t part_for_waiting = 8;

// In debug mode nobody deals GPUs out, so the first is as good as any.
std::vector<gpu::Device*> devices_for(const WorkerContext& context) {
  std::vector<gpu::Device*> devices;
  if (gpu::device_count() == 0) return devices;
  if (context.debug && context.gpus.empty()) return {&gpu::device(0)};
  for (const auto& name : context.gpus) {
    if (auto* device = gpu::find_device(name)) devices.push_back(device);
  }
  return devices;
}

bool on_device(const Buffer& buffer) { return buffer.memory() == Memory::device; }

}  // namespace

// A continuous stage has threads or a process of its own, and chooses its device itself.
std::unique_ptr<DeviceLane> DeviceLane::open(const ErasedStage& stage,
                                             const WorkerContext& context) {
  if (stage.spec.gpus <= 0 || stage.continuous) return nullptr;
  const auto devices = devices_for(context);
  if (devices.empty()) {
    remark(fmt::format("stage '{}' asks for a GPU, and has none ({}): it gets host memory",
                       stage.spec.name, gpu::why_no_device()));
    return nullptr;
  }
  for (auto* device : devices) device->check_health();
  devices.front()->make_current();
  return std::unique_ptr<DeviceLane>(
      new DeviceLane(*devices.front(), stage.spec.inputs == Inputs::device));
}

DeviceLane::DeviceLane(gpu::Device& device, bool feeds) : device_(device) {
  gpu::set_worker_device(&device);
  if (feeds) feeder_.emplace(device.open_copies(), device.info().total / part_for_waiting);
}

DeviceLane::~DeviceLane() { gpu::set_worker_device(nullptr); }

void DeviceLane::expect(control::BatchId batch, const EncodedBatch& records) {
  if (feeder_) feeder_->expect(batch, records);
}

EncodedBatch DeviceLane::take(control::BatchId batch, EncodedBatch records) {
  return feeder_ ? feeder_->take(batch, std::move(records)) : std::move(records);
}

void DeviceLane::finished(control::BatchId batch) {
  device_.synchronize();
  if (feeder_) feeder_->finished(batch);
}

void DeviceLane::forget() {
  if (feeder_) feeder_->forget();
}

bool any_on_device(const EncodedBatch& records) {
  const auto buffers = records.buffers();
  return std::any_of(buffers.begin(), buffers.end(), on_device);
}

EncodedBatch bring_home(EncodedBatch records) {
  if (!any_on_device(records)) return records;
  std::vector<Buffer> here;
  for (const auto& buffer : records.buffers()) here.push_back(buffer.to_host());
  return with_buffers(records, std::move(here));
}

EncodedBatch with_buffers(const EncodedBatch& records, std::vector<Buffer> buffers) {
  EncodedBatch result;
  auto next = buffers.begin();
  for (std::size_t i = 0; i < records.size(); ++i) {
    result.open_bytes() += records.record_bytes(i);
    for (std::size_t k = 0; k < records.record_buffers(i).size(); ++k) {
      result.attach(std::move(*next++));
    }
    result.end_record(records.id(i));
  }
  return result;
}

}  // namespace sluice::runtime
