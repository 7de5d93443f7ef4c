#include "control/coordinator_watch.hpp"

#include "control/watchdog.hpp"

#include <algorithm>

namespace sluice::control {
namespace {

// More than these take turns would only make the last ones late.
constexpr Rank most_turns = 4;

}  // namespace

Time sign_beat(Time silence) { return beat_of({.stall_after = {}, .silence = silence}); }

CoordinatorWatch::CoordinatorWatch(Time silence, Rank self)
    : silence_(silence),
      beat_(sign_beat(silence)),
      allowed_(silence + beat_ * std::clamp<Rank>(self - 1, 0, most_turns)) {}

void CoordinatorWatch::look(Time now, std::uint64_t messages) {
  at_ += std::min(now - now_, 2 * beat_);
  now_ = now;
  if (messages == messages_) return;
  messages_ = messages;
  heard_ = at_;
}

std::optional<Time> CoordinatorWatch::silent() const {
  if (silence_ == Time{0}) return std::nullopt;
  const Time lasted = at_ - heard_;
  if (lasted <= (joined() ? allowed_ : std::max(allowed_, slow_to_join))) return std::nullopt;
  return lasted;
}

}  // namespace sluice::control
