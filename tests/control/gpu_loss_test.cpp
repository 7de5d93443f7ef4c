// Who has which GPUs while workers are renewed, stages end and ranks die.
#include "control/gpu_world.hpp"
#include "control/recovery.hpp"

#include <sluice/error.hpp>

#include <gtest/gtest.h>

namespace sluice::control {
namespace {

using World = world::GpuWorld;

/// A run in which everything that can happen to its ranks does.
class Trial {
 public:
  explicit Trial(std::uint64_t seed) : world_(seed), seed_(seed) {}

  /// False if there is nothing to try.
  bool begin() {
    if (!world_.replan()) return false;
    cast_.emplace(assign_ranks(*world_.plan, world_.node_of_rank), world_.node_of_rank,
                  world_.sizes, static_cast<unsigned>(seed_), world_.seats());
    left_ = world_.topology;
    nodes_ = world_.node_of_rank;
    return true;
  }

  void step() {
    for (auto steps = world_.random.between(0, 15); steps > 0 && cast_->step(); --steps) check();
    check();
  }

  void renew_some() {
    for (std::size_t rank = 1; rank < nodes_.size(); ++rank) {
      if (nodes_[rank] < 0 || !world_.random.chance(0.3)) continue;
      const auto place = cast_->places().find(static_cast<Rank>(rank));
      const bool works =
          place != cast_->places().end() && cast_->roles.has_stage(static_cast<Rank>(rank)) &&
          (place->second.group.empty() || place->second.group.front() == static_cast<Rank>(rank));
      if (works) cast_->renew(static_cast<Rank>(rank), world_.random.chance(0.5));
    }
  }

  void shuffle() {
    auto stages = cast_->roles.destinations();
    for (auto i = stages.size() - 1; i > 1; --i) {
      const auto j = world_.random.between(1, i);
      if (nodes_[i] >= 0 && nodes_[j] >= 0) std::swap(stages[i], stages[j]);
    }
    cast_->reassign(stages);
    planned_ = false;
  }

  /// False if too few are left.
  bool lose_one() {
    const auto dead = static_cast<Rank>(world_.random.between(1, nodes_.size() - 1));
    auto& node = nodes_[static_cast<std::size_t>(dead)];
    if (node < 0) return true;
    --*left_.nodes[static_cast<std::size_t>(node)].workers;
    node = -1;
    lost_.insert(dead);
    std::optional<Plan> plan;
    std::vector<int> stages;
    try {
      stages =
          stages_after_loss(world_.stages, left_, world_.node_of_rank, cast_->roles.destinations(),
                            lost_, cast_->roles.primaries(), &plan);
    } catch (const LaunchError&) {
      return false;
    }
    for (const Rank rank : lost_) cast_->die(rank);
    ++losses;
    planned_ = planned_ || plan;
    try {
      cast_->begin_again(stages, plan ? gpu_places(*plan, world_.stages) : GpuPlaces());
    } catch (const LaunchError&) {
      EXPECT_FALSE(planned_);
      return false;
    }
    return true;
  }

  /// In the order of the pipeline, some earlier than all others are where they are to be.
  void end_all() {
    for (std::size_t k = 0; k < world_.stages.size(); ++k) {
      if (world_.random.chance(0.7)) cast_->run_out();
      check();
      cast_->end(k);
      step();
    }
    cast_->run_out();
    EXPECT_TRUE(cast_->roles.empty());
    EXPECT_TRUE(cast_->roles.settled());
    for (const auto& [rank, place] : cast_->places()) EXPECT_TRUE(place.gpus.empty()) << rank;
    for (Rank rank = 1; rank < static_cast<Rank>(nodes_.size()); ++rank) {
      EXPECT_EQ(cast_->roles.seats().stage_of(rank), -1) << rank << " has GPUs still";
    }
  }

  void check() const {
    world_.expect_nothing_given_twice(*cast_);
    for (const Rank rank : lost_) ASSERT_FALSE(cast_->places().contains(rank)) << "it is dead";
  }
  void expect_all_stages_have_workers() {
    do {
      check();
    } while (cast_->step());
    for (std::size_t k = 0; k < world_.stages.size(); ++k) {
      EXPECT_GE(cast_->roles.ready_in(k), 1u) << k;
    }
  }

  std::uint64_t lot(std::uint64_t sides) { return world_.random.between(1, sides); }

  int losses = 0;

 private:
  World world_;
  std::uint64_t seed_;
  std::optional<Cast> cast_;
  Topology left_;
  std::vector<int> nodes_;
  std::set<Rank> lost_;
  bool planned_ = true;  ///< roles are such as a plan found room for
};

TEST(SeatingAfterLoss, NoGpuIsGivenTwiceAndNoStageWaitsForEver) {
  int losses = 0;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Trial trial(seed);
    if (!trial.begin()) continue;
    bool enough = true;
    for (int round = 0; round < 8 && enough; ++round) {
      trial.step();
      const auto what = trial.lot(4);
      if (what == 1) enough = trial.lose_one() && (trial.lot(2) == 1 || trial.lose_one());
      if (what == 2) trial.shuffle();
      if (what > 2) trial.renew_some();
      if (::testing::Test::HasFailure()) return;
    }
    losses += trial.losses;
    if (!enough) continue;
    if (trial.lot(2) == 1) trial.expect_all_stages_have_workers();
    trial.end_all();
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(losses, 1000);
}

}  // namespace
}  // namespace sluice::control
