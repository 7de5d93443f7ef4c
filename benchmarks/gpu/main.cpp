#include "gpu/nvml.hpp"
#include "gpu/platform.hpp"
#include "measure.hpp"

#include <sluice/run.hpp>

#include <fmt/format.h>
#include <mpi.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <vector>

namespace bench {

void check(cudaError_t status, const std::string& call) {
  if (status == cudaSuccess) return;
  throw sluice::Error(sluice::ExitCode::stage, call + ": " + cudaGetErrorString(status));
}

double bandwidth(std::size_t bytes, int runs, const std::function<void()>& run) {
  run();
  std::vector<double> speeds;
  for (int i = 0; i < runs; ++i) {
    const double before = seconds();
    run();
    speeds.push_back(static_cast<double>(bytes) / (seconds() - before));
  }
  std::nth_element(speeds.begin(), speeds.begin() + runs / 2, speeds.end());
  return speeds[static_cast<std::size_t>(runs / 2)];
}

}  // namespace bench

namespace {

nlohmann::json devices() {
  auto list = nlohmann::json::array();
  for (int i = 0; i < sluice::gpu::device_count(); ++i) {
    const auto& info = sluice::gpu::device(i).info();
    list.push_back({{"index", info.index},
                    {"name", info.name},
                    {"uuid", info.uuid},
                    {"bytes", info.total},
                    {"capability", fmt::format("{}.{}", info.major, info.minor)}});
  }
  return list;
}

nlohmann::json free_memory() {
  auto list = nlohmann::json::array();
  for (const auto& gpu : sluice::gpu::managed_gpus()) list.push_back(gpu.free);
  return list;
}

nlohmann::json measured(const std::string& what, int batches, const std::string& path) {
  if (what == "devices") return devices();
  if (what == "free") return free_memory();
  if (what == "copies") {
    auto& device = sluice::gpu::device(0);
    device.make_current();
    return bench::measure_copies(device);
  }
  if (what == "busy") return bench::measure_busy(batches);
  if (what == "handover") return bench::measure_handover(path);
  MPI_Init(nullptr, nullptr);
  auto result = bench::measure_pair();
  MPI_Finalize();
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures what only a GPU can show, as JSON");
  std::string what;
  int batches = 1000;
  std::string path = "nccl";
  app.add_option("what", what)
      ->required()
      ->check(CLI::IsMember({"devices", "free", "copies", "busy", "pair", "handover"}));
  app.add_option("--batches", batches);
  app.add_option("--path", path, "Of the hand-over: host, ipc or nccl");
  CLI11_PARSE(app, argc, argv);
  return sluice::guard_main([&] {
    if (what != "free" && what != "devices" && sluice::gpu::device_count() == 0) {
      fmt::print(stderr, "no GPU: not run ({})\n", sluice::gpu::why_no_device());
      return 77;
    }
    const auto result = measured(what, batches, path);
    if (!result.is_null()) fmt::print("{}\n", result.dump());
    return 0;
  });
}
