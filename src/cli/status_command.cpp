#include "base/safe_text.hpp"
#include "cli/commands.hpp"
#include "cli/run_record.hpp"
#include "observe/history.hpp"
#include "observe/recent.hpp"
#include "observe/screen.hpp"
#include "observe/status_json.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace sluice::cli {
int show_status(const StatusArguments& arguments) {
  const std::filesystem::path run_dir = arguments.run_dir;
  std::size_t left_out = 0;
  const auto moments = observe::read_history(run_dir, &left_out);
  observe::say_left_out(left_out, run_dir);
  const auto& last = moments.back();
  const auto state = run_state(last.status, run_dir);
  if (arguments.json) {
    nlohmann::ordered_json json{{"state", state}, {"time", last.time}};
    json.update(observe::to_json(last.status));
    fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    return 0;
  }
  const auto lately = observe::lately(moments);
  const auto title = fmt::format("{}: {}", last.status.pipeline,
                                 observe::summary_line(last.status, observe::rate_of(lately)));
  fmt::print("{}\n{}.\n{}", one_line(title), state_sentence(last, run_dir),
             observe::stage_table(last.status, lately));
  return 0;
}

}  // namespace sluice::cli
