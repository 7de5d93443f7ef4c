#include "cli/commands.hpp"
#include "cli/plan_report.hpp"
#include "control/batch_plan.hpp"
#include "gpu/link.hpp"
#include "job/build.hpp"
#include "job/input.hpp"
#include "job/topology.hpp"
#include "runtime/artifacts.hpp"
#include "runtime/machine.hpp"
#include "runtime/spec.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace sluice::cli {
namespace {

// Bytes of one output record, if the stage's settings say so.
std::optional<double> output_bytes(const job::JobStage& stage) {
  const auto& specs = stage.kind.settings;
  const auto it = std::find_if(specs.begin(), specs.end(), [](const SettingSpec& spec) {
    return spec.name == "output_bytes" && spec.type == SettingType::size;
  });
  if (it == specs.end() || stage.settings.size("output_bytes") == 0) return std::nullopt;
  return static_cast<double>(stage.settings.size("output_bytes"));
}

// Channel k holds outputs of stage k - 1, or records of the input, whose size is not known before.
MemoryBound memory_bound(const PlanReport& report, const std::vector<job::JobStage>& stages) {
  MemoryBound bound{0, 0.0};
  for (std::size_t k = 0; k < stages.size(); ++k) {
    const auto batch = [&](std::size_t i) {
      return static_cast<double>(stages[i].spec.batch_size * report.plan.stages[i].workers);
    };
    const auto prefetch = std::max<std::size_t>(1, stages[k].spec.slots - 1);
    double records = batch(k) * static_cast<double>(prefetch);
    if (k > 0) {
      const auto depth = static_cast<double>(stages[k - 1].spec.depth);
      records += batch(k - 1) * stages[k - 1].spec.selectivity * depth;
    }
    bound.records += records;
    if (k == 0) continue;
    const auto each = output_bytes(stages[k - 1]);
    if (!each) bound.bytes.reset();
    if (bound.bytes) *bound.bytes += records * each.value_or(0);
  }
  return bound;
}

void count_inputs(const job::JobFile& file, PlanReport& report) {
  try {
    report.inputs = job::read_input(file.input).size();
  } catch (const InputError& error) {
    report.no_input = error.what();
  }
}

control::Wish wish_of(DevicePath path) {
  using control::Wish;
  switch (path) {
    case DevicePath::host:
      return Wish::host;
    case DevicePath::ipc:
      return Wish::ipc;
    case DevicePath::nccl:
      return Wish::nccl;
    case DevicePath::automatic:
      break;
  }
  return Wish::automatic;
}

// The nodes of the run are taken to have NCCL if this one has.
void find_device_paths(PlanReport& report, const std::vector<job::JobStage>& stages,
                       DevicePath wish) {
  for (std::size_t k = 1; k < stages.size(); ++k) {
    if (stages[k].spec.inputs != Inputs::device) continue;
    auto paths = control::channel_paths(report.plan.stages[k - 1], report.plan.stages[k],
                                        {true, gpu::has_links()}, wish_of(wish));
    if (!paths.empty()) report.device_paths[k] = std::move(paths);
  }
}

// As for a run: what "auto" comes to depends on the nodes.
bool is_batch(Mode mode, const control::Topology& topology) {
  if (mode != Mode::automatic) return mode == Mode::batch;
  return topology.nodes.size() == 1 && topology.nodes.front().gpus == 1;
}

}  // namespace

PlanReport make_plan_report(const PlanArguments& arguments) {
  const auto file = job::load_job(arguments.job.file, arguments.job.sets);
  auto registry = job::builtin_stages();
  const auto stages = job::build_stages(file, registry);
  const auto spec = job::build_spec(file, stages, {});
  runtime::validate(spec);
  PlanReport report;
  report.job = file.name;
  report.artifacts = runtime::artifacts_of(spec);
  report.topology = arguments.topology.empty() ? runtime::discover_topology()
                                               : job::topology_option(arguments.topology);
  report.reserved = arguments.reserved;
  report.topology.nodes.front().cpus -= report.reserved;
  report.stages = runtime::demands(spec, report.topology);
  const auto& mode = arguments.job.mode;
  report.batch = is_batch(mode.empty() ? file.mode : mode_option(mode), report.topology);
  const auto plan = report.batch ? control::make_batch_plan : control::plan_from_nothing;
  report.plan = plan(report.stages, report.topology);
  count_inputs(file, report);
  report.memory = memory_bound(report, stages);
  if (!report.batch) find_device_paths(report, stages, file.device_path);
  if (!report.speeds_are_known()) return report;
  report.limits = control::limits(report.stages, report.topology, report.plan);
  report.advice = control::advise(report.stages, report.topology, report.plan, plan);
  return report;
}

int plan_job(const PlanArguments& arguments) {
  const auto report = make_plan_report(arguments);
  if (arguments.json) {
    fmt::print("{}", plan_json(report));
  } else {
    if (arguments.explain) fmt::print("{}", plan_explanation(report));
    fmt::print("{}", plan_text(report));
  }
  return 0;
}

}  // namespace sluice::cli
