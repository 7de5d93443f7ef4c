#pragma once

#include "control/types.hpp"

#include <cstdint>
#include <optional>

namespace sluice::control {

/// How often whoever may be silent for so long gives a sign of life.
Time sign_beat(Time silence);

/// Decides for a worker whether the coordinator gives no sign of life (DESIGN I10). Pure.
///
/// Time in which the worker itself was stopped does not count: looks that are further apart than
/// two beats count as two. All workers see the same silence: the first of them is to speak, and the
/// others follow a little later, if it could not.
class CoordinatorWatch {
 public:
  /// `silence`: how long it may last; 0: as long as it likes.
  CoordinatorWatch(Time silence, Rank self);

  /// To be called once a beat at least: so many messages have come from the coordinator by now.
  void look(Time now, std::uint64_t messages);

  /// How long the silence has lasted, once that is too long.
  std::optional<Time> silent() const;

  bool joined() const { return messages_ > 0; }

 private:
  Time silence_;
  Time beat_;
  Time allowed_;
  Time now_{0};
  Time at_{0};  ///< the watch's own time
  Time heard_{0};
  std::uint64_t messages_ = 0;
};

}  // namespace sluice::control
