#include "cli/simulation_text.hpp"

#include "runtime/decision_text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

/// A coordinator that is busier than this delays its workers.
constexpr double comfortable = 0.7;

double percent(double part, const control::Usage& usage) {
  const double whole = usage.running + usage.starved + usage.blocked + usage.setup;
  return whole > 0 ? 100 * part / whole : 0;
}

double per_batch(const runtime::SimulationResult& result) {
  return static_cast<double>(result.control_messages) /
         static_cast<double>(std::max<std::uint64_t>(1, result.batches));
}

double throughput(const runtime::SimulationResult& result) {
  return result.seconds > 0 ? static_cast<double>(result.done) / result.seconds : 0;
}

std::string stage_lines(const runtime::Simulation& simulation,
                        const runtime::SimulationResult& result) {
  std::string text =
      fmt::format("  {:<16} workers  records in  running  starved  blocked  setup\n", "stage");
  for (std::size_t k = 0; k < result.stages.size(); ++k) {
    const auto& stage = result.stages[k];
    const auto& usage = stage.usage;
    text += fmt::format("  {:<16} {:>7}  {:>10}  {:>6.1f}%  {:>6.1f}%  {:>6.1f}%  {:>4.1f}%\n",
                        simulation.demands[k].name, stage.workers, stage.work.records,
                        percent(usage.running, usage), percent(usage.starved, usage),
                        percent(usage.blocked, usage), percent(usage.setup, usage));
  }
  return text;
}

std::string coordinator_lines(const runtime::SimulationResult& result) {
  auto text = fmt::format(
      "  coordinator: {:.2f} control messages a batch, busy {:.2f}% of the time; at these batch "
      "times one coordinator serves {:.0f} workers\n",
      per_batch(result), 100 * result.coordinator_share, workers_at_saturation(result));
  if (result.coordinator_share > comfortable) {
    text += fmt::format(
        "  It is too busy. Make batch_size {:.0f} times as large, so that there are fewer batches, "
        "or run the job as several jobs that share the input.\n",
        std::ceil(result.coordinator_share / comfortable * 2));
  }
  return text;
}

Json stage_json(const std::string& name, const runtime::SimulatedUsage& stage) {
  return {{"name", name},
          {"workers", stage.workers},
          {"batches", stage.work.batches},
          {"records_in", stage.work.records},
          {"records_out", stage.work.outputs},
          {"running", stage.usage.running},
          {"starved", stage.usage.starved},
          {"blocked", stage.usage.blocked},
          {"setup", stage.usage.setup},
          {"peak_records", stage.peak_records},
          {"bound_records", stage.bound_records}};
}

Json decision_json(const control::Decision& decision) {
  Json stages = Json::array();
  for (const auto& stage : decision.stages) {
    stages.push_back({{"name", stage.name},
                      {"workers", stage.workers},
                      {"workers_after", stage.workers_after},
                      {"speed", stage.speed},
                      {"error", stage.error},
                      {"remaining", stage.remaining}});
  }
  return {{"at", std::chrono::duration<double>(decision.at).count()},
          {"moved", decision.moved},
          {"time_left", decision.time_left},
          {"time_left_after", decision.time_left_after},
          {"cost", decision.cost},
          {"gain", decision.gain},
          {"least_gain", decision.least_gain},
          {"stages", stages}};
}

}  // namespace

double workers_at_saturation(const runtime::SimulationResult& result) {
  if (result.coordinator_share <= 0 || result.ranks == 0) return 0;
  return static_cast<double>(result.ranks - 1) / result.coordinator_share;
}

std::string text_of(const std::string& name, const runtime::Simulation& simulation,
                    const runtime::SimulationResult& result) {
  auto text = fmt::format(
      "{}: {} of {} records done in {:.3f} s of virtual time ({:.4g}/s), "
      "{} workers on {} node{}, seed {}\n",
      name, result.done, result.inputs, result.seconds, throughput(result), result.ranks - 1,
      simulation.topology.nodes.size(), simulation.topology.nodes.size() == 1 ? "" : "s",
      simulation.seed);
  text += stage_lines(simulation, result);
  text += fmt::format("  decisions: {}\n", result.decisions.size());
  for (const auto& decision : result.decisions) {
    text += fmt::format("    {}\n", runtime::text_of(decision));
  }
  text += coordinator_lines(result);
  return text + fmt::format("  digest {:016x}\n", result.digest);
}

std::string json_of(const std::string& name, const runtime::Simulation& simulation,
                    const runtime::SimulationResult& result) {
  Json json{{"name", name},
            {"seed", simulation.seed},
            {"inputs", result.inputs},
            {"done", result.done},
            {"seconds", result.seconds},
            {"throughput", throughput(result)},
            {"workers", result.ranks - 1},
            {"stages", Json::array()},
            {"decisions", Json::array()},
            {"control_messages", result.control_messages},
            {"control_messages_per_batch", per_batch(result)},
            {"coordinator_share", result.coordinator_share},
            {"workers_at_saturation", workers_at_saturation(result)},
            {"digest", fmt::format("{:016x}", result.digest)}};
  for (std::size_t k = 0; k < result.stages.size(); ++k) {
    json["stages"].push_back(stage_json(simulation.demands[k].name, result.stages[k]));
  }
  for (const auto& decision : result.decisions) {
    json["decisions"].push_back(decision_json(decision));
  }
  return json.dump(2) + "\n";
}

}  // namespace sluice::cli
