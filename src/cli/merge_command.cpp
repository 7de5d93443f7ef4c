#include "cli/commands.hpp"
#include "cli/run_record.hpp"
#include "cli/run_summary.hpp"
#include "job/job_file.hpp"
#include "job/read_file.hpp"
#include "job/stages/write_file.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

namespace sluice::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// A shard's run directory.
struct ShardRun {
  fs::path run_dir;
  RunRecord record;
  job::Shard shard;
  std::optional<RunSummary> summary;  ///< absent: it has not ended
};

ShardRun look_at(const fs::path& run_dir) {
  ShardRun run{run_dir, load_record(run_dir), {}, load_summary(run_dir)};
  const auto file = job::parse_job(run.record.job, run.record.file, run.record.sets);
  if (!file.input.shard) {
    throw UsageError(
        fmt::format("'{}' is not the run of a shard; run it with --shard I/N", run_dir.string()));
  }
  run.shard = *file.input.shard;
  return run;
}

// What was run, but for which shard of it.
std::string work_of(const ShardRun& run) {
  std::string text = run.record.job + "\n" + run.record.folder.string();
  for (const auto& set : run.record.sets) {
    if (!set.starts_with("input.shard=")) text += "\n" + set;
  }
  return text;
}

void require_alike(const ShardRun& one, const ShardRun& other) {
  const auto refuse = [&](const std::string& why) {
    throw UsageError(fmt::format("'{}' and '{}' do not belong together: {}", one.run_dir.string(),
                                 other.run_dir.string(), why));
  };
  if (one.shard.count != other.shard.count) {
    refuse(fmt::format("they are shards of {} and of {}", one.shard.count, other.shard.count));
  }
  if (work_of(one) != work_of(other)) refuse("their jobs differ");
  if (one.summary && other.summary && !(one.summary->input == other.summary->input)) {
    refuse(
        fmt::format("the input had {} records for one and {} for the other, or other keys; run "
                    "all shards again, with --fresh, on one input",
                    one.summary->input.records, other.summary->input.records));
  }
}

/// The shards of one job, by their index.
using Shards = std::map<std::uint64_t, ShardRun>;

Shards shards_in(const std::vector<std::string>& run_dirs) {
  Shards shards;
  for (const auto& run_dir : run_dirs) {
    auto run = look_at(run_dir);
    for (const auto& [index, other] : shards) require_alike(other, run);
    const auto index = run.shard.index;
    const auto [it, added] = shards.try_emplace(index, std::move(run));
    if (added) continue;
    throw UsageError(fmt::format("'{}' and '{}' are both shard {}", it->second.run_dir.string(),
                                 run_dir, index));
  }
  return shards;
}

struct Gaps {
  std::vector<std::uint64_t> missing;
  std::vector<std::uint64_t> unfinished;

  bool none() const { return missing.empty() && unfinished.empty(); }
};

Gaps gaps_of(const Shards& shards) {
  Gaps gaps;
  for (std::uint64_t i = 1; i <= shards.begin()->second.shard.count; ++i) {
    const auto it = shards.find(i);
    if (it == shards.end()) gaps.missing.push_back(i);
    if (it != shards.end() && !it->second.summary) gaps.unfinished.push_back(i);
  }
  return gaps;
}

Json entry_of(const ShardRun& run) {
  Json entry{{"shard", run.shard.index},
             {"run_dir", run.run_dir.string()},
             {"finished", run.summary.has_value()}};
  if (!run.summary) return entry;
  entry["inputs"] = run.summary->inputs;
  entry["done"] = run.summary->done;
  entry["dead_letters"] = run.summary->dead_letters;
  entry["seconds"] = run.summary->seconds;
  auto& outputs = entry["outputs"] = Json::array();
  for (const auto& file : run.summary->outputs) {
    outputs.push_back({{"path", (run.run_dir / file.path).string()}, {"bytes", file.bytes}});
  }
  return entry;
}

std::uint64_t sum(const Shards& shards, std::uint64_t RunSummary::*count) {
  std::uint64_t all = 0;
  for (const auto& [index, run] : shards) all += run.summary ? (*run.summary).*count : 0;
  return all;
}

void write_manifest(const Shards& shards, const Gaps& gaps, const fs::path& folder) {
  Json json{{"shards", shards.begin()->second.shard.count},
            {"complete", gaps.none()},
            {"missing", gaps.missing},
            {"unfinished", gaps.unfinished},
            {"inputs", sum(shards, &RunSummary::inputs)},
            {"done", sum(shards, &RunSummary::done)},
            {"dead_letters", sum(shards, &RunSummary::dead_letters)}};
  auto& runs = json["runs"] = Json::array();
  for (const auto& [index, run] : shards) runs.push_back(entry_of(run));
  job::write_file(folder / "merged.json",
                  json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n');
}

void write_dead_letters(const Shards& shards, const fs::path& folder) {
  std::string all;
  for (const auto& [index, run] : shards) {
    const auto path = run.run_dir / "dead_letters.jsonl";
    if (fs::exists(path)) all += job::read_file(path).view();
  }
  job::write_file(folder / "merged-dead_letters.jsonl", all);
}

std::string numbers(const std::vector<std::uint64_t>& all) {
  std::string text;
  for (const auto number : all) text += (text.empty() ? "" : ", ") + std::to_string(number);
  return text;
}

[[noreturn]] void refuse(const Shards& shards, const Gaps& gaps) {
  std::string text = fmt::format("of {} shards", shards.begin()->second.shard.count);
  if (!gaps.missing.empty()) {
    text += fmt::format(" {} {} missing: run them with --shard I/N", numbers(gaps.missing),
                        gaps.missing.size() == 1 ? "is" : "are");
  }
  if (!gaps.unfinished.empty()) {
    text += fmt::format("{} {} {} not finished: 'sluice resume RUN_DIR' goes on with them",
                        gaps.missing.empty() ? "" : ";", numbers(gaps.unfinished),
                        gaps.unfinished.size() == 1 ? "is" : "are");
  }
  throw InputError(text);
}

fs::path folder_for(const MergeArguments& arguments) {
  const auto folder_of = [](const std::string& path) {
    return fs::absolute(path + "/.").lexically_normal().parent_path();
  };
  if (arguments.out.empty()) return folder_of(arguments.run_dirs.front()).parent_path();
  const auto folder = folder_of(arguments.out);
  for (const auto& run_dir : arguments.run_dirs) {
    if (!fs::exists(folder) || !fs::equivalent(folder, run_dir)) continue;
    throw UsageError(fmt::format("--out '{}' is the run directory of a shard; name another folder",
                                 arguments.out));
  }
  return folder;
}

}  // namespace

int merge_runs(const MergeArguments& arguments) {
  const auto shards = shards_in(arguments.run_dirs);
  const auto gaps = gaps_of(shards);
  const auto folder = folder_for(arguments);
  write_manifest(shards, gaps, folder);
  write_dead_letters(shards, folder);
  if (!gaps.none()) refuse(shards, gaps);
  fmt::print("{} shards, {} inputs, {} of them done, {} dead letters: {}\n", shards.size(),
             sum(shards, &RunSummary::inputs), sum(shards, &RunSummary::done),
             sum(shards, &RunSummary::dead_letters), (folder / "merged.json").string());
  return 0;
}

}  // namespace sluice::cli
