// What units can use of nodes at most.
#include "control/amounts.hpp"

#include "control/random.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace sluice::control {
namespace {

constexpr std::uint64_t GiB = 1U << 30U;

std::vector<Unit> random_units(world::Random& random) {
  std::vector<Unit> units;
  for (auto i = random.between(1, 6); i > 0; --i) {
    StageDemand stage;
    stage.cpus = random.pick({0.0, 0.05, 0.3, 1.0, 7.0});
    stage.gpus = random.pick({0.0, 0.0, 0.3, 0.5, 1.0, 2.0});
    stage.memory = random.between(0, 8) * GiB / 3;
    units.push_back(unit_of(stage, random.between(1, 2)));
  }
  return units;
}

Topology random_topology(world::Random& random) {
  Topology topology;
  for (auto i = random.between(1, 6); i > 0; --i) {
    Node node{"n", random.pick({3.7, 8.0, 64.0}), random.between(0, 4), 0, {}};
    if (random.chance(0.5)) node.memory = random.between(8, 64) * GiB;
    if (random.chance(0.6)) node.workers = random.between(1, 40);
    topology.nodes.push_back(node);
  }
  return topology;
}

// Nodes are filled by chance until nothing fits: no more than that can be used of any resource.
TEST(Amounts, OfWhatIsUsableAreNeverFewerThanUnitsUse) {
  int less_than_all = 0;
  int all_used = 0;
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    world::Random random(seed);
    const auto units = random_units(random);
    auto packing = empty_packing(random_topology(random), units.size());
    const auto usable = usable_in(packing, units);
    const auto all = amounts_in(packing);
    Amounts used{};
    for (int tries = 0; tries < 300; ++tries) {
      const auto stage = random.between(0, units.size() - 1);
      auto& alike = packing[random.between(0, packing.size() - 1)];
      if (alike.room.most(units[stage]) == 0) continue;
      alike.take(stage, units[stage], 1);
      const auto part = amounts_of(units[stage]);
      for (std::size_t i = 0; i < used.size(); ++i) {
        used[i] += part[i] * static_cast<double>(alike.nodes.size());
      }
    }
    for (std::size_t i = 0; i < used.size(); ++i) {
      ASSERT_LE(used[i], usable[i] * (1 + 1e-12)) << i;
      ASSERT_LE(usable[i], all[i]) << i;
      less_than_all += usable[i] < all[i];
      all_used += used[i] > 0 && used[i] > usable[i] * 0.999;
    }
  }
  EXPECT_GT(less_than_all, 1000);
  EXPECT_GT(all_used, 1000);
}

}  // namespace
}  // namespace sluice::control
