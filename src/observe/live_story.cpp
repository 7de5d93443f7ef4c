#include "observe/live_story.hpp"

#include "observe/metrics.hpp"

#include <sluice/error.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace sluice::observe {

void LiveStory::note(const RunStatus& status) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const double time = std::chrono::duration<double>(now).count();
  auto moment = std::make_shared<const Moment>(Moment{time, time - status.seconds, status});
  const std::lock_guard lock(latest_mutex_);
  latest_.swap(moment);
}

std::shared_ptr<const Moment> LiveStory::latest() const {
  const std::lock_guard lock(latest_mutex_);
  return latest_;
}

std::string LiveStory::metrics() const {
  const auto moment = latest();
  return moment ? metrics_text(moment->status) : "";
}

std::string LiveStory::data() {
  const std::lock_guard lock(data_mutex_);
  refresh();
  return data_;
}

std::string LiveStory::page() {
  const std::lock_guard lock(data_mutex_);
  refresh();
  return page_;
}

void LiveStory::refresh() {
  const auto begin = Clock::now();
  if (begin < fresh_until_) return;
  const auto now = story();
  data_ = report_json(now).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  page_ = live_report_page(now);
  const auto end = Clock::now();
  fresh_until_ =
      end + std::max<Clock::duration>(std::chrono::milliseconds(900), 20 * (end - begin));
}

// The latest picture belongs to the attempt that wrote the last one on disk.
RunStory LiveStory::story() const {
  RunStory story;
  try {
    story = read_story(run_dir_);
  } catch (const Error&) {  // it is gone, or nothing is there yet
  }
  if (const auto moment = latest()) {
    story.moments.push_back(*moment);
    const auto count = story.moments.size();
    if (count > 1) story.moments.back().began = story.moments[count - 2].began;
  }
  if (story.moments.empty()) story.moments.emplace_back();
  story.state = story.moments.back().status.finished ? "finished" : "running";
  return story;
}

}  // namespace sluice::observe
