#pragma once

#include "job/raw_value.hpp"

#include <sluice/model.hpp>
#include <sluice/run.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::job {

/// One of `count` equal parts of the input, which together are all of it: the records at places
/// `index`, `index + count` and so on, counted from 1.
struct Shard {
  std::uint64_t index = 1;
  std::uint64_t count = 1;
};

/// "3/8"; nothing if it is not of that form.
std::optional<Shard> parse_shard(std::string_view text);

/// Where the input records come from; `values` are globs, a path, or keys.
struct InputEntry {
  enum class Source { files, list, jsonl, keys, s3 };
  Source source = Source::files;
  std::vector<std::string> values;
  std::optional<std::uint64_t> limit = {};
  std::optional<Shard> shard = {};
};

/// A stage of a job file; what its keys and settings mean depends on the kind that it uses.
struct StageEntry {
  std::string name;
  std::string use;  ///< empty if a process does it
  std::vector<std::string> command;
  std::optional<ProcessEnvironment> env;
  std::string settings_json;  ///< an object
  std::optional<std::uint64_t> shared_memory;
  std::optional<std::chrono::nanoseconds> start_timeout;
  std::optional<Model> model;
  std::optional<std::vector<Artifact>> artifacts;
  std::optional<std::filesystem::path> plugin;
  RawTable keys;
  RawTable settings;
  RawTable model_settings;  ///< the model's own, which the stage may leave out
  Place place;              ///< of the stage
  Place use_place;          ///< of `use` or `command`
};

/// A job file whose keys, types and ranges are right; stage kinds are not looked up yet.
struct JobFile {
  std::string name;
  Mode mode = Mode::automatic;
  std::filesystem::path run_dir;
  bool autoscale = true;
  std::chrono::nanoseconds commit_every = RunOptions().commit_every;
  double max_dead_letters = RunOptions{}.max_dead_letters;  ///< a share of the inputs
  std::chrono::nanoseconds grace = RunOptions{}.grace;
  DevicePath device_path = DevicePath::automatic;
  std::chrono::nanoseconds heartbeat_timeout = RunOptions{}.heartbeat_timeout;
  std::optional<std::chrono::nanoseconds> stop_before_end;
  StageSpec defaults;  ///< the knobs in [pipeline], for every stage
  InputEntry input;
  BatchOptions batch;  ///< where and how batch mode keeps its intermediates
  std::vector<StageEntry> stages;
};

/// Throws UsageError naming file, line and key. Each of `sets` is a KEY=VALUE that overrides a key.
JobFile parse_job(std::string_view text, const std::string& file,
                  const std::vector<std::string>& sets = {});
/// The text of a job file; throws UsageError if it cannot be read.
std::string read_job_text(const std::filesystem::path& path);
JobFile load_job(const std::filesystem::path& path, const std::vector<std::string>& sets = {});

/// Where a run of the job has its run directory if it is told to use `folder`: there, and a shard
/// in a folder of its own below.
std::filesystem::path run_dir_in(const std::filesystem::path& folder, const JobFile& job);

inline constexpr std::string_view mode_wanted = R"("auto", "streaming", "batch" or "debug")";

std::optional<Mode> parse_mode(std::string_view text);

}  // namespace sluice::job
