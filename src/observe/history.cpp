#include "observe/history.hpp"

#include "base/safe_text.hpp"
#include "observe/checked_json.hpp"
#include "observe/metrics.hpp"
#include "observe/status_json.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <system_error>
#include <utility>

namespace sluice::observe {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* history_name = "history.jsonl";
constexpr const char* metrics_name = "metrics.prom";

// Of a line of a run that has more stages and decisions than any; what is longer is none.
constexpr std::size_t longest_line = 4U << 20U;

std::optional<Moment> moment_of(const std::string& line) {
  if (line.size() > longest_line) return std::nullopt;
  try {
    const auto json = Json::parse(line);
    return Moment{seconds_of(json.at("time")), seconds_of(json.at("began")), status_of(json)};
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  } catch (const InputError&) {
    return std::nullopt;
  }
}

// Of a line that is too long, the beginning. True if the line has an end.
bool next_line(std::istream& file, std::string& line) {
  using Traits = std::istream::traits_type;
  line.clear();
  auto& bytes = *file.rdbuf();
  for (auto byte = bytes.sbumpc(); byte != Traits::eof(); byte = bytes.sbumpc()) {
    if (byte == '\n') return true;
    if (line.size() <= longest_line) line += Traits::to_char_type(byte);
  }
  return false;
}

bool is_before(const Moment& one, const Moment& other) {
  return one.began == other.began && one.status.seconds < other.status.seconds;
}

/// What a file's lines tell, without those that cannot be.
class Pictures {
 public:
  void take(Moment moment) {
    if (moments_.empty() || moments_.back().began != moment.began) return keep(std::move(moment));
    share(moment);
    if (!is_before(moment, moments_.back())) return keep(std::move(moment));
    // One of the two is out of order: the earlier one, unless what was before it says otherwise.
    ++left_out_;
    if (moments_.size() > 1 && is_before(moment, moments_.end()[-2])) return;
    moments_.back() = std::move(moment);
  }
  void leave_out() { ++left_out_; }

  /// All have the same stages: those that most of them have.
  std::vector<Moment> taken() && {
    std::map<std::size_t, std::size_t> counts;
    for (const auto& moment : moments_) ++counts[moment.status.stages.size()];
    const auto usual =
        std::max_element(counts.begin(), counts.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    left_out_ += std::erase_if(
        moments_, [&](const auto& moment) { return moment.status.stages.size() != usual->first; });
    return std::move(moments_);
  }
  std::size_t left_out() const { return left_out_; }

 private:
  void keep(Moment moment) { moments_.push_back(std::move(moment)); }
  // A line has the decisions since the one before it.
  void share(Moment& moment) const {
    const auto& before = moments_.back().status;
    complete(moment.status.replans, before.replans);
    complete(moment.status.lost, before.lost);
    if (moment.status.slowest.empty()) moment.status.slowest = before.slowest;  // never fewer
  }
  template <class Decision>
  static void complete(std::vector<Decision>& here, const std::vector<Decision>& before) {
    here.insert(here.begin(), before.begin(), before.end());
  }

  std::vector<Moment> moments_;
  std::size_t left_out_ = 0;
};

// What a crash or a full disk left unfinished must not swallow the line after it.
bool ends_torn(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file || file.tellg() <= 0) return false;
  file.seekg(-1, std::ios::end);
  return file.get() != '\n';
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

std::vector<Moment> read_history(const std::filesystem::path& run_dir, std::size_t* left_out) {
  Pictures pictures;
  std::ifstream file(run_dir / history_name);
  std::string line;
  for (bool whole = true; whole;) {
    whole = next_line(file, line);
    if (auto moment = moment_of(line)) {
      pictures.take(*std::move(moment));
    } else if (whole) {  // else it may be about to be written
      pictures.leave_out();
    }
  }
  auto moments = std::move(pictures).taken();
  if (left_out != nullptr) *left_out = pictures.left_out();
  if (!moments.empty()) return moments;
  if (pictures.left_out() > 0) {
    throw InputError(
        fmt::format("no line of '{}' can be read: another version of sluice wrote it, or it is "
                    "damaged",
                    (run_dir / history_name).string()));
  }
  throw InputError(fmt::format(
      "'{}' has no {} with pictures of a run: it is not a run directory, or nothing was run there",
      run_dir.string(), history_name));
}

void say_left_out(std::size_t lines, const std::filesystem::path& run_dir) {
  if (lines == 0) return;
  fmt::print(stderr, "sluice: {} of '{}' cannot be right and {} left out\n",
             lines == 1 ? "a line" : fmt::format("{} lines", lines),
             one_line((run_dir / history_name).string()), lines == 1 ? "is" : "are");
}

}  // namespace sluice::observe
