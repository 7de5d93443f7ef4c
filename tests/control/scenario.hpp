#pragma once

#include "control/network.hpp"
#include "control/random.hpp"
#include "control/run_control.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice::control::world {

/// What a worker is like: how long its setup and its batches take.
struct WorkerModel {
  Time node_setup{};
  Time setup{};
  Time per_batch{};
  Time per_record{};
  Time jitter{};          ///< at most this much more, a batch
  bool deaf = false;      ///< hears nothing while it is in user code
  double late_taken = 0;  ///< the chance that it reports a batch as taken only with its end
};

/// How many records a stage makes of one.
struct OutputModel {
  double drop = 0;          ///< the chance of none
  std::uint64_t least = 1;  ///< else from `least` …
  std::uint64_t most = 1;   ///< … to `most`
  double huge_chance = 0;
  std::uint64_t huge = 0;
};

/// From this moment on ranks are to have these stages.
struct RoleChange {
  Time at{};
  std::vector<int> stage_of_rank;
};

/// Everything that a schedule depends on, but for the seed.
struct Scenario {
  RunPlan plan;
  std::vector<WorkerModel> workers;  ///< by rank
  std::vector<OutputModel> outputs;  ///< by stage
  Delay delay;
  Time turn_delay{};  ///< most that a rank lets messages wait, to handle several at once
  std::uint64_t least_bytes = 1;
  std::uint64_t most_bytes = 1;
  std::vector<RoleChange> role_changes = {};
  std::uint64_t most_records = 20'000;  ///< no splitting once so many were made

  bool uniform_bytes() const { return least_bytes == most_bytes; }
};

inline std::string text_of(const Scenario& scenario) {
  std::string out = fmt::format("{} inputs{}, {} to {} bytes\n", scenario.plan.inputs,
                                scenario.plan.collect ? ", collected" : "", scenario.least_bytes,
                                scenario.most_bytes);
  for (std::size_t k = 0; k < scenario.plan.stages.size(); ++k) {
    const auto& channel = scenario.plan.stages[k];
    const auto& outputs = scenario.outputs[k];
    out += fmt::format(
        "  stage {}: batch_size {} slots {} depth {} batch_wait {} ns byte_budget {}; drop {}", k,
        channel.batch_size, channel.slots, channel.depth, channel.batch_wait.count(),
        channel.byte_budget, outputs.drop);
    out += fmt::format(" outputs {}..{} huge {}\n", outputs.least, outputs.most, outputs.huge);
    for (std::size_t rank = 1; rank < scenario.plan.stage_of_rank.size(); ++rank) {
      if (scenario.plan.stage_of_rank[rank] != static_cast<int>(k)) continue;
      const auto& worker = scenario.workers[rank];
      out += fmt::format("    rank {} on node {}: setup {} + {}, batch {} + {} a record\n", rank,
                         scenario.plan.node_of_rank[rank], worker.node_setup.count(),
                         worker.setup.count(), worker.per_batch.count(), worker.per_record.count());
    }
  }
  for (const auto& lifetime : scenario.plan.lifetimes) {
    out += fmt::format("  lifetime {} ns{}\n", lifetime.longest.count(),
                       lifetime.renumber ? ", renumbered" : "");
  }
  for (const auto& change : scenario.role_changes) {
    out += fmt::format("  at {} ns:", change.at.count());
    for (const int stage : change.stage_of_rank) out += fmt::format(" {}", stage);
    out += "\n";
  }
  return out;
}

namespace detail {

using std::chrono::microseconds;
using std::chrono::milliseconds;

inline WorkerModel random_worker(Random& random, Time pace) {
  WorkerModel worker;
  const Time long_setup =
      random.pick<Time>({milliseconds(5), milliseconds(500), Time(20'000'000'000)});
  worker.node_setup = random.chance(0.2) ? random.between(Time{}, long_setup) : Time{};
  worker.setup = random.chance(0.3) ? random.between(Time{}, long_setup) : Time{};
  worker.deaf = random.chance(0.5);
  worker.late_taken = random.pick({0.0, 0.0, 0.5, 1.0});
  if (random.chance(0.3)) return worker;  // no service time at all
  const auto slower = random.pick<Time::rep>({1, 1, 1, 2, 10, 1000});
  worker.per_batch = random.chance(0.5) ? random.between(Time{}, pace) * slower : Time{};
  worker.per_record = random.between(Time{}, pace) * slower;
  worker.jitter = random.chance(0.5) ? pace * 5 : Time{};
  return worker;
}

inline ChannelSpec random_channel(Random& random, std::uint64_t most_bytes) {
  ChannelSpec channel;
  channel.batch_size = random.chance(0.3) ? 1 : random.between(1, 40);
  channel.slots = random.chance(0.5) ? 2 : random.between(1, 4);
  if (random.chance(0.3)) channel.depth = random.between(2, 9);
  channel.batch_wait =
      random.pick<Time>({Time{}, Time{}, microseconds(50), milliseconds(5), Time::max()});
  if (random.chance(0.3)) channel.byte_budget = random.between(1, 30 * most_bytes);
  return channel;
}

inline OutputModel random_outputs(Random& random) {
  switch (random.between(0, 4)) {
    case 0:
      return {random.pick({0.1, 0.5, 0.95, 1.0}), 1, 1, 0, 0};
    case 1:
      return {0, 0, random.between(1, 7), 0, 0};
    case 2:
      return {0.3, 1, 2, 0.02, random.between(20, 200)};
    default:
      return {};
  }
}

inline Delay random_delay(Random& random) {
  Delay delay{Time{},
              random.pick<Time>({Time{}, microseconds(1), microseconds(50), milliseconds(2)})};
  if (random.chance(0.5)) {
    delay.burst_chance = random.pick({0.01, 0.2});
    delay.burst = delay.high + random.pick<Time>({microseconds(100), milliseconds(50)});
  }
  return delay;
}

// The ranks of each stage lie anywhere, with idle ranks among them.
inline void add_ranks(Scenario& scenario, Random& random) {
  auto& plan = scenario.plan;
  std::vector<int> stages;
  for (std::size_t k = 0; k < plan.stages.size(); ++k) {
    stages.insert(stages.end(), random.between(1, 6), static_cast<int>(k));
  }
  stages.insert(stages.end(), random.chance(0.3) ? random.between(1, 3) : 0, -1);
  for (std::size_t i = stages.size(); i > 1; --i) {
    std::swap(stages[i - 1], stages[random.between(0, i - 1)]);
  }
  const auto nodes = random.between(1, 3);
  const Time pace = random.pick<Time>({microseconds(1), microseconds(30), milliseconds(1)});
  plan.stage_of_rank = {-1};
  plan.stage_of_rank.insert(plan.stage_of_rank.end(), stages.begin(), stages.end());
  for (std::size_t rank = 0; rank < plan.stage_of_rank.size(); ++rank) {
    plan.node_of_rank.push_back(static_cast<int>(random.between(0, nodes - 1)));
    scenario.workers.push_back(random_worker(random, pace));
  }
}

// Few ranks or many of them change their stages, at moments that lie anywhere in the run.
inline void add_role_changes(Scenario& scenario, Random& random) {
  const auto changes = random.chance(0.5) ? random.between(1, 8) : 0;
  const Time latest = random.pick<Time>(
      {microseconds(100), milliseconds(3), milliseconds(100), Time(5'000'000'000)});
  auto stages = scenario.plan.stage_of_rank;
  for (std::uint64_t i = 0; i < changes; ++i) {
    const double share = random.pick({0.1, 0.5, 1.0});
    for (std::size_t rank = 1; rank < stages.size(); ++rank) {
      if (!random.chance(share)) continue;
      stages[rank] = static_cast<int>(random.between(0, scenario.plan.stages.size())) - 1;
    }
    scenario.role_changes.push_back({random.between(Time{}, latest), stages});
  }
}

// Some stages' workers may not grow old. Setups may be long and batches rare, and then a short life
// is spent on being set up; so few have one.
inline void add_lifetimes(Scenario& scenario, Random& random) {
  if (random.chance(0.7)) return;
  const auto longest = random.chance(0.1)
                           ? Time(microseconds(300))
                           : random.pick<Time>({milliseconds(20), Time(1'000'000'000)});
  for (std::size_t k = 0; k < scenario.plan.stages.size(); ++k) {
    const auto limit = random.pick<Time>({Time{}, longest, longest, Time::max()});
    scenario.plan.lifetimes.push_back({limit, random.chance(0.3)});
  }
}

}  // namespace detail

/// A pipeline, ranks and a network as unlike each other as the seed makes them.
inline Scenario random_scenario(std::uint64_t seed) {
  Random random(seed);
  Scenario scenario;
  if (random.chance(0.5)) {
    scenario.least_bytes = random.between(1, 2000);
    scenario.most_bytes = random.chance(0.5) ? scenario.least_bytes : 3000;
  }
  const auto stages = random.between(1, 6);
  for (std::uint64_t k = 0; k < stages; ++k) {
    auto channel = detail::random_channel(random, scenario.most_bytes);
    if (k == 0) channel.byte_budget = 0;  // the coordinator holds that input anyway
    scenario.plan.stages.push_back(channel);
    scenario.outputs.push_back(detail::random_outputs(random));
  }
  detail::add_ranks(scenario, random);
  scenario.plan.inputs = random.between(0, random.pick<std::uint64_t>({2, 20, 60, 300}));
  scenario.plan.collect = random.chance(0.5);
  scenario.delay = detail::random_delay(random);
  scenario.turn_delay =
      random.chance(0.5) ? Time{} : random.between(Time{}, detail::microseconds(100));
  scenario.most_records = 6'000;
  detail::add_role_changes(scenario, random);
  detail::add_lifetimes(scenario, random);
  return scenario;
}

}  // namespace sluice::control::world
