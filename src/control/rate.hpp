#pragma once

#include "control/types.hpp"

#include <cstdint>

namespace sluice::control {

/// Records per second of running time, and how sure that is. Samples count half after `half_life`
/// and after `half_count` newer ones, whichever is later, so that rare ones are not forgotten.
///
/// The ratio Σ records / Σ seconds with its standard error from the residuals (Cochran, "Sampling
/// Techniques", 3rd ed., ch. 6); two imagined batches of spread 1 keep few alike from looking sure.
class RateEstimate {
 public:
  RateEstimate(double half_life, double half_count)
      : half_life_(half_life), half_count_(half_count) {}

  /// `batches` of together so many records took so many seconds.
  void add(Time now, std::uint64_t batches, std::uint64_t records, double seconds);

  bool measured() const { return seconds_ > 0 && records_ > 0; }
  /// Records/s; 0 if not measured.
  double rate() const { return measured() ? records_ / seconds_ : 0; }
  /// The same, knowing that `unfinished` batches have taken `seconds` so far.
  double rate_with(double unfinished, double seconds) const;
  /// Relative standard error of the rate.
  double error() const;
  double seconds_per_batch() const { return weight_ > 0 ? seconds_ / weight_ : 0; }
  /// How many batches, each of full weight, would be as telling.
  double samples() const { return weight_2_ > 0 ? weight_ * weight_ / weight_2_ : 0; }
  /// The weight of what happened when measuring began.
  double beginning() const { return beginning_; }

 private:
  void forget(Time now);
  double residuals() const;

  double half_life_;
  double half_count_;
  Time last_{0};
  double weight_ = 0;  ///< Σ of the batches' weights
  double records_ = 0;
  double seconds_ = 0;
  double beginning_ = 1;
  // Sums of products, with squared weights.
  double weight_2_ = 0;
  double seconds_seconds_ = 0;
  double seconds_records_ = 0;
  double records_records_ = 0;
};

/// A stage's speed: measured over a long window, so that noise evens out, until a short one shows
/// that it has changed; then it is measured afresh.
class SpeedMeter {
 public:
  /// Of workers that have so many batches in process at once: each batch then takes up only a
  /// part of its worker's time.
  explicit SpeedMeter(std::uint64_t depth = 1) : depth_(static_cast<double>(depth)) {}

  void add(Time now, std::uint64_t batches, std::uint64_t records, double seconds);

  /// A batch was taken, or it is finished, in which case `add` has its seconds.
  void began(Time at);
  void ended(Time began_at);

  /// Records/s; 0 if not measured.
  double speed(Time now) const;
  /// Relative standard error of the speed.
  double error() const;
  double seconds_per_batch() const { return long_.seconds_per_batch(); }

 private:
  bool has_changed() const;

  double depth_;
  RateEstimate long_{60, 30};
  RateEstimate short_{2, 6};
  std::uint64_t running_ = 0;  ///< batches in process
  double began_ = 0;           ///< Σ of the moments at which they were taken, in seconds
};

}  // namespace sluice::control
