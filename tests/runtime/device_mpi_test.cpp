// Whole runs of stages on GPUs, which are emulated: between threads with one rank, else between
// processes.
#include "runtime/pipelines.hpp"
#include "runtime/variable.hpp"
#include "transport/mpi.hpp"

#include <sluice/gpu.hpp>

#include <cstdlib>

namespace sluice {
namespace {

using runtime::Variable;

struct Payload {
  int number = 0;
  int seen_on_device = 0;
  Buffer bytes;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(number, seen_on_device, bytes);
  }
};

constexpr std::size_t payload_bytes = 10'000;

// Adds one to every byte, on the device if it is there. An emulated device's bytes the host can
// read.
class AddOne final : public Stage<Payload, Payload> {
 public:
  void process(Batch<Payload>& batch, Emitter<Payload>& out) override {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      auto& payload = batch[i];
      const bool there = payload.bytes.memory() == Memory::device;
      auto result = there ? gpu::allocate(payload.bytes.size()) : Buffer(payload.bytes.size());
      const auto* from = payload.bytes.data();
      auto* to = result.mutable_data();
      for (std::size_t k = 0; k < result.size(); ++k) {
        to[k] = static_cast<std::byte>(static_cast<unsigned char>(from[k]) + 1);
      }
      out.emit(i, {payload.number, payload.seen_on_device + (there ? 1 : 0), std::move(result)});
    }
  }
};

// The same on every rank of a group, each on a GPU of its own.
class AddOneTogether final : public Stage<Payload, Payload> {
 public:
  void setup(const WorkerContext& context) override {
    group_ = context.group;
    home_ = gpu::allocate(1).home();
  }
  void process(Batch<Payload>& batch, Emitter<Payload>& out) override {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (batch[i].bytes.home() != home_) throw StageError("a payload is not on the rank's GPU");
    }
    group_->barrier();
    AddOne().process(batch, out);
  }

 private:
  std::shared_ptr<Group> group_;
  const BufferMemory* home_ = nullptr;
};

std::vector<Payload> payloads(int count) {
  std::vector<Payload> result;
  for (int i = 0; i < count; ++i) {
    const std::string text(payload_bytes, static_cast<char>(i % 100));
    result.push_back({i, 0, Buffer::copy_of(text)});
  }
  return result;
}

std::size_t workers() {
  const char* size = std::getenv("OMPI_COMM_WORLD_SIZE");
  return size == nullptr ? 4 : std::stoul(size) - 1;
}

void expect_all(const std::vector<Payload>& outputs, int count, int on_device) {
  if (!is_coordinator()) return;
  ASSERT_EQ(outputs.size(), static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    const auto& payload = outputs[static_cast<std::size_t>(i)];
    EXPECT_EQ(payload.number, i);
    EXPECT_EQ(payload.seen_on_device, on_device);
    EXPECT_EQ(payload.bytes,
              Buffer::copy_of(std::string(payload_bytes, static_cast<char>(i % 100 + 2))));
  }
}

class EmulatedGpus : public ::testing::Test {
 protected:
  static StageSpec stage(const char* name, std::size_t batch, std::size_t attempts = 1) {
    StageSpec spec{.name = name, .batch_size = batch};
    spec.gpus = 0.25;
    spec.cpus = 0.1;
    spec.inputs = Inputs::device;
    spec.attempts = attempts;
    return spec;
  }

  static std::vector<Payload> run(Mode mode, DevicePath path, std::size_t attempts = 1) {
    PipelineSpec spec(Pipeline<Payload>("gpus")
                          .then(AddOne(), stage("first", 3))
                          .then(AddOne(), stage("second", 2, attempts)),
                      payloads(60));
    spec.collect = true;
    spec.in_order = true;
    spec.options.mode = mode;
    spec.options.device_path = path;
    return run_pipeline(spec).outputs;
  }

  Variable gpus_{"SLURM_STEP_GPUS", "0,1"};
  Variable emulated_{"SLUICE_GPU", "emulated:2"};
};

TEST_F(EmulatedGpus, GiveStagesTheirInputsOnTheDevice) {
  if (workers() < 2) GTEST_SKIP() << "two stages need two workers";
  for (const auto path : {DevicePath::automatic, DevicePath::host, DevicePath::nccl}) {
    expect_all(run(Mode::streaming, path), 60, 2);
  }
}

TEST_F(EmulatedGpus, AreThereForEachRankOfAGroup) {
  if (workers() < 2) GTEST_SKIP() << "a group needs two workers";
  auto group = stage("together", 3);
  group.spmd = 2;
  group.gpus = 1;
  PipelineSpec spec(Pipeline<Payload>("group").then(AddOneTogether(), group), payloads(20));
  spec.collect = true;
  spec.in_order = true;
  spec.options.mode = Mode::streaming;
  const auto outputs = run_pipeline(spec).outputs;
  if (!is_coordinator()) return;
  ASSERT_EQ(outputs.size(), 20u);
  for (const auto& payload : outputs) EXPECT_EQ(payload.seen_on_device, 1);
}

TEST_F(EmulatedGpus, KeepWhatMayHaveToBeTriedAgain) {
  if (workers() < 2) GTEST_SKIP() << "two stages need two workers";
  expect_all(run(Mode::streaming, DevicePath::automatic, 3), 60, 2);
}

TEST_F(EmulatedGpus, ServeDebugModeToo) {
  expect_all(run(Mode::debug, DevicePath::automatic), 60, 2);
}

TEST_F(EmulatedGpus, ThatAreSickStopTheRunBeforeAnything) {
  if (workers() < 2) GTEST_SKIP() << "two stages need two workers";
  const Variable one("SLURM_STEP_GPUS", "0");  // else workers of the other could finish first
  const Variable sick("SLUICE_GPU_SICK", "0");
  try {
    run(Mode::streaming, DevicePath::automatic);
    FAIL() << "the run went on";
  } catch (const Error& error) {
    if (!is_coordinator()) return;
    EXPECT_NE(std::string(error.what()).find("EMULATED-0"), std::string::npos) << error.what();
  }
}

TEST_F(EmulatedGpus, ThatCannotBeUsedLeaveHostMemory) {
  if (workers() < 2) GTEST_SKIP() << "two stages need two workers";
  const Variable none("SLUICE_GPU", "emulated:0");
  expect_all(run(Mode::streaming, DevicePath::automatic), 60, 0);
}

}  // namespace
}  // namespace sluice
