#pragma once

#include "store/scratch_folder.hpp"

#include <sluice/process_stage.hpp>

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace sluice::process {

/// The records of a batch, and which of them each output came from.
struct Outcome {
  std::vector<Record> records;
  std::vector<std::uint32_t> sources;
};

/// A stage of the test worker, with a run directory of its own.
class Scene {
 public:
  static ProcessOptions options(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), SLUICE_TEST_WORKER);
    return {std::move(arguments)};
  }

  explicit Scene(std::vector<std::string> arguments) : Scene(options(std::move(arguments))) {}
  explicit Scene(ProcessOptions what) : stage_(std::move(what)) {}

  WorkerContext context() const {
    WorkerContext context{"work", 0, 1, 1, "here", folder_.path()};
    context.depth = depth_;
    return context;
  }
  void set_depth(std::size_t depth) { depth_ = depth; }
  void set_up() { stage_.setup(context()); }

  Outcome process(std::vector<Record> records) {
    Emitter<Record> out(records.size());
    Batch<Record> batch(std::move(records));
    stage_.process(batch, out);
    return {std::move(out.records()), out.sources()};
  }

  ProcessStage& stage() { return stage_; }
  std::string log() const { return store::read_text(folder_.path() / "logs/work-w0.log"); }
  const store::ScratchFolder& folder() const { return folder_; }

 private:
  store::ScratchFolder folder_;
  std::size_t depth_ = 1;
  ProcessStage stage_;
};

inline std::vector<Record> records_named(const std::vector<std::string>& keys) {
  std::vector<Record> records;
  for (const auto& key : keys) {
    records.emplace_back(key).set("bytes", Buffer::copy_of(std::string(10000, key.front())));
  }
  return records;
}

/// Children of this process.
inline std::vector<pid_t> children() {
  std::vector<pid_t> found;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream list(task.path() / "children");
    for (pid_t child = 0; list >> child;) found.push_back(child);
  }
  return found;
}

/// Files that this process has open.
inline std::size_t open_files() {
  std::size_t count = 0;
  for (const auto& file : std::filesystem::directory_iterator("/proc/self/fd")) {
    count += file.path().empty() ? 0 : 1;
  }
  return count;
}

}  // namespace sluice::process
