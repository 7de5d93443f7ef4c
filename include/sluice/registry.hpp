#pragma once

#include <sluice/pipeline.hpp>
#include <sluice/record.hpp>
#include <sluice/stage.hpp>
#include <sluice/version.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sluice {

/// Stages of job files turn Records into Records.
using RecordStage = Stage<Record, Record>;

/// The type of a setting in a job file. A `duration` is "10ms" or plain seconds, a `size` is
/// "64KiB" or plain bytes.
enum class SettingType { string, integer, number, boolean, duration, size, string_list };

using SettingValue =
    std::variant<std::string, std::int64_t, double, bool, std::vector<std::string>>;

/// One setting that a stage kind takes.
struct SettingSpec {
  std::string name;
  SettingType type = SettingType::string;
  /// As it would stand in the job file, quotes optional; ignored if `required`.
  std::string fallback;
  std::string help;
  bool required = false;
};

/// Settings checked against their specs: every setting of the kind is there, with the right type.
class Settings {
 public:
  void set(std::string name, SettingValue value);

  const std::string& string(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  double number(std::string_view name) const;
  bool boolean(std::string_view name) const;
  std::chrono::nanoseconds duration(std::string_view name) const;
  std::uint64_t size(std::string_view name) const;
  const std::vector<std::string>& string_list(std::string_view name) const;

 private:
  template <class T>
  const T& get(std::string_view name) const;
  std::map<std::string, SettingValue, std::less<>> values_;
};

/// A kind of stage that job files can name with `use`.
struct StageKind {
  std::string name;  ///< "fs.read"
  std::string help;  ///< one sentence
  std::vector<SettingSpec> settings;
  StageSpec defaults;  ///< what a job file leaves unsaid: workers, cpus, speed, …
  /// Makes one worker's stage; throws UsageError if the settings make no sense together.
  std::function<std::unique_ptr<RecordStage>(const Settings&)> make;
  /// For a sink, else null: a line for the end of the run that says where the output is and how to
  /// look at it. Relative output paths belong to `run_dir`.
  std::function<std::string(const Settings&, const std::filesystem::path& run_dir)> output_hint;
  /// For a sink whose output is one file, else null.
  MergeFiles merge = nullptr;
};

/// The stage kinds that are known: the built-in ones, and those of loaded plugins.
class StageRegistry {
 public:
  /// Throws UsageError if the name is taken.
  void add(StageKind kind);
  /// Null if there is none of that name.
  const StageKind* find(std::string_view name) const;
  const std::map<std::string, StageKind, std::less<>>& kinds() const noexcept { return kinds_; }

 private:
  std::map<std::string, StageKind, std::less<>> kinds_;
};

}  // namespace sluice

/// Defines a plugin: `SLUICE_PLUGIN(registry) { registry.add({...}); }`. The version function lets
/// sluice refuse a plugin that was built against another version before it calls into it.
// NOLINTBEGIN(bugprone-macro-parentheses): the argument is a parameter's name.
#define SLUICE_PLUGIN(registry)                                               \
  extern "C" const char* sluice_plugin_version() { return SLUICE_VERSION; }   \
  static void sluice_plugin_register_stages(sluice::StageRegistry& registry); \
  extern "C" void sluice_plugin_register(sluice::StageRegistry& registry) {   \
    sluice_plugin_register_stages(registry);                                  \
  }                                                                           \
  static void sluice_plugin_register_stages(sluice::StageRegistry& registry)
// NOLINTEND(bugprone-macro-parentheses)
