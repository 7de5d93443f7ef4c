#include "observe/history.hpp"

#include "observe/metrics.hpp"
#include "observe/status_json.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

namespace sluice::observe {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* history_name = "history.jsonl";
constexpr const char* metrics_name = "metrics.prom";

std::optional<Moment> moment_of(const std::string& line) {
  try {
    const auto json = Json::parse(line);
    return Moment{json.at("time"), json.at("began"), status_of(json)};
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

// What a crash or a full disk left unfinished must not swallow the line after it.
bool ends_torn(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file || file.tellg() <= 0) return false;
  file.seekg(-1, std::ios::end);
  return file.get() != '\n';
}

// A line has the decisions since the one before it.
template <class Decision>
void complete(std::vector<Decision>& here, const std::vector<Decision>& before) {
  here.insert(here.begin(), before.begin(), before.end());
}

}  // namespace

History::History(std::filesystem::path run_dir, std::size_t most)
    : run_dir_(std::move(run_dir)), most_(most) {}

void History::begin() {
  std::error_code ignored;
  std::filesystem::remove(run_dir_ / history_name, ignored);
}

void History::note(const RunStatus& status, std::chrono::system_clock::time_point now) {
  write_metrics(status);
  if (++skipped_ < step_ && !status.finished) return;
  skipped_ = 0;
  auto fresh = status;
  fresh.replans.erase(fresh.replans.begin(),
                      fresh.replans.begin() + static_cast<std::ptrdiff_t>(replans_));
  fresh.lost.erase(fresh.lost.begin(), fresh.lost.begin() + static_cast<std::ptrdiff_t>(lost_));
  if (fresh.slowest == slowest_) fresh.slowest.clear();
  const auto time = std::chrono::duration<double>(now.time_since_epoch()).count();
  if (!began_) began_ = time - status.seconds;
  Json json{{"time", time}, {"began", *began_}};
  json.update(to_json(fresh));
  const auto* separator = ends_torn(run_dir_ / history_name) ? "\n" : "";
  std::ofstream file(run_dir_ / history_name, std::ios::app);
  file << separator << json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n'
       << std::flush;
  if (!file) return;
  replans_ = status.replans.size();
  lost_ = status.lost.size();
  slowest_ = status.slowest;
  if (++kept_ < most_) return;
  kept_ = most_ / 2;
  step_ *= 2;
}

// Whole or not at all for who reads it now; a crash may cost it.
void History::write_metrics(const RunStatus& status) {
  const auto partial = run_dir_ / fmt::format("{}.partial", metrics_name);
  std::ofstream file(partial, std::ios::trunc);
  file << metrics_text(status) << std::flush;
  std::error_code ignored;
  if (file) std::filesystem::rename(partial, run_dir_ / metrics_name, ignored);
}

std::filesystem::path history_path(const std::filesystem::path& run_dir) {
  return run_dir / history_name;
}

std::vector<Moment> read_history(const std::filesystem::path& run_dir) {
  std::vector<Moment> moments;
  std::ifstream file(run_dir / history_name);
  bool unreadable = false;
  for (std::string line; std::getline(file, line);) {
    auto moment = moment_of(line);
    if (!moment) unreadable = true;
    if (!moment) continue;
    if (!moments.empty() && moments.back().began == moment->began) {
      complete(moment->status.replans, moments.back().status.replans);
      complete(moment->status.lost, moments.back().status.lost);
      auto& slowest = moment->status.slowest;  // there never are fewer
      if (slowest.empty()) slowest = moments.back().status.slowest;
    }
    moments.push_back(*std::move(moment));
  }
  if (!moments.empty()) return moments;
  if (unreadable) {
    throw InputError(
        fmt::format("no line of '{}' can be read: another version of sluice wrote it, or it is "
                    "damaged",
                    (run_dir / history_name).string()));
  }
  throw InputError(fmt::format(
      "'{}' has no {} with pictures of a run: it is not a run directory, or nothing was run there",
      run_dir.string(), history_name));
}

}  // namespace sluice::observe
