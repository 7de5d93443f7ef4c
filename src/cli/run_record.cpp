#include "cli/run_record.hpp"

#include "base/safe_text.hpp"
#include "cli/run_summary.hpp"
#include "job/read_file.hpp"
#include "job/stages/write_file.hpp"
#include "observe/screen.hpp"
#include "store/run_lock.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* job_name = "job.toml";
constexpr const char* record_name = "run.json";

std::string text_of(const std::filesystem::path& path) {
  return std::string(job::read_file(path).view());
}

}  // namespace

void save_record(const RunRecord& record, const std::filesystem::path& run_dir) {
  const Json json{{"file", record.file},
                  {"sets", record.sets},
                  {"mode", record.mode},
                  {"folder", record.folder.string()}};
  job::write_file(run_dir / job_name, record.job);
  job::write_file(run_dir / record_name,
                  json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n');
}

RunRecord load_record(const std::filesystem::path& run_dir) {
  RunRecord record;
  try {
    record.job = text_of(run_dir / job_name);
    const auto json = Json::parse(text_of(run_dir / record_name));
    record.file = json.at("file");
    record.sets = json.at("sets").get<std::vector<std::string>>();
    record.mode = json.at("mode");
    record.folder = json.at("folder").get<std::string>();
  } catch (const std::exception& error) {
    throw InputError(
        fmt::format("'{}' is not the run directory of a run that can be gone on with: {}",
                    run_dir.string(), error.what()));
  }
  return record;
}

std::string state_sentence(const observe::Moment& last, const std::filesystem::path& run_dir) {
  const auto state = run_state(last.status, run_dir);
  if (state == "finished" && !last.status.finished) {
    return "finished; this picture is from before, since none could be written after it";
  }
  if (state == "broken off") {
    return fmt::format("broken off: {} goes on with it",
                       command_hint("sluice resume", run_dir.string()));
  }
  const auto owner = store::RunLock::holder(run_dir);
  if (state != "running" || !owner) return state;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto age = std::chrono::duration<double>(now).count() - last.time;
  return fmt::format("running in {}; this picture is {} old", shown(*owner),
                     observe::readable_seconds(std::max(0.0, age)));
}

std::string run_state(const RunStatus& last, const std::filesystem::path& run_dir) {
  if (last.finished) return "finished";
  if (store::RunLock::holder(run_dir)) return "running";
  return has_summary(run_dir) ? "finished" : "broken off";
}

}  // namespace sluice::cli
