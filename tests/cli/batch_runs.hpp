#pragma once

#include "cli/job_runs.hpp"
#include "store/object_files.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <random>

namespace sluice::cli {

/// A job in batch mode, with its store in a folder unless a test says otherwise.
class BatchRuns : public JobRuns {
 protected:
  static constexpr int rows = 150;
  static constexpr const char* job = R"(
[pipeline]
run_dir = "out"
mode = "batch"
keep_intermediates = true
[input]
jsonl = "rows.jsonl"
[store]
publish_every = "10ms"
[[stage]]
name = "split"
use = "synthetic"
batch_size = 3
settings = { outputs = 2, drop = 0.2, output_bytes = 500, service = "fixed", mean = "3ms", seed = 9 }
[[stage]]
name = "work"
use = "synthetic"
batch_size = 4
settings = { service = "fixed", mean = "3ms", drop = 0.1, seed = 3, output_bytes = 100 }
[[stage]]
name = "write"
use = "jsonl.write"
batch_size = 4
settings = { path = "out.jsonl", payload = "digest" }
)";

  void SetUp() override {
    write_rows(rows);
    std::string text = job;
    if (!uri_.empty()) text.replace(text.find("[store]"), 7, "[store]\nuri = \"" + uri_ + "\"");
    write_job(text);
  }

  std::multiset<std::string> undisturbed() {
    const auto ended = run({"run", "job.toml", "--mode", "debug", "--run-dir", "debug"});
    EXPECT_EQ(ended.code, 0) << ended.err;
    return lines("debug/out.jsonl");
  }

  /// Where the intermediates are.
  std::unique_ptr<store::FileStore> open_store() {
    const auto uri = uri_.empty() ? (folder_ / "out/intermediates").string() : uri_;
    return store::open_file_store(uri, folder_ / "scratch");
  }
  /// The shards that are published, as "1-split/1-5f3c9d01-r1-0.h5".
  std::set<std::string> shards() {
    std::set<std::string> found;
    const auto store = open_store();
    for (const auto* stage : stages) {
      for (const auto& name : store->list(stage)) {
        if (name.ends_with(".h5")) found.insert(fmt::format("{}/{}", stage, name));
      }
    }
    return found;
  }
  /// Those that the stage's manifest lists.
  std::set<std::string> listed(const std::string& stage) {
    std::istringstream text(open_store()->read(stage + "/manifest").value_or("\n{\"shards\":[]}"));
    std::string line;
    std::getline(text, line);
    std::getline(text, line);
    std::set<std::string> found;
    const auto manifest = nlohmann::json::parse(line);
    for (const auto& shard : manifest.at("shards")) {
      found.insert(stage + "/" + shard.at("name").get<std::string>());
    }
    return found;
  }

  static constexpr const char* stages[] = {"1-split", "2-work", "3-write"};
  std::string uri_;  ///< of a store elsewhere; set before SetUp
};

/// Kills runs at moments that a seed chooses, and resumes them.
class KilledRuns : public BatchRuns {
 protected:
  using Moment = std::function<bool()>;
  virtual Moment moment(std::mt19937_64& random) = 0;

  /// Returns how many kills hit.
  int kill_and_resume(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::filesystem::remove_all(folder_ / "out");
    const auto store = open_store();
    std::set<std::string> committed;
    int hits = 0;
    std::vector<std::string> arguments{"run", "job.toml"};
    for (auto kills = 1 + random() % 3; kills > 0; --kills) {
      const auto ranks = static_cast<int>(random() % 5);
      run_and_kill(sluice_command(ranks == 1 ? 0 : ranks, arguments), folder_.path(),
                   moment(random));
      committed.merge(shards());
      // Neither before there was a run nor after its end.
      if (store->read("run/manifest")) ++hits;
      if (std::filesystem::exists(folder_ / "out/run.json")) arguments = {"resume", "out"};
    }
    const auto ended = run(arguments, 2 + static_cast<int>(seed % 3));
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_EQ(lines("out/out.jsonl"), expected_) << "seed " << seed;
    expect_kept(committed, seed);
    for (const auto* stage : stages) store->remove_folder(stage);
    return hits;
  }

  void explore(std::uint64_t first, int moments) {
    expected_ = undisturbed();
    int hits = 0;
    for (auto seed = first; hits < moments && !HasFailure(); ++seed) {
      hits += kill_and_resume(seed);
    }
    fmt::print("{} kills, {} shards were committed by then, none was done again\n", hits, kept_);
  }

 private:
  // Of the stages whose shards count one by one.
  void expect_kept(const std::set<std::string>& committed, std::uint64_t seed) {
    auto all = listed("1-split");
    all.merge(listed("2-work"));
    for (const auto& shard : committed) {
      if (shard.starts_with("3-write")) continue;
      EXPECT_TRUE(all.contains(shard)) << shard << " was done again; seed " << seed;
      ++kept_;
    }
  }

  std::multiset<std::string> expected_;
  int kept_ = 0;
};

}  // namespace sluice::cli
