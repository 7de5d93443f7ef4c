#include "observe/recent.hpp"

#include <algorithm>

namespace sluice::observe {
namespace {

// Of another attempt, or none.
const StageStatus& stage_of(const RunStatus& status, std::size_t k) {
  static const StageStatus none;
  return k < status.stages.size() ? status.stages[k] : none;
}

// What is lost with a rank may be taken back.
std::uint64_t more(std::uint64_t now, std::uint64_t then) { return now - std::min(now, then); }

}  // namespace

RunStatus difference(const RunStatus& now, const RunStatus& then) {
  auto found = now;
  found.seconds -= then.seconds;
  found.done = more(now.done, then.done);
  found.done_before = 0;
  for (std::size_t k = 0; k < found.stages.size(); ++k) {
    auto& stage = found.stages[k];
    const auto& before = stage_of(then, k);
    stage.batches = more(stage.batches, before.batches);
    stage.records_in = more(stage.records_in, before.records_in);
    stage.records_out = more(stage.records_out, before.records_out);
    stage.running -= before.running;
    stage.starved -= before.starved;
    stage.blocked -= before.blocked;
    stage.setup -= before.setup;
  }
  return found;
}

RunStatus Recent::note(const RunStatus& status) {
  if (pictures_.empty()) {
    auto& start = pictures_.emplace_back();
    start.done = status.done_before;
  }
  const auto oldest = status.seconds - window_;
  while (pictures_.size() > 1 && pictures_[1].seconds <= oldest) pictures_.pop_front();
  auto found = difference(status, pictures_.front());
  pictures_.push_back(status);
  return found;
}

RunStatus in_all(const RunStatus& status) {
  RunStatus start;
  start.done = status.done_before;
  return difference(status, start);
}

RunStatus lately(const std::vector<Moment>& moments) {
  const auto& last = moments.back();
  if (last.status.finished) return in_all(last.status);
  Recent recent;
  RunStatus found;
  for (const auto& moment : moments) {
    if (moment.began == last.began) found = recent.note(moment.status);
  }
  return found;
}

double rate_of(const RunStatus& lately) {
  return lately.seconds > 0 ? static_cast<double>(lately.done) / lately.seconds : 0;
}

}  // namespace sluice::observe
