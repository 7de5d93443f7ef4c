#include "cli/commands.hpp"
#include "cli/run_record.hpp"
#include "observe/report.hpp"
#include "observe/trace.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <fstream>

namespace sluice::cli {
namespace {

template <class Write>
int write_file(const std::filesystem::path& wanted, const std::filesystem::path& usual,
               Write write) {
  const auto path = wanted.empty() ? usual : wanted;
  auto beside = path;
  beside += ".part";
  std::ofstream file(beside, std::ios::trunc);
  std::error_code error;
  try {
    if (file) write(file);
  } catch (...) {
    std::filesystem::remove(beside, error);
    throw;
  }
  if (file.flush()) std::filesystem::rename(beside, path, error);
  if (!file || error) {
    throw IoError(fmt::format("cannot write '{}'; check the folder's permissions and free space",
                              path.string()));
  }
  fmt::print("{}\n", path.string());
  return 0;
}

}  // namespace

int write_report(const ReportArguments& arguments) {
  const std::filesystem::path run_dir = arguments.run_dir;
  if (arguments.trace) {
    load_record(run_dir);  // says if it is no run
    return write_file(arguments.out, run_dir / "trace.json",
                      [&](std::ostream& file) { observe::write_trace(run_dir, file); });
  }
  auto story = observe::read_story(run_dir);
  observe::say_left_out(story.left_out, run_dir);
  story.state = run_state(story.moments.back().status, run_dir);
  if (arguments.json) {
    const auto text =
        report_json(story).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
    if (!arguments.out.empty()) {
      return write_file(arguments.out, arguments.out, [&](std::ostream& file) { file << text; });
    }
    fmt::print("{}", text);
    return 0;
  }
  return write_file(arguments.out, run_dir / "report.html",
                    [&](std::ostream& file) { file << report_page(story); });
}

}  // namespace sluice::cli
