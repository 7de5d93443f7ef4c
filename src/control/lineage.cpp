#include "control/lineage.hpp"

#include <sluice/error.hpp>

#include <limits>
#include <string>

namespace sluice::control {

void Lineage::apply(const Descent& descent) {
  const auto broken = [&](const char* how) {
    return InvariantError("input " + std::to_string(descent.origin) + how);
  };
  if (descent.origin >= living_.size()) throw broken(" does not exist");
  auto& living = living_[descent.origin];
  const auto after = static_cast<std::int64_t>(living) + descent.change;
  if (living == 0 || after < 0) throw broken(" was counted done more than once");
  if (after > std::numeric_limits<std::uint32_t>::max()) {
    throw broken(" has more than 4 billion descendants at once");
  }
  living = static_cast<std::uint32_t>(after);
  if (living == 0) ++done_;
}

}  // namespace sluice::control
