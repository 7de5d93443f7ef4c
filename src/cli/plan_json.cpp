#include "cli/plan_report.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

Json gpus_json(const std::vector<control::GpuShare>& gpus, std::uint64_t rank,
               std::uint64_t gpus_a_rank) {
  Json list = Json::array();
  for (std::uint64_t i = rank * gpus_a_rank; i < (rank + 1) * gpus_a_rank; ++i) {
    list.push_back({{"gpu", gpus.at(i).gpu}, {"fraction", gpus.at(i).share}});
  }
  return list;
}

// An entry for each rank; those of a group have the number of one worker.
Json placements_json(const PlanReport& report, std::size_t stage) {
  const auto& demand = report.stages[stage];
  Json list = Json::array();
  std::uint64_t ranks = 0;
  for (const auto& share : report.plan.stages[stage].shares) {
    const auto gpus_a_rank = share.ranks == 0 ? 0 : share.gpus.size() / share.ranks;
    for (std::uint64_t rank = 0; rank < share.ranks; ++rank) {
      list.push_back({{"worker", ranks++ / demand.group},
                      {"node", report.topology.nodes[share.node].name},
                      {"cpus", demand.cpus},
                      {"memory", demand.memory},
                      {"gpus", gpus_json(share.gpus, rank, gpus_a_rank)}});
    }
  }
  return list;
}

Json known(bool is_known, Json value) { return is_known ? std::move(value) : Json(nullptr); }

Json stages_json(const PlanReport& report) {
  Json list = Json::array();
  const auto reaching = control::flows(report.stages);
  for (std::size_t i = 0; i < report.stages.size(); ++i) {
    const auto& stage = report.stages[i];
    const auto& plan = report.plan.stages[i];
    list.push_back({{"name", stage.name},
                    {"workers", plan.workers},
                    {"speed", stage.speed ? Json(*stage.speed) : Json(nullptr)},
                    {"records_per_input", reaching[i]},
                    {"utilisation", known(report.speeds_are_known(), plan.utilisation)},
                    {"pinned", stage.pinned()},
                    {"ranks_per_worker", stage.group},
                    {"placements", placements_json(report, i)}});
  }
  return list;
}

Json resources_json(const PlanReport& report) {
  Json list = Json::object();
  for (const auto& use : control::resource_use(report.stages, report.topology, report.plan)) {
    list[use.resource] = {{"used", use.used}, {"there", use.there}};
  }
  return list;
}

Json memory_json(const MemoryBound& memory) {
  return {{"records", memory.records},
          {"bytes", memory.bytes ? Json(*memory.bytes) : Json(nullptr)}};
}

Json paths_json(const PlanReport& report) {
  Json list = Json::array();
  for (const auto& [k, paths] : report.device_paths) {
    Json pairs = Json::object();
    for (const auto& [path, count] : paths) pairs[std::string(control::name_of(path))] = count;
    list.push_back(
        {{"from", report.stages[k - 1].name}, {"to", report.stages[k].name}, {"pairs", pairs}});
  }
  return list;
}

Json advice_json(const PlanReport& report) {
  Json list = Json::array();
  for (const auto& [change, throughput, gain] : report.advice) {
    list.push_back({{"change", change}, {"throughput", throughput}, {"gain", gain}});
  }
  return list;
}

}  // namespace

std::string plan_json(const PlanReport& report) {
  const bool speeds = report.speeds_are_known();
  const auto& bottleneck = report.stages[report.plan.bottleneck].name;
  Json json{{"job", report.job},
            {"mode", report.batch ? "batch" : "streaming"},
            {"nodes", report.topology.nodes.size()},
            {"throughput", known(speeds, report.plan.throughput)},
            {"bottleneck", known(speeds, bottleneck)},
            {"stages", stages_json(report)},
            {"resources", report.batch ? Json(nullptr) : resources_json(report)},
            {"inputs", report.inputs ? Json(*report.inputs) : Json(nullptr)},
            {"seconds", nullptr},
            {"memory_bound", report.batch ? Json(nullptr) : memory_json(report.memory)},
            {"device_paths", paths_json(report)},
            {"advice", advice_json(report)}};
  if (speeds && report.inputs) {
    json["seconds"] = static_cast<double>(*report.inputs) / report.plan.throughput;
  }
  return json.dump(2) + "\n";
}

}  // namespace sluice::cli
