#include "cli/run_summary.hpp"

#include "job/read_file.hpp"
#include "job/stages/write_file.hpp"
#include "observe/checked_json.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>
#include <system_error>

namespace sluice::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* summary_name = "summary.json";

// Whatever else is in a run directory is sluice's own.
bool is_output(const fs::path& path) {
  static const std::set<std::string> own{
      "job.toml",       "run.json",      "journal",      summary_name,    "dead_letters.jsonl",
      "state-dump.txt", "history.jsonl", "metrics.prom", "report.html",   "plan.txt",
      "logs",           "trace",         "trace.json",   "intermediates", "replay"};
  const auto name = path.filename().string();
  return !own.contains(name) && !name.starts_with(".sluice");
}

std::vector<RunSummary::File> outputs_in(const fs::path& run_dir) {
  std::vector<RunSummary::File> files;
  for (fs::recursive_directory_iterator entry(run_dir), end; entry != end; ++entry) {
    if (entry.depth() == 0 && !is_output(entry->path())) {
      if (entry->is_directory()) entry.disable_recursion_pending();
      continue;
    }
    if (!entry->is_regular_file()) continue;
    files.push_back({entry->path().lexically_relative(run_dir).string(), entry->file_size()});
  }
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  return files;
}

}  // namespace

void save_summary(const RunStatus& status, const job::InputFacts& input, const fs::path& run_dir) {
  const Json json{{"pipeline", status.pipeline},
                  {"inputs", status.inputs},
                  {"done", status.done},
                  {"dead_letters", status.dead_letters},
                  {"seconds", status.seconds},
                  {"whole_input", {{"records", input.records}, {"digest", input.digest}}}};
  job::write_file(run_dir / summary_name,
                  json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n');
}

void remove_summary(const fs::path& run_dir) {
  std::error_code ignored;
  fs::remove(run_dir / summary_name, ignored);
}

bool has_summary(const fs::path& run_dir) {
  std::error_code missing;
  return fs::exists(run_dir / summary_name, missing);
}

std::optional<RunSummary> load_summary(const fs::path& run_dir) {
  if (!has_summary(run_dir)) return std::nullopt;
  RunSummary summary;
  try {
    const auto json = Json::parse(job::read_file(run_dir / summary_name).view());
    summary.pipeline = json.at("pipeline");
    summary.inputs = observe::count_of(json.at("inputs"));
    summary.done = observe::count_of(json.at("done"));
    summary.dead_letters = observe::count_of(json.at("dead_letters"));
    summary.seconds = observe::seconds_of(json.at("seconds"));
    summary.input = {observe::count_of(json.at("whole_input").at("records")),
                     json.at("whole_input").at("digest")};
    summary.outputs = outputs_in(run_dir);
  } catch (const std::exception& error) {
    throw InputError(fmt::format("'{}' cannot be read: {}; resume the run, which writes it again",
                                 (run_dir / summary_name).string(), error.what()));
  }
  return summary;
}

}  // namespace sluice::cli
