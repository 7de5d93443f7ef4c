#include "runtime/continuous_runner.hpp"

#include "base/clock.hpp"

namespace sluice::runtime {

void ContinuousRunner::take(control::BatchId batch, EncodedBatch records) {
  const auto ticket = ++last_ticket_;
  auto& trial =
      trials_.emplace(ticket, Trial{batch, Retries(stage_, std::move(records))}).first->second;
  trial.processed.event.batch = batch;
  trial.processed.event.delivered = place_.deliver;
  intake_.add(ticket);
}

void ContinuousRunner::submit() {
  for (Ticket ticket = 0; intake_.next(ticket);) submit(ticket, trials_.at(ticket));
  for (const auto ticket : intake_.waiting()) trials_.at(ticket).is_late = true;
}

void ContinuousRunner::submit(Ticket ticket, Trial& trial) {
  if (trial.is_late) events_.emplace_back(control::Begun{0, trial.batch});
  trial.is_late = true;  // should it be tried again
  begin(trial);
  try {
    auto records = trial.retries.decode(trial.retries.next().value());
    if (hooks_.given) hooks_.given(trial.batch, records);
    user_->submit(ticket, std::move(records));
  } catch (...) {
    intake_.answered(ticket);
    failed(ticket, trial, std::current_exception());
  }
}

void ContinuousRunner::begin(Trial& trial) {
  if (trial.began != 0) return;
  trial.began = seconds_now();
  if (hooks_.begins) hooks_.begins(trial.batch, trial.retries.origins());
}

std::optional<Processed> ContinuousRunner::poll() {
  while (finished_.empty()) {
    auto answer = poll_user();
    if (!answer) return std::nullopt;
    on(*std::move(answer));
  }
  auto processed = std::move(finished_.front());
  finished_.pop_front();
  return processed;
}

std::optional<AnyAnswer> ContinuousRunner::poll_user() {
  try {
    return user_->poll();
  } catch (...) {
    throw StageFailed{to_failure(std::current_exception(), where_stage(stage_.spec), {})};
  }
}

void ContinuousRunner::on(AnyAnswer answer) {
  if (!intake_.answered(answer.ticket)) return;
  auto& trial = trials_.at(answer.ticket);
  const bool killed = answer.outcome == Outcome::killed;
  const bool lost = killed || answer.outcome == Outcome::lost;
  if (lost && intake_.lost(answer.ticket, killed)) return;
  if (answer.outcome != Outcome::done) return failed(answer.ticket, trial, answer.error);
  try {
    add(stage_, std::move(answer.result), trial.processed);
  } catch (...) {
    return failed(answer.ticket, trial, std::current_exception());
  }
  trial.retries.succeeded();
  go_on(answer.ticket, trial);
}

void ContinuousRunner::failed(Ticket ticket, Trial& trial, const std::exception_ptr& error) {
  trial.retries.failed(error);
  go_on(ticket, trial);
}

void ContinuousRunner::go_on(Ticket ticket, Trial& trial) {
  if (trial.retries.next()) {
    intake_.again(ticket);
  } else {
    intake_.finished(ticket);
    finish(trial);
    trials_.erase(ticket);
  }
  defer_waiting();
}

void ContinuousRunner::finish(Trial& trial) {
  auto& processed = trial.processed;
  processed.dead = trial.retries.take_dead();
  for (auto& letter : processed.dead) {
    letter.rank = place_.rank;
    letter.node = place_.node;
  }
  const auto origins = trial.retries.origins();
  conclude(origins, processed);
  processed.spent = {seconds_now() - trial.began, 0, origins.front(), origins.size()};
  finished_.push_back(std::move(processed));
}

// Batches wait behind those that go in alone; that is no fault of theirs.
void ContinuousRunner::defer_waiting() {
  for (const auto ticket : intake_.waiting()) {
    events_.emplace_back(control::Begun{0, trials_.at(ticket).batch});
  }
}

void ContinuousRunner::abandon() {
  intake_.abandon();
  trials_.clear();
  finished_.clear();
  events_.clear();
}

}  // namespace sluice::runtime
