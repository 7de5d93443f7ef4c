#include "runtime/coordinator_base.hpp"

#include "runtime/spec.hpp"

#include <sluice/error.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace sluice::runtime {

using control::Rank;

namespace {

// Nothing depends on waking up in between; it keeps sums of times small.
constexpr control::Time longest_wait = std::chrono::seconds(1);

}  // namespace

RunStatus CoordinatorBase::run(const std::function<ErasedSpec()>& build) {
  try {
    spec_ = build();
    greet();
    run_stages();
  } catch (...) {
    const auto failure = to_failure(std::current_exception(), "", {});
    end_run({failure.code, failure.message});
    throw Error(failure.code, failure.message);
  }
  end_run({});
  return current_status(true);
}

bool CoordinatorBase::all_stopped_within(std::chrono::nanoseconds longest) {
  const auto until = std::chrono::steady_clock::now() + longest;
  while (stopped_ < transport_.size() - 1) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds::zero()) return false;
    while (auto message = transport_.receive()) {
      if (std::holds_alternative<Bye>(unpack(std::move(*message)))) ++stopped_;
    }
    if (stopped_ < transport_.size() - 1) transport_.wait(left);
  }
  return true;
}

void CoordinatorBase::greet() {
  text_ = canonical_text(spec_);
  while (greeted_ < transport_.size() - 1) {
    if (!receive_all()) transport_.wait(std::chrono::seconds(1));
  }
}

bool CoordinatorBase::receive_all() {
  bool any = false;
  while (auto message = transport_.receive()) {
    any = true;
    const Rank from = message->peer;
    on(unpack(std::move(*message)), from);
  }
  return any;
}

void CoordinatorBase::on(Packet packet, Rank from) {
  if (const auto* hello = std::get_if<Hello>(&packet)) {
    require_same(text_, hello->spec, from, hello->host);
    topology_.add(transport_.node_of(from), hello->host, hello->machine);
    seats_.add(from, transport_.node_of(from), hello->machine);
    ++greeted_;
  } else if (const auto* failure = std::get_if<Failure>(&packet)) {
    throw_failure(*failure, [this](std::size_t input) { return input_name(spec_, input); });
  } else {
    handle(std::move(packet), from);
  }
}

void CoordinatorBase::end_run(const End& end) {
  for (Rank rank = 1; rank < transport_.size(); ++rank) send(rank, end);
}

void CoordinatorBase::send(Rank to, Packet packet) { transport_.send(pack(to, std::move(packet))); }

void CoordinatorBase::seat(const control::Assign& order) {
  const auto cores = seats_.take(order.rank, spec_.stages.at(order.stage).spec.cpus);
  if (cores) send(order.rank, Bind{*cores});
}

RunStatus CoordinatorBase::current_status(bool finished) const {
  auto picture = status();
  picture.finished = finished;
  picture.control_messages = control_messages_;
  if (dead_letters_) picture.dead_letters = dead_letters_->letters().size();
  return picture;
}

void CoordinatorBase::show_status(bool finished) {
  const auto at = now();
  next_status_ =
      at + std::min<control::Time>(spec_.options.status_interval, control::Time::max() - at);
  if (spec_.options.on_status) spec_.options.on_status(current_status(finished));
}

void CoordinatorBase::show_status_if_due() {
  if (now() >= next_status_) show_status(false);
}

void CoordinatorBase::wait_until(control::Time until) {
  const auto longest = std::min(until, next_status_) - now();
  transport_.wait(std::clamp<control::Time>(longest, control::Time{0}, longest_wait));
}

control::Time CoordinatorBase::now() const { return std::chrono::steady_clock::now() - started_; }

std::vector<int> CoordinatorBase::node_of_rank() const {
  std::vector<int> nodes;
  for (Rank rank = 0; rank < transport_.size(); ++rank) nodes.push_back(transport_.node_of(rank));
  return nodes;
}

}  // namespace sluice::runtime
