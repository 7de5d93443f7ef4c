#include "runtime/time_limit.hpp"

#include "base/capture.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

namespace sluice::runtime {
namespace {

constexpr std::chrono::nanoseconds usual_reserve = std::chrono::minutes(1);

std::optional<std::uint64_t> number_in(const char* variable) {
  const char* value = std::getenv(variable);
  if (value == nullptr) return std::nullopt;
  const std::string_view text(value);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), number);
  return error == std::errc() && end == text.end() ? std::optional(number) : std::nullopt;
}

}  // namespace

TimeLimit::TimeLimit(std::optional<std::chrono::nanoseconds> reserve)
    : wanted_(reserve), job_(number_in("SLURM_JOB_ID")) {
  if (wanted_ && wanted_->count() <= 0) job_.reset();
  if (!job_) return;
  if (const auto end = number_in("SLURM_JOB_END_TIME")) {
    set_end(static_cast<std::int64_t>(*end));
  } else {
    ask();
  }
}

bool TimeLimit::is_near() {
  take_answer();
  if (!end_) return false;
  if (Clock::now() < *end_ - reserve_) {
    confirmed_ = false;
    return false;
  }
  if (!confirmed_) ask();
  return confirmed_;
}

void TimeLimit::set_end(std::int64_t seconds) {
  end_ = Clock::time_point(std::chrono::seconds(seconds));
  if (reserve_.count() > 0) return;
  const auto left = std::max<std::chrono::nanoseconds>(*end_ - Clock::now(), {});
  reserve_ = wanted_.value_or(std::min(usual_reserve, left / 4));
}

void TimeLimit::ask() {
  if (answer_) return;
  answer_ = std::make_shared<Answer>(not_yet);
  try {
    std::thread(&TimeLimit::ask_squeue, answer_, *job_).detach();
  } catch (const std::system_error&) {
    *answer_ = not_known;
  }
}

// If squeue does not know, what is known counts.
void TimeLimit::take_answer() {
  if (!answer_ || *answer_ == not_yet) return;
  if (*answer_ != not_known) set_end(*answer_);
  answer_.reset();
  confirmed_ = true;
}

// The id of one task of an array may stand for the whole array: then there is a line for each task.
void TimeLimit::ask_squeue(const std::shared_ptr<Answer>& answer, std::uint64_t job) {
  std::int64_t end = not_known;
  const auto asked = capture(
      {"env", "SLURM_TIME_FORMAT=%s", "squeue", "-h", "-j", std::to_string(job), "-o", "%A %e"});
  std::istringstream lines(asked ? asked->out : "");
  for (std::string line; std::getline(lines, line);) {
    std::uint64_t id = 0;
    std::int64_t its_end = not_known;
    if (std::istringstream(line) >> id >> its_end && id == job) end = its_end;
  }
  *answer = std::max(end, not_known);
}

}  // namespace sluice::runtime
