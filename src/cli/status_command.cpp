#include "cli/commands.hpp"
#include "cli/run_record.hpp"
#include "observe/history.hpp"
#include "observe/progress.hpp"
#include "observe/status_json.hpp"
#include "store/run_lock.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>

namespace sluice::cli {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// Lately, as the picture on a terminal says it.
double rate_of(const std::vector<observe::Moment>& moments) {
  observe::RecentRate rate;
  const auto& last = moments.back();
  double latest = 0;
  for (const auto& moment : moments) {
    if (moment.began != last.began) continue;
    latest = rate.note(moment.status.seconds, moment.status.done - moment.status.done_before);
  }
  return latest;
}

std::string sentence(const std::string& state, double time, const std::filesystem::path& run_dir) {
  if (state == "broken off") {
    return fmt::format("broken off: 'sluice resume {}' goes on with it", run_dir.string());
  }
  const auto owner = store::RunLock::holder(run_dir);
  if (state != "running" || !owner) return state;
  return fmt::format("running in {}; this picture is {} old", shown(*owner),
                     observe::readable_seconds(std::max(0.0, now() - time)));
}

}  // namespace

int show_status(const StatusArguments& arguments) {
  const std::filesystem::path run_dir = arguments.run_dir;
  const auto moments = observe::read_history(run_dir);
  const auto& last = moments.back();
  const auto state = run_state(last.status, run_dir);
  if (arguments.json) {
    nlohmann::ordered_json json{{"state", state}, {"time", last.time}};
    json.update(observe::to_json(last.status));
    fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    return 0;
  }
  fmt::print("{}: {}\n{}\n{}", last.status.pipeline,
             observe::summary_line(last.status, rate_of(moments)),
             sentence(state, last.time, run_dir) + ".", observe::stage_table(last.status));
  return 0;
}

}  // namespace sluice::cli
