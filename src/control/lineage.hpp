#pragma once

#include "control/types.hpp"

#include <cstdint>
#include <vector>

namespace sluice::control {

/// Counts each input record's living descendants. An input is done when none is left: every one was
/// acknowledged by the last stage or dropped on purpose. Pure. Four bytes an input.
class Lineage {
 public:
  explicit Lineage(std::uint64_t inputs) : living_(inputs, 1) {}

  /// They were done before the run.
  void skip(std::uint64_t first, std::uint64_t count);
  bool is_done(std::uint64_t input) const { return living_.at(input) == 0; }

  /// Throws InvariantError if an input is unknown or was done already.
  void apply(const Descent& descent);

  std::uint64_t inputs() const { return living_.size(); }
  std::uint64_t done() const { return done_; }

 private:
  void change(std::uint64_t input, std::int64_t change);

  std::vector<std::uint32_t> living_;
  std::uint64_t done_ = 0;
};

/// Appends a descent; one that continues the last is added to it.
void add(Descents& descents, const Descent& next);

/// One living descendant less for each of the inputs named, which may be named more than once.
Descents one_less_of_each(const std::vector<std::uint64_t>& origins);

}  // namespace sluice::control
