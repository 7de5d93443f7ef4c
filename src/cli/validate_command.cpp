#include "base/text_width.hpp"
#include "cli/commands.hpp"
#include "cli/plan_report.hpp"
#include "job/build.hpp"
#include "job/input.hpp"
#include "runtime/artifacts.hpp"
#include "runtime/spec.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::cli {
namespace {

std::string workers_of(const StageSpec& spec) {
  if (spec.workers) return fmt::format("{} worker{}", *spec.workers, *spec.workers == 1 ? "" : "s");
  if (spec.workers_per_node) return fmt::format("{} a node", *spec.workers_per_node);
  if (spec.speed) return fmt::format("{}/s a worker", *spec.speed);
  return "its share of workers";
}

std::size_t width(const std::vector<job::JobStage>& stages, auto text) {
  std::size_t widest = 0;
  for (const auto& stage : stages) widest = std::max(widest, cells(text(stage)));
  return widest;
}

void print_stages(const std::vector<job::JobStage>& stages) {
  const auto names = width(stages, [](const auto& stage) { return stage.spec.name; });
  const auto kinds = width(stages, [](const auto& stage) { return stage.kind.name; });
  const auto workers = width(stages, [](const auto& stage) { return workers_of(stage.spec); });
  for (const auto& stage : stages) {
    fmt::print("  {}  {}  {}  batches of {}\n", fitted(stage.spec.name, names),
               fitted(stage.kind.name, kinds), fitted(workers_of(stage.spec), workers),
               stage.spec.batch_size);
  }
}

void print_artifacts(const ErasedSpec& spec) {
  const auto text = artifacts_list(runtime::artifacts_of(spec));
  if (!text.empty()) fmt::print("{}", text);
}

}  // namespace

int validate_job(const JobArguments& arguments) {
  const auto file = job::load_job(arguments.file, arguments.sets);
  auto registry = job::builtin_stages();
  const auto stages = job::build_stages(file, registry);
  const auto spec = job::build_spec(file, stages, {});
  runtime::validate(spec);
  const auto inputs = job::read_input(file.input).size();
  fmt::print("{}: the job is valid; inputs: {}, run directory: {}\n", file.name, inputs,
             file.run_dir.string());
  print_stages(stages);
  print_artifacts(spec);
  return 0;
}

}  // namespace sluice::cli
