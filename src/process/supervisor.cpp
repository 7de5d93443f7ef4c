#include "process/supervisor.hpp"

#include "base/log.hpp"

#include <fmt/format.h>

#include <thread>
#include <utility>

namespace sluice::process {
namespace {

// Deaths in a row for which a batch, or a setup, is not to blame.
constexpr int most_kills = 20;
constexpr int most_restarts = 3;
// How long a process that has no batch may keep the room that the next one needs.
constexpr std::chrono::seconds time_to_let_go{10};

}  // namespace

void Supervisor::start(SetupKind kind) {
  for (int kills = 1;; ++kills) {
    try {
      session_.emplace(options_, context_, kind);
      return;
    } catch (const ProcessDied& death) {
      if (!death.killed || kills == most_kills) throw;
      tell(death);
    }
  }
}

Results Supervisor::process(const Batch<Record>& batch) {
  int kills = 0;
  while (true) {
    try {
      if (!session_) restart();
      auto results = session_->process(batch);
      trusted_ = true;
      return results;
    } catch (const ProcessDied& death) {
      session_.reset();
      const bool again = death.killed ? ++kills < most_kills : std::exchange(trusted_, false);
      if (!again) throw;
      tell(death);
    }
  }
}

void Supervisor::give_up(const std::string& why) {
  watch_.reset();
  if (session_) session_->note(why);
  session_.reset();
  inside_.clear();
  waiting_.clear();
  answers_.clear();
}

void Supervisor::submit(std::uint64_t ticket, Batch<Record> batch) {
  if (!session_) restart();
  if (waiting_.empty()) waiting_since_ = std::chrono::steady_clock::now();
  waiting_.push_back({ticket, std::move(batch)});
  send_waiting();
}

void Supervisor::send_waiting() {
  while (!waiting_.empty()) {
    const auto& next = waiting_.front();
    try {
      const auto number = session_->send(next.batch);
      if (!number) return give_up_waiting();
      inside_[*number] = {next.ticket, next.batch.size()};
    } catch (const StageError&) {
      answers_.push_back({next.ticket, Outcome::failed, {}, std::current_exception()});
    }
    waiting_.pop_front();
    waiting_since_ = std::chrono::steady_clock::now();
  }
}

// If nothing that is still to be answered can make room.
void Supervisor::give_up_waiting() {
  const auto waited = std::chrono::steady_clock::now() - waiting_since_;
  if (!inside_.empty() || waited < time_to_let_go) return;
  const auto error = std::make_exception_ptr(StageError(
      "there is no room for a batch: the process has not let go of earlier ones, and all of them "
      "take more than shared_memory"));
  answers_.push_back({waiting_.front().ticket, Outcome::failed, {}, error});
  waiting_.pop_front();
}

std::optional<Answer<Record>> Supervisor::poll() {
  try {
    if (session_) send_waiting();
    if (auto reply = session_ && answers_.empty() ? session_->poll() : std::nullopt) {
      answer(*reply);
    }
  } catch (const ProcessDied& death) {
    tell(death);
    lose_all(death);
  }
  if (answers_.empty()) {
    arm();
    return std::nullopt;
  }
  auto answer = std::move(answers_.front());
  answers_.pop_front();
  return answer;
}

void Supervisor::answer(const Reply& reply) {
  const auto given = inside_.extract(reply.batch).mapped();
  Answer<Record> answer{given.ticket, Outcome::done, {}, {}};
  if (reply.error) {
    answer.outcome = Outcome::failed;
    answer.error = reply.error;
  } else {
    auto& out = answer.outputs.emplace(given.records);
    for (std::size_t i = 0; i < reply.results->records.size(); ++i) {
      out.emit(reply.results->sources[i], reply.results->records[i]);
    }
  }
  answers_.push_back(std::move(answer));
}

// What was not sent is no cause of a death.
void Supervisor::lose_all(const ProcessDied& death) {
  const auto error = std::make_exception_ptr(death);
  const auto outcome = death.killed ? Outcome::killed : Outcome::lost;
  for (const auto& [number, given] : std::exchange(inside_, {})) {
    answers_.push_back({given.ticket, outcome, {}, error});
  }
  for (const auto& given : std::exchange(waiting_, {})) {
    answers_.push_back({given.ticket, Outcome::killed, {}, error});
  }
  drop_session();
}

void Supervisor::arm() {
  if (!session_ || !wake_) return;
  if (!watch_) watch_.emplace(session_->bells(), wake_);
  watch_->arm(session_->is_stuck());
}

void Supervisor::drop_session() {
  watch_.reset();
  session_.reset();
}

// A process that someone kills here has done all that it was given.
void Supervisor::tear_down() {
  if (!session_) return;
  watch_.reset();
  try {
    session_->tear_down();
  } catch (const ProcessDied& death) {
    if (!death.killed) throw;
    tell(death);
  }
  session_.reset();
}

void Supervisor::restart() {
  for (int tries = 1;; ++tries) {
    try {
      return start(SetupKind::worker);
    } catch (const StageError& error) {
      if (tries == most_restarts) {
        throw StageError(
            fmt::format("the process died and cannot be started again: {}", error.what()));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(100) * tries);
    }
  }
}

void Supervisor::tell(const ProcessDied& death) const {
  run_log().warn("stage '{}', worker {}: its process is started again: {}", context_.stage,
                 context_.worker, death.what());
}

}  // namespace sluice::process
