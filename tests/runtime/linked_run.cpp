// linked_run RUN_DIR PATH DEBUG: a run of two stages on emulated GPUs, of which the first hands
// payloads on to the second by the path that is named; with DEBUG=debug in debug mode. The rank
// that SLUICE_TEST_VICTIM names kills itself in the middle; the one that SLUICE_TEST_MURDERER names
// kills rank 0 and stays in user code. In RUN_DIR lines-… are the output, and linked-… say how many
// bytes have come over links.
#include "gpu/emulated_link.hpp"
#include "runtime/mortal.hpp"

#include <sluice/gpu.hpp>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>

namespace sluice {
namespace {

constexpr std::size_t payload_bytes = 200'000;
constexpr int inputs = 400;

struct Payload {
  int number = 0;
  Buffer bytes;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(number, bytes);
  }
};

// Adds one to every byte, in new memory of the device.
class AddOne final : public Stage<Payload, Payload> {
 public:
  explicit AddOne(std::chrono::milliseconds time) : time_(time) {}

  void setup(const WorkerContext& context) override {
    dies_ = is_named("SLUICE_TEST_VICTIM", context);
    kills_ = is_named("SLUICE_TEST_MURDERER", context);
    run_dir_ = context.run_dir;
    said_ = context.run_dir / ("linked-" + context.stage + "-" + std::to_string(context.rank));
  }
  void process(Batch<Payload>& batch, Emitter<Payload>& out) override {
    ++batches_;
    if (dies_ && batches_ == 12) ::kill(::getpid(), SIGKILL);
    if (kills_ && batches_ == 12) kill_coordinator();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      std::this_thread::sleep_for(time_);
      auto result = gpu::allocate(batch[i].bytes.size());
      const auto* from = batch[i].bytes.data();
      auto* to = result.mutable_data();
      for (std::size_t k = 0; k < result.size(); ++k) {
        to[k] = static_cast<std::byte>(static_cast<unsigned char>(from[k]) + 1);
      }
      out.emit(i, {batch[i].number, std::move(result)});
    }
    std::ofstream(said_) << gpu::bytes_over_emulated_links() << '\n';
  }

 private:
  static bool is_named(const char* variable, const WorkerContext& context) {
    const char* rank = std::getenv(variable);
    return rank != nullptr && std::to_string(context.rank) == rank && !context.debug;
  }
  void kill_coordinator() const {
    pid_t pid = 0;
    if (std::ifstream(run_dir_ / "coordinator") >> pid && pid > 1) ::kill(pid, SIGKILL);
    std::this_thread::sleep_for(std::chrono::minutes(2));
  }

  std::chrono::milliseconds time_;
  std::filesystem::path run_dir_;
  bool dies_ = false;
  bool kills_ = false;
  int batches_ = 0;
  std::filesystem::path said_;
};

// What a payload has become: the same bytes, all of them.
class Look final : public Stage<Payload, testing::Item> {
 public:
  void process(Batch<Payload>& batch, Emitter<testing::Item>& out) override {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const auto bytes = batch[i].bytes.to_host();
      const std::string whole(payload_bytes, static_cast<char>(bytes.view().front()));
      const bool same = bytes == Buffer::copy_of(whole);
      out.emit(i, {batch[i].number, same ? " " + std::to_string(whole.front()) : " torn"});
    }
  }
};

StageSpec on_gpu(const char* name, std::size_t batch) {
  StageSpec spec{.name = name, .batch_size = batch};
  spec.gpus = 1;
  spec.cpus = 0.1;
  spec.inputs = Inputs::device;
  spec.workers = 2;
  return spec;
}

StageSpec on_cpu(const char* name) {
  StageSpec spec{.name = name, .batch_size = 4, .writes_at_teardown = true};
  spec.workers = 1;
  spec.cpus = 0.1;
  return spec;
}

std::vector<Payload> payloads() {
  std::vector<Payload> result;
  for (int i = 0; i < inputs; ++i) {
    result.push_back({i, Buffer::copy_of(std::string(payload_bytes, static_cast<char>(i % 100)))});
  }
  return result;
}

DevicePath path_named(const std::string& name) {
  if (name == "nccl") return DevicePath::nccl;
  return name == "host" ? DevicePath::host : DevicePath::automatic;
}

void name_coordinator(const std::string& run_dir) {
  const char* rank = std::getenv("OMPI_COMM_WORLD_RANK");
  if (rank == nullptr || std::strcmp(rank, "0") != 0) return;
  std::ofstream(std::filesystem::path(run_dir) / "coordinator") << ::getpid() << '\n';
}

int run(const std::string& run_dir, const std::string& path, bool debug) {
  using std::chrono::milliseconds;
  name_coordinator(run_dir);
  auto write = on_cpu("write");
  PipelineSpec spec(Pipeline<Payload>("linked")
                        .then(AddOne(milliseconds(1)), on_gpu("first", 4))
                        .then(AddOne(milliseconds(2)), on_gpu("second", 3))
                        .then(Look(), {.name = "look", .batch_size = 3})
                        .then(runtime::mortal::Lines(), write),
                    payloads());
  spec.options.run_dir = run_dir;
  spec.options.mode = debug ? Mode::debug : Mode::streaming;
  spec.options.device_path = path_named(path);
  spec.options.journal = !debug;
  spec.options.commit_every = milliseconds(50);
  spec.options.heartbeat_timeout = std::chrono::seconds(5);
  run_pipeline(spec);
  return 0;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  try {
    return sluice::run(argv[1], argv[2], std::strcmp(argv[3], "debug") == 0);
  } catch (const std::exception& error) {
    std::cerr << "linked_run: " << error.what() << '\n';
    return 1;
  }
}
