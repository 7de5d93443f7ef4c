#include "control/amounts.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::control {
namespace {

Amounts amounts_of(const Room& room) {
  return {static_cast<double>(room.cpus()), static_cast<double>(room.gpus()),
          static_cast<double>(room.memory()), static_cast<double>(room.ranks())};
}

void add(Amounts& sum, const Amounts& each, std::size_t nodes) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += static_cast<double>(nodes) * each[i];
}

/// The most of one resource that a unit takes for each of another; infinite if it needs none of
/// that.
using Ratios = std::array<Amounts, std::tuple_size_v<Amounts>>;

Ratios ratios_of(const std::vector<Unit>& units) {
  Ratios most{};
  for (const auto& unit : units) {
    const auto part = amounts_of(unit);
    for (std::size_t i = 0; i < part.size(); ++i) {
      for (std::size_t j = 0; j < part.size(); ++j) {
        if (part[i] > 0) most[i][j] = std::max(most[i][j], part[i] / part[j]);
      }
    }
  }
  return most;
}

Amounts usable_on(const Room& room, const Ratios& ratios) {
  const auto all = amounts_of(room);
  auto usable = all;
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = 0; j < all.size(); ++j) {
      if (std::isfinite(ratios[i][j])) usable[i] = std::min(usable[i], ratios[i][j] * all[j]);
    }
  }
  return usable;
}

}  // namespace

Amounts amounts_of(const Unit& unit) {
  return {static_cast<double>(unit.cpus), static_cast<double>(unit.gpu_count() * unit.gpu_size()),
          static_cast<double>(unit.memory), static_cast<double>(unit.ranks)};
}

Amounts amounts_in(const Packing& packing) {
  Amounts sum{};
  for (const auto& alike : packing) add(sum, amounts_of(alike.room), alike.nodes.size());
  return sum;
}

Amounts usable_in(const Packing& packing, const std::vector<Unit>& units) {
  const auto ratios = ratios_of(units);
  Amounts sum{};
  for (const auto& alike : packing) add(sum, usable_on(alike.room, ratios), alike.nodes.size());
  return sum;
}

double dominant(const Unit& unit, const Amounts& all) {
  const auto part = amounts_of(unit);
  double most = 0;
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (all[i] > 0) most = std::max(most, part[i] / all[i]);
  }
  return most;
}

}  // namespace sluice::control
