#include "gpu/nvml.hpp"
#include "gpu/platform.hpp"
#include "measure.hpp"
#include "spin.hpp"

#include <sluice/gpu.hpp>
#include <sluice/sluice.hpp>

#include <algorithm>
#include <numeric>

namespace bench {
namespace {

using sluice::Batch;
using sluice::Buffer;
using sluice::Emitter;

constexpr std::size_t payload_bytes = std::size_t{4} << 20U;
constexpr double stage_milliseconds = 10;

struct Item {
  int number = 0;
  Buffer bytes;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(number, bytes);
  }
};

struct Make {
  Item operator()(Item item) const {
    item.bytes = Buffer(payload_bytes);
    std::fill_n(reinterpret_cast<char*>(item.bytes.mutable_data()), payload_bytes,
                static_cast<char>(item.number));
    return item;
  }
};

// Times on the GPU's own clock: when each batch began and ended there.
struct Times {
  std::vector<double> begins;
  std::vector<double> ends;
};
Times times;

class Spin final : public sluice::Stage<Item, Item> {
 public:
  void setup(const sluice::WorkerContext&) override {
    check(cudaEventCreate(&base_), "cudaEventCreate");
    check(cudaEventCreate(&begin_), "cudaEventCreate");
    check(cudaEventCreate(&end_), "cudaEventCreate");
    check(cudaEventRecord(base_, stream()), "cudaEventRecord");
  }
  void process(Batch<Item>& batch, Emitter<Item>& out) override {
    if (batch[0].bytes.memory() != sluice::Memory::device) {
      throw sluice::StageError("the payload is not on the device");
    }
    check(cudaEventRecord(begin_, stream()), "cudaEventRecord");
    check(launch_spin(static_cast<long long>(stage_milliseconds * 1e6), stream()), "spin");
    check(cudaEventRecord(end_, stream()), "cudaEventRecord");
    check(cudaEventSynchronize(end_), "cudaEventSynchronize");
    times.begins.push_back(since_base(begin_));
    times.ends.push_back(since_base(end_));
    out.emit(0, {batch[0].number, {}});
  }

 private:
  static cudaStream_t stream() { return static_cast<cudaStream_t>(sluice::gpu::stream()); }
  double since_base(cudaEvent_t event) const {
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, base_, event), "cudaEventElapsedTime");
    return milliseconds;
  }
  cudaEvent_t base_ = nullptr;
  cudaEvent_t begin_ = nullptr;
  cudaEvent_t end_ = nullptr;
};

std::uint64_t free_bytes() {
  const auto gpus = sluice::gpu::managed_gpus();
  return gpus.empty() ? 0 : gpus.front().free;
}

void run(int batches) {
  sluice::StageSpec spin{.name = "spin"};
  spin.gpus = 1;
  spin.inputs = sluice::Inputs::device;
  std::vector<Item> items(static_cast<std::size_t>(batches));
  for (int i = 0; i < batches; ++i) items[static_cast<std::size_t>(i)].number = i;
  sluice::PipelineSpec spec(sluice::Pipeline<Item>("busy")
                                .then(sluice::map<Item>(Make()), {.name = "make", .workers = 2})
                                .then(Spin(), spin),
                            std::move(items));
  spec.options.mode = sluice::Mode::streaming;
  spec.options.launch = sluice::Launch::threads;
  spec.options.workers = 3;
  sluice::run_pipeline(spec);
}

// Without the first tenth, in which the pipeline fills.
double busy_share() {
  const auto first = times.begins.size() / 10;
  double busy = 0;
  for (std::size_t i = first; i < times.begins.size(); ++i) {
    busy += times.ends[i] - times.begins[i];
  }
  return busy / (times.ends.back() - times.begins[first]);
}

}  // namespace

nlohmann::json measure_busy(int batches) {
  run(50);  // pools and contexts are there after that
  times = {};
  const auto before = free_bytes();
  run(batches);
  const auto after = free_bytes();
  return {{"batches", batches},
          {"stage_ms", stage_milliseconds},
          {"busy_share", busy_share()},
          {"target_share", 0.99},
          {"free_bytes_before", before},
          {"free_bytes_after", after},
          {"leaked_bytes", before > after ? before - after : 0}};
}

}  // namespace bench
