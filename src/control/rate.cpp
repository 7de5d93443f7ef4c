#include "control/rate.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::control {
namespace {

constexpr double imagined_batches = 2;
/// Relative error of a speed when every worker has finished one batch, however many workers.
constexpr double beginning_error = 0.25;

// A change of speed must be larger than this, and than so many standard errors, to be one.
constexpr double least_change = 1.3;
constexpr double least_deviations = 5;
constexpr double least_samples = 8;

}  // namespace

void RateEstimate::forget(Time now) {
  const double elapsed = std::chrono::duration<double>(now - last_).count();
  last_ = now;
  const double keep = std::exp2(-std::min(elapsed / half_life_, 1 / half_count_));
  weight_ *= keep;
  records_ *= keep;
  seconds_ *= keep;
  beginning_ *= keep;
  weight_2_ *= keep * keep;
  seconds_seconds_ *= keep * keep;
  seconds_records_ *= keep * keep;
  records_records_ *= keep * keep;
}

void RateEstimate::add(Time now, std::uint64_t batches, std::uint64_t records, double seconds) {
  forget(now);
  const auto count = static_cast<double>(records);
  weight_ += static_cast<double>(batches);
  weight_2_ += static_cast<double>(batches);
  records_ += count;
  seconds_ += seconds;
  seconds_seconds_ += seconds * seconds;
  seconds_records_ += seconds * count;
  records_records_ += count * count;
}

// Σ (squared weight) × (seconds that a batch took beyond what its records should take)².
double RateEstimate::residuals() const {
  const double each = seconds_ / records_;
  return std::max(0.0,
                  seconds_seconds_ - 2 * each * seconds_records_ + each * each * records_records_);
}

double RateEstimate::error() const {
  if (!measured()) return 1;
  const double n = samples();
  const double measured = residuals() / (seconds_ * seconds_);
  const double imagined = imagined_batches / n;
  return std::sqrt((measured * n + imagined) / (n + imagined_batches));
}

// In time T a worker finishes T/mean + (cv² - 1)/2 batches on average (Cox, "Renewal Theory", 1962,
// ch. 4): the first to end are the short ones, and all begin together. Until the beginning is
// forgotten this makes up for it.
double RateEstimate::rate_with(double unfinished, double seconds) const {
  if (!measured()) return 0;
  const double mean = seconds_per_batch();
  const double cv_2 = std::min(3.0, residuals() / weight_2_ / (mean * mean));
  const double batches = weight_ + beginning_ * unfinished * (1 - cv_2) / 2;
  const double per_batch = records_ / weight_;
  return std::max(batches, weight_ / 2) * per_batch / (seconds_ + beginning_ * seconds);
}

void SpeedMeter::add(Time now, std::uint64_t batches, std::uint64_t records, double seconds) {
  long_.add(now, batches, records, seconds);
  short_.add(now, batches, records, seconds);
  if (!has_changed()) return;
  long_ = RateEstimate(60, 30);
  short_ = RateEstimate(2, 6);
}

void SpeedMeter::began(Time at) {
  ++running_;
  began_ += std::chrono::duration<double>(at).count();
}

void SpeedMeter::ended(Time began_at) {
  --running_;
  began_ -= std::chrono::duration<double>(began_at).count();
}

double SpeedMeter::speed(Time now) const {
  const auto running = static_cast<double>(running_);
  const double seconds = running * std::chrono::duration<double>(now).count() - began_;
  return long_.rate_with(running, std::max(0.0, seconds) / depth_);
}

double SpeedMeter::error() const {
  if (!long_.measured()) return 1;
  const double rounds = long_.samples() / std::max(1.0, static_cast<double>(running_));
  return std::hypot(long_.error(), beginning_error * long_.beginning() / rounds);
}

bool SpeedMeter::has_changed() const {
  if (!short_.measured() || !long_.measured() || short_.samples() < least_samples) return false;
  const double difference = std::abs(std::log(short_.rate() / long_.rate()));
  const double error = std::hypot(short_.error(), long_.error());
  return difference > std::max(std::log(least_change), least_deviations * error);
}

}  // namespace sluice::control
