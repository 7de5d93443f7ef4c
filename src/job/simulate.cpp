#include "job/simulate.hpp"

#include "job/input.hpp"
#include "job/stages/service_time.hpp"
#include "job/units.hpp"
#include "runtime/spec.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <cmath>
#include <exception>
#include <optional>

namespace sluice::job {
namespace {

/// What a factor of slowness may be, so that no virtual time overflows.
constexpr double least_factor = 1e-6;
constexpr double most_factor = 1e6;

double in_seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

runtime::SimulatedStage synthetic_model(const Settings& settings) {
  runtime::SimulatedStage model;
  model.service = [time = ServiceTime(settings)](Random& random) { return time.draw(random); };
  model.setup = in_seconds(settings.duration("setup"));
  model.node_setup = in_seconds(settings.duration("node_setup"));
  model.outputs = static_cast<std::uint64_t>(settings.integer("outputs"));
  model.drop = settings.number("drop");
  model.output_bytes = std::max<std::uint64_t>(100, settings.size("output_bytes"));
  return model;
}

runtime::SimulatedStage model_of(const JobStage& stage) {
  if (stage.kind.name == "synthetic") return synthetic_model(stage.settings);
  if (!stage.spec.speed) {
    throw UsageError(fmt::format(
        "stage '{0}' ({1}) cannot be simulated: how long it takes is not known. Give it speed = "
        "RECORDS_PER_SECOND (--set stage.{0}.speed=1.5), or use = \"synthetic\"",
        stage.spec.name, stage.kind.name));
  }
  runtime::SimulatedStage model;
  model.service = [seconds = 1 / *stage.spec.speed](Random&) { return seconds; };
  return model;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts{""};
  for (const char c : text) {
    if (c == ':') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

std::optional<double> number_in(const std::string& text) {
  try {
    std::size_t end = 0;
    const double number = std::stod(text, &end);
    if (end == text.size()) return number;
  } catch (const std::exception&) {
    // no number
  }
  return std::nullopt;
}

double factor_of(const std::string& text, const std::string& option) {
  const auto factor = number_in(text);
  if (factor && *factor >= least_factor && *factor <= most_factor) return *factor;
  throw UsageError(fmt::format("{}: '{}' is no factor from {:g} to {:g}", option, text,
                               least_factor, most_factor));
}

}  // namespace

runtime::Simulation build_simulation(const JobFile& job, const std::vector<JobStage>& stages) {
  const auto spec = build_spec(job, stages, {});
  runtime::validate(spec);
  runtime::Simulation simulation;
  simulation.demands = runtime::demands(spec);
  simulation.channels = runtime::channel_specs(spec);
  for (const auto& stage : stages) simulation.stages.push_back(model_of(stage));
  simulation.inputs = read_input(job.input).size();
  simulation.autoscale = job.autoscale;
  return simulation;
}

runtime::SlowDown parse_slow_down(const std::string& text, const std::vector<JobStage>& stages) {
  const auto option = fmt::format("--slow {}", text);
  const auto parts = split(text);
  if (parts.size() != 3) {
    throw UsageError(option + ": say STAGE:AT:FACTOR, such as ocr:1min:4");
  }
  const auto at = parse_duration(parts[1]);
  if (!at) throw UsageError(fmt::format("{}: '{}' is no duration such as 90s", option, parts[1]));
  for (std::size_t k = 0; k < stages.size(); ++k) {
    if (stages[k].spec.name == parts[0]) {
      return {k, in_seconds(*at), factor_of(parts[2], option)};
    }
  }
  throw UsageError(fmt::format("{}: the job has no stage '{}'", option, parts[0]));
}

std::pair<int, double> parse_slow_rank(const std::string& text) {
  const auto option = fmt::format("--slow-rank {}", text);
  const auto parts = split(text);
  if (parts.size() != 2) throw UsageError(option + ": say RANK:FACTOR, such as 17:10");
  const auto rank = number_in(parts[0]);
  if (!rank || !(*rank >= 1 && *rank <= 1e9) || *rank != std::floor(*rank)) {
    throw UsageError(fmt::format("{}: '{}' is no rank; the first worker is 1", option, parts[0]));
  }
  return {static_cast<int>(*rank), factor_of(parts[1], option)};
}

}  // namespace sluice::job
