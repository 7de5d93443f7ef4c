#include "control/lineage.hpp"

#include <sluice/error.hpp>

#include <limits>
#include <string>

namespace sluice::control {

void Lineage::apply(const Descent& descent) {
  const auto name = "input " + std::to_string(descent.origin);
  if (descent.origin >= living_.size()) throw InvariantError(name + " does not exist");
  auto& living = living_[descent.origin];
  const auto after = static_cast<std::int64_t>(living) + descent.change;
  if (living == 0 || after < 0) throw InvariantError(name + " was counted done more than once");
  if (after > std::numeric_limits<std::uint32_t>::max()) {
    throw InvariantError(name + " has more than 4 billion descendants at once");
  }
  living = static_cast<std::uint32_t>(after);
  if (living == 0) ++done_;
}

}  // namespace sluice::control
