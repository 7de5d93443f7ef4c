#include "job/job_file.hpp"

#include "job/check_settings.hpp"
#include "job/input.hpp"
#include "job/knobs.hpp"
#include "job/raw_job.hpp"
#include "job/read_file.hpp"
#include "job/read_stage.hpp"

#include <set>

namespace sluice::job {
namespace {

DevicePath device_path_at(const RawTable& pipeline) {
  constexpr std::string_view wanted = R"("auto", "host", "ipc" or "nccl")";
  const auto text = text_at(pipeline, "device_path", "pipeline.", wanted);
  if (text == "auto") return DevicePath::automatic;
  if (text == "host") return DevicePath::host;
  if (text == "ipc") return DevicePath::ipc;
  if (text == "nccl") return DevicePath::nccl;
  throw_wrong_value(pipeline.at("device_path"), "pipeline.device_path", wanted);
}

Mode mode_at(const RawTable& pipeline) {
  const auto it = pipeline.find("mode");
  if (it == pipeline.end()) return Mode::automatic;
  const std::string mode = text_at(pipeline, "mode", "pipeline.", mode_wanted);
  return require(parse_mode(mode), it->second, "pipeline.mode", mode_wanted);
}

// A share, or a percentage.
std::optional<double> to_share(const RawValue& value) {
  auto share = to_number(value);
  const auto text = to_text(value);
  if (!share && text && text->ends_with('%')) {
    share = to_number(parse_value(text->substr(0, text->size() - 1)));
    if (share) *share /= 100;
  }
  if (share && !(*share >= 0 && *share <= 1)) share.reset();
  return share;
}

void read_max_dead_letters(const RawTable& pipeline, JobFile& job) {
  const auto it = pipeline.find("max_dead_letters");
  if (it == pipeline.end()) return;
  job.max_dead_letters = require(to_share(it->second), it->second, "pipeline.max_dead_letters",
                                 "a share of the inputs from 0 to 1, such as 0.05 or \"5%\"");
}

void read_duration(const RawTable& pipeline, const std::string& key, std::chrono::nanoseconds& to) {
  const auto it = pipeline.find(key);
  if (it == pipeline.end()) return;
  to = require(to_duration(it->second), it->second, "pipeline." + key,
               wanted_of(SettingType::duration));
}

void read_pipeline(const RawTable& pipeline, const std::string& file, JobFile& job) {
  job.name = std::filesystem::path(file).stem().string();
  if (pipeline.contains("name")) {
    job.name = text_at(pipeline, "name", "pipeline.", "a name, such as \"annotate\"");
  }
  job.mode = mode_at(pipeline);
  apply_knobs(pipeline, "pipeline", job.defaults);
  job.run_dir = std::filesystem::path("runs") / job.name;
  if (pipeline.contains("run_dir")) {
    job.run_dir = text_at(pipeline, "run_dir", "pipeline.", "a folder, such as \"runs/annotate\"");
  }
  if (const auto it = pipeline.find("autoscale"); it != pipeline.end()) {
    job.autoscale = require(to_boolean(it->second), it->second, "pipeline.autoscale",
                            wanted_of(SettingType::boolean));
  }
  read_duration(pipeline, "grace", job.grace);
  read_duration(pipeline, "heartbeat_timeout", job.heartbeat_timeout);
  if (pipeline.contains("device_path")) job.device_path = device_path_at(pipeline);
  if (pipeline.contains("stop_before_end")) {
    read_duration(pipeline, "stop_before_end", job.stop_before_end.emplace());
  }
}

void read_commit_every(const RawTable& pipeline, JobFile& job) {
  const auto it = pipeline.find("commit_every");
  if (it == pipeline.end()) return;
  auto every = to_duration(it->second);
  if (every && every->count() <= 0) every.reset();
  job.commit_every =
      require(every, it->second, "pipeline.commit_every", "a duration above 0, such as \"5s\"");
}

void read_keep_intermediates(const RawTable& pipeline, JobFile& job) {
  const auto it = pipeline.find("keep_intermediates");
  if (it == pipeline.end()) return;
  job.batch.keep_intermediates =
      require(to_boolean(it->second), it->second, "pipeline.keep_intermediates", "true or false");
}

bool compresses(const RawTable& store) {
  constexpr std::string_view wanted = R"("none" or "zstd")";
  const auto text = text_at(store, "compression", "store.", wanted);
  if (text != "none" && text != "zstd") {
    throw_wrong_value(store.at("compression"), "store.compression", wanted);
  }
  return text == "zstd";
}

std::chrono::nanoseconds publish_every(const RawValue& value) {
  constexpr std::string_view wanted = "a duration above 0, such as \"5s\"";
  auto every = to_duration(value);
  if (every && every->count() <= 0) every.reset();
  return require(every, value, "store.publish_every", wanted);
}

void read_store(const RawTable& store, JobFile& job) {
  if (store.contains("uri")) {
    job.batch.store = text_at(store, "uri", "store.", "a folder, or \"s3://bucket/prefix\"");
  }
  if (store.contains("compression")) job.batch.compress = compresses(store);
  const auto every = store.find("publish_every");
  if (every != store.end()) job.batch.publish_every = publish_every(every->second);
}

// The runs of an input's shards have a folder each.
std::string part_of(const std::string& folder, const std::optional<Shard>& shard) {
  if (!shard) return folder;
  const auto* slash = folder.ends_with('/') ? "" : "/";
  return fmt::format("{}{}shard-{}-of-{}", folder, slash, shard->index, shard->count);
}

void read_stages(const RawJob& raw, const std::string& file, JobFile& job) {
  const auto models = read_models(raw.models);
  std::set<std::string> names;
  for (const auto& stage : raw.stages) {
    if (!names.insert(stage.name).second) {
      throw UsageError(fmt::format("{}: there are two stages named '{}'; names must differ",
                                   stage.place.text(), stage.name));
    }
    job.stages.push_back(read_stage(stage, models));
  }
  if (!job.stages.empty()) return;
  throw UsageError(
      fmt::format("{}: the job has no stages; add at least one [[stage]] with use = \"KIND\" or "
                  "command = [\"PROGRAM\", …]",
                  file));
}

}  // namespace

JobFile parse_job(std::string_view text, const std::string& file,
                  const std::vector<std::string>& sets) {
  const auto raw = read_raw_job(text, file, sets);
  JobFile job;
  read_pipeline(raw.pipeline, file, job);
  read_commit_every(raw.pipeline, job);
  read_keep_intermediates(raw.pipeline, job);
  read_max_dead_letters(raw.pipeline, job);
  job.input = read_input_entry(raw.input, file);
  job.run_dir = run_dir_in(job.run_dir, job);
  read_store(raw.store, job);
  if (!job.batch.store.empty()) job.batch.store = part_of(job.batch.store, job.input.shard);
  read_stages(raw, file, job);
  return job;
}

std::string read_job_text(const std::filesystem::path& path) {
  try {
    return std::string(read_file(path).view());
  } catch (const InputError& error) {
    throw UsageError(fmt::format("{}; sluice wants the path of a job file", error.what()));
  }
}

JobFile load_job(const std::filesystem::path& path, const std::vector<std::string>& sets) {
  return parse_job(read_job_text(path), path.string(), sets);
}

std::filesystem::path run_dir_in(const std::filesystem::path& folder, const JobFile& job) {
  return part_of(folder.string(), job.input.shard);
}

std::optional<Mode> parse_mode(std::string_view text) {
  if (text == "auto") return Mode::automatic;
  if (text == "streaming") return Mode::streaming;
  if (text == "batch") return Mode::batch;
  if (text == "debug") return Mode::debug;
  return std::nullopt;
}

}  // namespace sluice::job
