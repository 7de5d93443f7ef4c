#include "control/lineage.hpp"

#include <sluice/error.hpp>

#include <limits>
#include <string>

namespace sluice::control {

void Lineage::apply(const Descent& descent) {
  for (std::uint64_t i = 0; i < descent.count; ++i) change(descent.origin + i, descent.change);
}

void Lineage::skip(std::uint64_t first, std::uint64_t count) {
  for (auto input = first; input < first + count; ++input) change(input, -1);
}

void Lineage::change(std::uint64_t input, std::int64_t change) {
  const auto broken = [input](const char* how) {
    return InvariantError("input " + std::to_string(input) + how);
  };
  if (input >= living_.size()) throw broken(" does not exist");
  auto& living = living_[input];
  const auto after = static_cast<std::int64_t>(living) + change;
  if (living == 0 || after < 0) throw broken(" was counted done more than once");
  if (after > std::numeric_limits<std::uint32_t>::max()) {
    throw broken(" has more than 4 billion descendants at once");
  }
  living = static_cast<std::uint32_t>(after);
  if (living == 0) ++done_;
}

void add(Descents& descents, const Descent& next) {
  const bool goes_on = !descents.empty() && descents.back().change == next.change &&
                       descents.back().origin + descents.back().count == next.origin;
  if (goes_on) {
    descents.back().count += next.count;
  } else {
    descents.push_back(next);
  }
}

Descents one_less_of_each(const std::vector<std::uint64_t>& origins) {
  Descents descents;
  for (const auto origin : origins) add(descents, {origin, -1, 1});
  return descents;
}

}  // namespace sluice::control
