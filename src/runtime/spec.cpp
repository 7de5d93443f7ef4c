#include "runtime/spec.hpp"

#include "control/gpu_share.hpp"
#include "runtime/artifacts.hpp"

#include <sluice/error.hpp>
#include <sluice/version.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>
#include <sstream>
#include <thread>

namespace sluice::runtime {
namespace {

void require(bool holds, const StageSpec& stage, std::string_view problem) {
  if (!holds) throw UsageError(fmt::format("stage '{}': {}", stage.name, problem));
}

// More workers than any machine has would overflow sums of them.
constexpr std::size_t most_workers = 1'000'000;

constexpr std::size_t most_depth = 4096;

bool is_count(const std::optional<std::size_t>& workers) {
  return !workers || (*workers >= 1 && *workers <= most_workers);
}

// A GPU is shared in parts, or taken whole.
bool is_gpu_count(double gpus) {
  return gpus >= 0 && gpus <= 1e6 && (gpus < 1 || gpus == std::floor(gpus));
}

void validate_options(const RunOptions& options) {
  if (options.workers > most_workers) {
    throw UsageError(
        fmt::format("{} workers are too many: at most {}", options.workers, most_workers));
  }
  if (options.status_interval.count() <= 0) {
    throw UsageError("status_interval must be above 0");
  }
  if (options.grace.count() < 0) throw UsageError("grace must not be negative");
  if (options.heartbeat_timeout.count() < 0) {
    throw UsageError("heartbeat_timeout must not be negative");
  }
  if (!(options.max_dead_letters >= 0 && options.max_dead_letters <= 1)) {
    throw UsageError(fmt::format("max_dead_letters = {} must be a share of the inputs, from 0 to 1",
                                 options.max_dead_letters));
  }
}

// What a resumed run cannot give back, it must not be asked for.
void validate_journal(const ErasedSpec& spec) {
  if (spec.on_output) {
    throw UsageError(
        "a run that keeps a journal cannot collect its outputs: after a restart only the rest of "
        "them would come; let the last stage write them, or switch RunOptions::journal off");
  }
  for (std::size_t k = 0; k + 1 < spec.stages.size(); ++k) {
    const auto& stage = spec.stages[k];
    require(!stage.spec.writes_at_teardown || stage.input == stage.output, stage.spec,
            "a stage that writes at teardown must hand on what it takes, or be the last, in a run "
            "that keeps a journal: after a restart it is passed by for what it has written");
  }
}

void validate_stage(const StageSpec& stage) {
  require(stage.batch_size >= 1, stage, "batch_size must be at least 1");
  require(stage.slots >= 1, stage, "slots must be at least 1");
  require(stage.depth >= 1 && stage.depth <= most_depth, stage, "depth must be between 1 and 4096");
  require(stage.depth == 1 || !stage.writes_at_teardown, stage,
          "a stage that writes at teardown takes one batch at a time: leave depth out");
  require(!stage.speed || (*stage.speed >= 1e-12 && *stage.speed <= 1e12), stage,
          "speed must be between 1e-12 and 1e12 records/s");
  require(stage.cpus >= 0, stage, "cpus must not be negative");
  require(stage.selectivity >= 1e-9 && stage.selectivity <= 1e9, stage,
          "selectivity must be between 1e-9 and 1e9");
  require(stage.over_provision >= 1, stage, "over_provision must be at least 1");
  require(is_gpu_count(stage.gpus), stage, "gpus must be between 0 and 1, or a whole number");
  require(stage.gpu_memory == 0 || stage.gpus > 0, stage, "gpu_memory is of no use without gpus");
  require(stage.inputs == Inputs::host || stage.gpus > 0, stage,
          "it wants its inputs on the device, so it must ask for gpus");
  require(stage.inputs == Inputs::host || stage.depth == 1, stage,
          "a stage with its inputs on the device takes one batch at a time: leave depth out");
  require(stage.inputs == Inputs::host || !stage.writes_at_teardown, stage,
          "a stage that writes at teardown gets its inputs in host memory");
  require(stage.spmd >= 1 && stage.spmd <= most_workers, stage,
          "spmd must be between 1 and 1000000");
  require(stage.spmd == 1 || stage.depth == 1, stage,
          "a group of ranks (spmd) takes one batch at a time: leave depth out");
  require(stage.spmd == 1 || !stage.writes_at_teardown, stage,
          "a stage that writes at teardown cannot be a group of ranks: leave spmd out");
  require(is_count(stage.workers), stage, "workers must be between 1 and 1000000");
  require(is_count(stage.workers_per_node), stage,
          "workers_per_node must be between 1 and 1000000");
  require(!stage.workers || !stage.workers_per_node, stage,
          "workers and workers_per_node both pin the number of workers: give one of them");
  require(stage.batch_wait.count() >= 0, stage, "batch_wait must not be negative");
  require(stage.attempts >= 1, stage, "attempts must be at least 1");
  require(stage.setup_attempts >= 1, stage, "setup_attempts must be at least 1");
  require(stage.max_worker_lifetime.count() >= 0, stage,
          "max_worker_lifetime must not be negative");
  require(stage.stall_after.count() >= 0, stage, "stall_after must not be negative");
}

std::string optional_text(const auto& value) {
  return value ? fmt::format("{}", *value) : std::string("auto");
}

std::string stage_text(const ErasedStage& stage) {
  const auto& s = stage.spec;
  return fmt::format(
      "stage {}: {}; batch_size={} speed={} selectivity={} over_provision={} cpus={} gpus={} "
      "memory={} spmd={} workers={} workers_per_node={} slots={} depth={} "
      "batch_wait={} byte_budget={} attempts={} on_failure={} setup_attempts={} "
      "max_worker_lifetime={}{}{}{}{}\n",
      s.name, stage.description, s.batch_size, optional_text(s.speed), s.selectivity,
      s.over_provision, s.cpus, s.gpus, s.memory, s.spmd, optional_text(s.workers),
      optional_text(s.workers_per_node), s.slots, s.depth, s.batch_wait, s.byte_budget, s.attempts,
      s.on_failure == OnFailure::fail ? "fail" : "dead_letter", s.setup_attempts,
      s.max_worker_lifetime, s.gpu_memory == 0 ? "" : fmt::format(" gpu_memory={}", s.gpu_memory),
      s.inputs == Inputs::device ? " inputs=device" : "",
      s.writes_at_teardown ? " writes_at_teardown" : "", artifacts_text(s));
}

}  // namespace

void validate(const ErasedSpec& spec) {
  validate_options(spec.options);
  if (spec.stages.empty()) {
    throw UsageError(fmt::format("pipeline '{}' has no stages: add at least one", spec.name));
  }
  const bool streams = spec.options.mode == Mode::streaming;
  if (streams && (spec.options.journal || spec.options.resume)) validate_journal(spec);
  std::set<std::string> names;
  for (const auto& stage : spec.stages) {
    require(!stage.spec.name.empty(), stage.spec, "a stage needs a name");
    require(names.insert(stage.spec.name).second, stage.spec, "two stages have this name");
    validate_stage(stage.spec);
    require(stage.spec.depth == 1 || stage.continuous, stage.spec,
            "it takes one batch at a time, so depth must be 1: only a stage with a command, or a "
            "ContinuousStage, takes several");
  }
  require(spec.stages.front().spec.byte_budget == 0, spec.stages.front().spec,
          "byte_budget has no meaning for the first stage, whose input the coordinator holds");
  validate_artifacts(spec);
}

void require_runnable(const ErasedSpec& spec) {
  if (spec.options.mode != Mode::batch) return;
  for (const auto& stage : spec.stages) {
    require(stage.spec.spmd == 1, stage.spec,
            "batch mode has no groups of ranks that work as one: set mode = \"streaming\" (--mode "
            "streaming), or leave spmd out");
  }
}

std::string canonical_text(const ErasedSpec& spec) {
  auto text = fmt::format("sluice {}\npipeline {}\nmode {}\n", SLUICE_VERSION, spec.name,
                          spec.options.mode == Mode::batch ? "batch" : "streaming");
  for (const auto& stage : spec.stages) text += stage_text(stage);
  return text;
}

void require_same(const std::string& ours, const std::string& theirs, int rank,
                  const std::string& host) {
  if (ours == theirs) return;
  std::istringstream our_lines(ours);
  std::istringstream their_lines(theirs);
  std::string our_line;
  std::string their_line;
  do {
    our_line = their_line = "(nothing)";
    std::getline(our_lines, our_line);
    std::getline(their_lines, their_line);
  } while (our_line == their_line);
  throw LaunchError(
      fmt::format("ranks run different pipelines: rank 0 has '{}', rank {} on {} has '{}'. Every "
                  "rank must build the same pipeline from the same files and program.",
                  our_line, rank, host, their_line));
}

std::vector<control::StageDemand> demands(const ErasedSpec& spec) {
  std::vector<control::StageDemand> result;
  for (const auto& erased : spec.stages) {
    const auto& stage = erased.spec;
    control::StageDemand demand;
    demand.name = stage.name;
    demand.speed = stage.speed;
    demand.workers = stage.workers;
    demand.workers_per_node = stage.workers_per_node;
    demand.selectivity = stage.selectivity;
    demand.over_provision = stage.over_provision;
    demand.cpus = stage.cpus;
    demand.gpus = stage.gpus;
    demand.gpu_memory = stage.gpu_memory;
    demand.memory = stage.memory;
    demand.group = stage.spmd;
    result.push_back(std::move(demand));
  }
  return result;
}

std::vector<control::StageDemand> demands(const ErasedSpec& spec,
                                          const control::Topology& topology) {
  return control::with_gpu_memory(demands(spec), topology);
}

control::ChannelSpec channel_spec(const StageSpec& stage) {
  return {stage.batch_size, stage.slots, stage.batch_wait, stage.byte_budget, stage.depth};
}

std::vector<control::ChannelSpec> channel_specs(const ErasedSpec& spec) {
  std::vector<control::ChannelSpec> result;
  for (const auto& stage : spec.stages) result.push_back(channel_spec(stage.spec));
  return result;
}

std::vector<control::Lifetime> lifetimes(const ErasedSpec& spec) {
  std::vector<control::Lifetime> result;
  for (const auto& stage : spec.stages) {
    result.push_back({stage.spec.max_worker_lifetime, stage.spec.writes_at_teardown});
  }
  return result;
}

std::size_t worker_threads(const ErasedSpec& spec, Mode mode) {
  if (spec.options.workers > 0) return spec.options.workers;
  std::size_t workers = 0;
  std::size_t most = 1;
  bool any_free = false;
  for (const auto& stage : spec.stages) {
    const auto pinned = stage.spec.workers ? stage.spec.workers : stage.spec.workers_per_node;
    const auto ranks = pinned.value_or(1) * stage.spec.spmd;
    any_free = any_free || !pinned;
    workers += ranks;
    most = std::max(most, ranks);
  }
  const std::size_t cores = std::max(1u, std::thread::hardware_concurrency());
  if (mode == Mode::batch) return any_free ? std::max(most, cores) : most;
  return any_free ? workers + cores - 1 : workers;
}

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "unknown-host";
  return name.data();
}

std::string input_name(const ErasedSpec& spec, std::size_t input) {
  return spec.key_of ? spec.key_of(input) : fmt::format("input {}", input);
}

}  // namespace sluice::runtime
