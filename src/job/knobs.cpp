#include "job/knobs.hpp"

#include "job/check_settings.hpp"

#include <cmath>

namespace sluice::job {
namespace {

struct Knob {
  std::string_view name;
  void (*apply)(const RawValue& value, std::string_view path, StageSpec& spec);
};

std::size_t count(const RawValue& value, std::string_view path) {
  auto integer = to_integer(value);
  if (integer && *integer < 1) integer.reset();
  return static_cast<std::size_t>(
      require(integer, value, path, "a whole number of at least 1, such as 4"));
}

double positive(const RawValue& value, std::string_view path, std::string_view wanted) {
  auto number = to_number(value);
  if (number && !(*number > 0 && std::isfinite(*number))) number.reset();
  return require(number, value, path, wanted);
}

void set_batch_size(const RawValue& value, std::string_view path, StageSpec& spec) {
  spec.batch_size = count(value, path);
}
void set_speed(const RawValue& value, std::string_view path, StageSpec& spec) {
  spec.speed = positive(value, path, "a positive number of records a second, such as 1.5");
}
void set_cpus(const RawValue& value, std::string_view path, StageSpec& spec) {
  spec.cpus = positive(value, path, "a positive number of cores, such as 0.25");
}
void set_gpus(const RawValue& value, std::string_view path, StageSpec& spec) {
  auto number = to_number(value);
  if (number && !(*number >= 0 && *number <= 1e6)) number.reset();
  if (number && *number > 1 && *number != std::floor(*number)) number.reset();
  spec.gpus =
      require(number, value, path, "a part of a GPU below 1, such as 0.25, or a whole number");
}
void set_gpu_memory(const RawValue& value, std::string_view path, StageSpec& spec) {
  spec.gpu_memory = require(to_size(value), value, path, wanted_of(SettingType::size));
}
void set_inputs(const RawValue& value, std::string_view path, StageSpec& spec) {
  constexpr std::string_view wanted = R"("host" or "device")";
  const auto text = require(to_text(value), value, path, wanted);
  if (text != "host" && text != "device") throw_wrong_value(value, path, wanted);
  spec.inputs = text == "host" ? Inputs::host : Inputs::device;
}
void set_memory(const RawValue& value, std::string_view path, StageSpec& spec) {
  spec.memory = require(to_size(value), value, path, wanted_of(SettingType::size));
}
void set_spmd(const RawValue& value, std::string_view path, StageSpec& spec) {
  spec.spmd = count(value, path);
}
void set_selectivity(const RawValue& value, std::string_view path, StageSpec& spec) {
  spec.selectivity = positive(value, path, "a positive number of records out per record in");
}
void set_over_provision(const RawValue& value, std::string_view path, StageSpec& spec) {
  auto number = to_number(value);
  if (number && !(*number >= 1 && *number <= 1e6)) number.reset();
  spec.over_provision = require(number, value, path, "a factor of at least 1, such as 1.2");
}
void set_workers(const RawValue& value, std::string_view path, StageSpec& spec) {
  spec.workers = count(value, path);
  spec.workers_per_node.reset();
}
void set_workers_per_node(const RawValue& value, std::string_view path, StageSpec& spec) {
  spec.workers_per_node = count(value, path);
  spec.workers.reset();
}
void set_slots(const RawValue& value, std::string_view path, StageSpec& spec) {
  spec.slots = count(value, path);
}
void set_depth(const RawValue& value, std::string_view path, StageSpec& spec) {
  spec.depth = count(value, path);
}
void set_batch_wait(const RawValue& value, std::string_view path, StageSpec& spec) {
  spec.batch_wait = require(to_duration(value), value, path, wanted_of(SettingType::duration));
}
void set_byte_budget(const RawValue& value, std::string_view path, StageSpec& spec) {
  spec.byte_budget = require(to_size(value), value, path, wanted_of(SettingType::size));
}
void set_stall_after(const RawValue& value, std::string_view path, StageSpec& spec) {
  spec.stall_after = require(to_duration(value), value, path, wanted_of(SettingType::duration));
}

void set_attempts(const RawValue& value, std::string_view path, StageSpec& spec) {
  spec.attempts = count(value, path);
}
void set_on_failure(const RawValue& value, std::string_view path, StageSpec& spec) {
  constexpr std::string_view wanted = R"("fail" or "dead_letter")";
  const auto text = require(to_text(value), value, path, wanted);
  if (text != "fail" && text != "dead_letter") throw_wrong_value(value, path, wanted);
  spec.on_failure = text == "fail" ? OnFailure::fail : OnFailure::dead_letter;
}
void set_setup_attempts(const RawValue& value, std::string_view path, StageSpec& spec) {
  spec.setup_attempts = count(value, path);
}
void set_max_worker_lifetime(const RawValue& value, std::string_view path, StageSpec& spec) {
  spec.max_worker_lifetime =
      require(to_duration(value), value, path, wanted_of(SettingType::duration));
}

constexpr Knob knobs[] = {{"batch_size", set_batch_size},
                          {"speed", set_speed},
                          {"selectivity", set_selectivity},
                          {"over_provision", set_over_provision},
                          {"cpus", set_cpus},
                          {"gpus", set_gpus},
                          {"gpu_memory", set_gpu_memory},
                          {"inputs", set_inputs},
                          {"memory", set_memory},
                          {"spmd", set_spmd},
                          {"workers", set_workers},
                          {"workers_per_node", set_workers_per_node},
                          {"slots", set_slots},
                          {"depth", set_depth},
                          {"batch_wait", set_batch_wait},
                          {"byte_budget", set_byte_budget},
                          {"attempts", set_attempts},
                          {"on_failure", set_on_failure},
                          {"setup_attempts", set_setup_attempts},
                          {"max_worker_lifetime", set_max_worker_lifetime},
                          {"stall_after", set_stall_after}};

void refuse_two_pins(const RawTable& keys, const std::string& path) {
  const auto per_node = keys.find("workers_per_node");
  if (per_node == keys.end() || !keys.contains("workers")) return;
  throw UsageError(
      fmt::format("{}: '{}' sets both workers and workers_per_node; either pins the number "
                  "of workers, so leave one out",
                  per_node->second.place.text(), path));
}

}  // namespace

void apply_knobs(const RawTable& keys, const std::string& path, StageSpec& spec) {
  for (const auto& knob : knobs) {
    const auto it = keys.find(knob.name);
    if (it == keys.end()) continue;
    knob.apply(it->second, fmt::format("{}.{}", path, knob.name), spec);
  }
  refuse_two_pins(keys, path);
}

void apply_defaults(const StageSpec& own, StageSpec& spec) {
  const StageSpec usual;
  const auto take = [&](auto StageSpec::*knob) {
    if (own.*knob != usual.*knob) spec.*knob = own.*knob;
  };
  if (own.workers || own.workers_per_node) {
    spec.workers = own.workers;
    spec.workers_per_node = own.workers_per_node;
  }
  take(&StageSpec::batch_size);
  take(&StageSpec::speed);
  take(&StageSpec::selectivity);
  take(&StageSpec::over_provision);
  take(&StageSpec::cpus);
  take(&StageSpec::gpus);
  take(&StageSpec::gpu_memory);
  take(&StageSpec::inputs);
  take(&StageSpec::memory);
  take(&StageSpec::spmd);
  take(&StageSpec::slots);
  take(&StageSpec::depth);
  take(&StageSpec::batch_wait);
  take(&StageSpec::byte_budget);
  take(&StageSpec::stall_after);
  take(&StageSpec::writes_at_teardown);
  take(&StageSpec::attempts);
  take(&StageSpec::on_failure);
  take(&StageSpec::setup_attempts);
  take(&StageSpec::max_worker_lifetime);
}

}  // namespace sluice::job
