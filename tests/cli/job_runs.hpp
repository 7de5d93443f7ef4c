#pragma once

#include "cli/process.hpp"
#include "store/scratch_folder.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace sluice::cli {

/// Runs of the program in a folder of the test's own.
class JobRuns : public ::testing::Test {
 protected:
  using Arguments = std::vector<std::string>;

  void write_job(const std::string& text) { store::write_text(folder_ / "job.toml", text); }
  /// "rows.jsonl", with this many input records.
  void write_rows(int count) {
    std::string lines;
    for (int i = 0; i < count; ++i) lines += fmt::format("{{\"number\": {}}}\n", i);
    store::write_text(folder_ / "rows.jsonl", lines);
  }

  Ended run(const Arguments& arguments, int ranks = 0) {
    return run_process(sluice_command(ranks, arguments), folder_.path());
  }
  /// The lines of one of the folder's files.
  std::multiset<std::string> lines(const std::string& file) {
    std::istringstream text(store::read_text(folder_ / file));
    std::multiset<std::string> found;
    for (std::string line; std::getline(text, line);) found.insert(line);
    return found;
  }

  store::ScratchFolder folder_;
};

}  // namespace sluice::cli
