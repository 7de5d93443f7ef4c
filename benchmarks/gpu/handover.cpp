#include "measure.hpp"

#include <sluice/gpu.hpp>
#include <sluice/sluice.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace bench {
namespace {

using sluice::Batch;
using sluice::Buffer;
using sluice::Emitter;

constexpr std::size_t payload_bytes = std::size_t{64} << 20U;
constexpr int payloads = 200;
// In which links are opened and memory is mapped.
constexpr int first_measured = 60;

struct Item {
  int number = 0;
  double came = 0;  ///< seconds on the consumer's clock
  Buffer bytes;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(number, came, bytes);
  }
};

cudaStream_t stream() { return static_cast<cudaStream_t>(sluice::gpu::stream()); }

class Fill final : public sluice::Stage<Item, Item> {
 public:
  void process(Batch<Item>& batch, Emitter<Item>& out) override {
    auto bytes = sluice::gpu::allocate(payload_bytes);
    check(cudaMemsetAsync(bytes.mutable_data(), batch[0].number % 256, bytes.size(), stream()),
          "cudaMemsetAsync");
    out.emit(0, {batch[0].number, 0, std::move(bytes)});
  }
};

// Looks at both ends of what has come.
class Look final : public sluice::Stage<Item, Item> {
 public:
  void process(Batch<Item>& batch, Emitter<Item>& out) override {
    const auto& item = batch[0];
    std::array<unsigned char, 2> ends{};
    const auto* bytes = item.bytes.data();
    check(cudaMemcpy(&ends[0], bytes, 1, cudaMemcpyDefault), "cudaMemcpy");
    check(cudaMemcpy(&ends[1], bytes + item.bytes.size() - 1, 1, cudaMemcpyDefault), "cudaMemcpy");
    const auto expected = static_cast<unsigned char>(item.number % 256);
    if (item.bytes.size() != payload_bytes || ends[0] != expected || ends[1] != expected) {
      throw sluice::StageError("a payload came torn");
    }
    out.emit(0, {item.number, seconds(), {}});
  }
};

sluice::StageSpec on_gpu(const char* name) {
  sluice::StageSpec spec{.name = name, .batch_size = 1};
  spec.gpus = 1;
  spec.workers = 1;
  spec.inputs = sluice::Inputs::device;
  return spec;
}

sluice::DevicePath path_named(const std::string& name) {
  if (name == "host") return sluice::DevicePath::host;
  if (name == "ipc") return sluice::DevicePath::ipc;
  if (name == "nccl") return sluice::DevicePath::nccl;
  throw sluice::UsageError("no path is called " + name);
}

}  // namespace

// On rank 0 of three, of which the others have a GPU each.
nlohmann::json measure_handover(const std::string& path) {
  std::vector<Item> items(payloads);
  for (int i = 0; i < payloads; ++i) items[static_cast<std::size_t>(i)].number = i;
  sluice::PipelineSpec spec(
      sluice::Pipeline<Item>("handover").then(Fill(), on_gpu("fill")).then(Look(), on_gpu("look")),
      std::move(items));
  spec.collect = true;
  spec.options.mode = sluice::Mode::streaming;
  spec.options.device_path = path_named(path);
  const auto outputs = sluice::run_pipeline(spec).outputs;
  if (!sluice::is_coordinator()) return nullptr;
  std::vector<double> times;
  for (const auto& item : outputs) times.push_back(item.came);
  std::sort(times.begin(), times.end());
  const double took = times.back() - times.at(first_measured - 1);
  return {{"path", path},
          {"payload_bytes", payload_bytes},
          {"bytes_per_s", static_cast<double>(payload_bytes) * (payloads - first_measured) / took}};
}

}  // namespace bench
