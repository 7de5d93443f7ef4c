#include "job/stages/service_time.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <ctime>
#include <numbers>
#include <thread>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace sluice::job {
namespace {

constexpr std::array<std::string_view, 5> kinds{"none", "fixed", "exponential", "lognormal",
                                                "bimodal"};

double share_or_throw(const Settings& settings, const char* name) {
  const double value = settings.number(name);
  if (value >= 0 && value <= 1) return value;
  throw UsageError(fmt::format("settings.{} = {} must be from 0 to 1", name, value));
}

double positive_or_throw(const Settings& settings, const char* name) {
  const double value = settings.number(name);
  if (value > 0 && std::isfinite(value)) return value;
  throw UsageError(fmt::format("settings.{} = {} must be positive", name, value));
}

std::chrono::nanoseconds cpu_time() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

Dice::Dice(std::uint64_t seed, std::string_view key, std::string_view purpose)
    : Random(XXH3_64bits_withSeed(key.data(), key.size(),
                                  XXH3_64bits_withSeed(purpose.data(), purpose.size(), seed))) {}

ServiceTime::Kind ServiceTime::parse(const std::string& text) {
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if (kinds[i] == text) return static_cast<Kind>(i);
  }
  throw UsageError(
      fmt::format("settings.service must be \"none\", \"fixed\", \"exponential\", \"lognormal\" or "
                  "\"bimodal\"; it is \"{}\"",
                  text));
}

ServiceTime::ServiceTime(const Settings& settings)
    : kind_(parse(settings.string("service"))),
      mean_(std::chrono::duration<double>(settings.duration("mean")).count()),
      sigma_(positive_or_throw(settings, "sigma")),
      slow_share_(share_or_throw(settings, "slow_share")),
      slow_factor_(positive_or_throw(settings, "slow_factor")) {}

std::chrono::nanoseconds ServiceTime::of(std::uint64_t seed, std::string_view key) const {
  if (kind_ == Kind::none) return std::chrono::nanoseconds(0);
  return std::chrono::nanoseconds(std::llround(draw(Dice(seed, key, "service")) * 1e9));
}

double ServiceTime::draw(Random random) const {
  constexpr double day = 86400;  // an unlucky draw must not overflow
  return std::min(seconds(random), day);
}

double ServiceTime::seconds(Random& random) const {
  const double u = random.uniform();
  switch (kind_) {
    case Kind::none:
      return 0;
    case Kind::fixed:
      return mean_;
    case Kind::exponential:
      return -mean_ * std::log(u);
    case Kind::lognormal: {
      const double normal =
          std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * random.uniform());
      return mean_ * std::exp(sigma_ * normal - sigma_ * sigma_ / 2);
    }
    case Kind::bimodal: {
      const double fast = mean_ / (1 - slow_share_ + slow_share_ * slow_factor_);
      return u < slow_share_ ? fast * slow_factor_ : fast;
    }
  }
  return 0;
}

void Spender::spend(std::chrono::nanoseconds time) {
  if (time.count() == 0) return;
  if (burn_) {
    const auto end = cpu_time() + time;
    while (cpu_time() < end) {
    }
    return;
  }
  const auto wanted = time - overslept_;
  const auto start = std::chrono::steady_clock::now();
  if (wanted.count() > 0) std::this_thread::sleep_for(wanted);
  // No more than this is carried over, so that a suspended process does not race afterwards.
  constexpr std::chrono::nanoseconds most = std::chrono::milliseconds(1);
  overslept_ = std::min(most, std::chrono::steady_clock::now() - start - wanted);
}

}  // namespace sluice::job
