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
void set_batch_wait(const RawValue& value, std::string_view path, StageSpec& spec) {
  spec.batch_wait = require(to_duration(value), value, path, wanted_of(SettingType::duration));
}
void set_byte_budget(const RawValue& value, std::string_view path, StageSpec& spec) {
  spec.byte_budget = require(to_size(value), value, path, wanted_of(SettingType::size));
}

constexpr Knob knobs[] = {{"batch_size", set_batch_size},
                          {"speed", set_speed},
                          {"cpus", set_cpus},
                          {"workers", set_workers},
                          {"workers_per_node", set_workers_per_node},
                          {"slots", set_slots},
                          {"batch_wait", set_batch_wait},
                          {"byte_budget", set_byte_budget}};

void refuse_two_pins(const RawTable& keys, const std::string& stage) {
  const auto per_node = keys.find("workers_per_node");
  if (per_node == keys.end() || !keys.contains("workers")) return;
  throw UsageError(
      fmt::format("{}: 'stage.{}' sets both workers and workers_per_node; either pins the number "
                  "of workers, so leave one out",
                  per_node->second.place.text(), stage));
}

}  // namespace

void apply_knobs(const RawTable& keys, const std::string& stage, StageSpec& spec) {
  for (const auto& knob : knobs) {
    const auto it = keys.find(knob.name);
    if (it == keys.end()) continue;
    knob.apply(it->second, fmt::format("stage.{}.{}", stage, knob.name), spec);
  }
  refuse_two_pins(keys, stage);
}

}  // namespace sluice::job
