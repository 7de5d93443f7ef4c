#include "control/world.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace sluice::control::world {
namespace {

using namespace std::chrono_literals;

struct StageModel {
  ChannelSpec channel;
  std::vector<WorkerModel> workers;
  OutputModel outputs;
};

WorkerModel each_record(Time time) {
  WorkerModel model;
  model.per_record = time;
  return model;
}

std::vector<WorkerModel> workers(std::size_t count, Time per_record) {
  return {count, each_record(per_record)};
}

// Three like the first, and one with a service time of its own.
std::vector<WorkerModel> three_and_one(Time per_record, Time other) {
  auto models = workers(4, per_record);
  models.back() = each_record(other);
  return models;
}

// One node, and 20 us for every message.
Scenario scenario_of(const std::vector<StageModel>& stages, std::uint64_t inputs) {
  Scenario scenario;
  scenario.plan.inputs = inputs;
  scenario.plan.stage_of_rank = {-1};
  scenario.workers.resize(1);
  for (std::size_t k = 0; k < stages.size(); ++k) {
    scenario.plan.stages.push_back(stages[k].channel);
    scenario.outputs.push_back(stages[k].outputs);
    for (const auto& worker : stages[k].workers) {
      scenario.plan.stage_of_rank.push_back(static_cast<int>(k));
      scenario.workers.push_back(worker);
    }
  }
  scenario.plan.node_of_rank.assign(scenario.plan.stage_of_rank.size(), 0);
  scenario.most_records = 1'000'000;
  return scenario;
}

struct Measured {
  double rate = 0;        ///< records/s of the last stage from 5% to 95% of its records
  double mean_batch = 0;  ///< of the last stage
  std::map<Rank, std::uint64_t> records;  ///< of the last stage, by rank
};

Measured measure(const Scenario& scenario) {
  World world(scenario, 1);
  const auto outcome = world.run();
  EXPECT_EQ(outcome.failure, "") << outcome.trace;
  Measured measured;
  std::vector<Finish> finishes;
  std::uint64_t total = 0;
  for (const auto& finish : world.shared().finishes) {
    if (finish.stage + 1 != scenario.plan.stages.size()) continue;
    finishes.push_back(finish);
    measured.records[finish.rank] += finish.records;
    total += finish.records;
  }
  if (finishes.empty()) return measured;
  measured.mean_batch = static_cast<double>(total) / static_cast<double>(finishes.size());
  std::uint64_t done = 0;
  std::uint64_t counted = 0;
  Time from{};
  Time to{};
  for (const auto& finish : finishes) {
    done += finish.records;
    if (done * 20 < total) continue;
    if (from == Time{}) {
      from = finish.at;
    } else if (done * 20 <= total * 19) {
      counted += finish.records;
      to = finish.at;
    }
  }
  measured.rate = static_cast<double>(counted) / std::chrono::duration<double>(to - from).count();
  return measured;
}

// Runs it, says what it gave, and returns the share of the ideal rate.
double share_of(double ideal, const Scenario& scenario) {
  const auto measured = measure(scenario);
  const double share = measured.rate / ideal;
  fmt::print("  {:.1f} records/s of {:.1f}: {:.2f}%; batches of {:.2f}\n", measured.rate, ideal,
             100 * share, measured.mean_batch);
  return share;
}

TEST(Fairness, ASlowConsumerCostsTheOthersNothing) {
  const StageModel producers{{}, workers(4, 0ms), {}};
  const StageModel consumers{{}, three_and_one(10ms, 100ms), {}};
  EXPECT_GE(share_of(310, scenario_of({producers, consumers}, 2'000)), 0.97);
}

TEST(Fairness, NorAtAMillisecondARecord) {
  const StageModel producers{{}, workers(4, 0ms), {}};
  const StageModel consumers{{}, three_and_one(1ms, 10ms), {}};
  EXPECT_GE(share_of(3'100, scenario_of({producers, consumers}, 4'000)), 0.97);
}

TEST(Fairness, NorInBatchesWithAnyNumberOfSlots) {
  const StageModel producers{{}, workers(4, 0ms), {}};
  for (const std::uint64_t slots : {2, 3, 4}) {
    const StageModel consumers{{8, slots, 100ms, 0}, three_and_one(1ms, 10ms), {}};
    EXPECT_GE(share_of(3'100, scenario_of({producers, consumers}, 20'000)), 0.97) << slots;
  }
}

// With one slot a consumer waits for a report and a grant after every batch.
TEST(Fairness, OneSlotCostsEachConsumerARoundTripABatch) {
  const StageModel producers{{}, workers(4, 0ms), {}};
  const StageModel consumers{{1, 1, 0ms, 0}, three_and_one(10ms, 100ms), {}};
  EXPECT_GE(share_of(310, scenario_of({producers, consumers}, 2'000)), 0.99);
}

// A producer starts its next batch when its last record is granted (DESIGN I5), which costs it a
// round trip a batch: 40 us.
TEST(Fairness, ASlowProducerHoldsNobodyUp) {
  const auto rates = [](Time fast, Time slow) {
    return 3 / std::chrono::duration<double>(fast).count() +
           1 / std::chrono::duration<double>(slow).count();
  };
  for (const Time service : {Time(1ms), Time(10ms)}) {
    const StageModel producers{{}, three_and_one(service, 20 * service), {}};
    const StageModel consumers{{}, workers(4, service), {}};
    const auto scenario = scenario_of({producers, consumers}, 4'000);
    const double ideal = rates(service + 40us, 20 * service + 40us);
    EXPECT_GE(share_of(ideal, scenario), 0.99);
  }
}

TEST(Fairness, SplitsAndFiltersReachTheConsumersRate) {
  const StageModel consumers{{}, three_and_one(1ms, 10ms), {}};
  const StageModel splitters{{}, workers(4, 1ms), {0.5, 4, 4, 0, 0}};
  EXPECT_GE(share_of(3'100, scenario_of({splitters, consumers}, 4'000)), 0.97);
  const StageModel filters{{}, workers(4, 50us), {0.9, 1, 1, 0, 0}};
  EXPECT_GE(share_of(3'100, scenario_of({filters, consumers}, 20'000)), 0.97);
}

TEST(Fairness, FiveStagesRunAtTheRateOfTheSlowest) {
  const StageModel even{{}, workers(3, 1ms), {}};
  const StageModel slowest{{}, three_and_one(2ms, 20ms), {}};
  EXPECT_GE(share_of(1'550, scenario_of({even, even, slowest, even, even}, 3'000)), 0.97);
}

TEST(Fairness, ABusyConsumerGetsFullBatchesOfSingleOutputs) {
  const StageModel producers{{}, workers(4, 0ms), {}};
  for (const std::size_t count : {1, 4}) {
    for (const Time wait : {Time(0ms), Time(100ms)}) {
      const StageModel consumers{{32, 2, wait, 0}, workers(count, 1ms), {}};
      const auto scenario = scenario_of({producers, consumers}, 20'000);
      const auto measured = measure(scenario);
      EXPECT_GE(measured.mean_batch, 0.95 * 32) << count << " consumers";
      EXPECT_GE(share_of(1'000.0 * static_cast<double>(count), scenario), 0.97);
    }
  }
}

TEST(Fairness, AByteBudgetThatBindsLeavesBatchesFull) {
  const StageModel producers{{}, workers(4, 0ms), {}};
  const StageModel consumers{{32, 2, 100ms, 80}, workers(4, 1ms), {}};
  const auto measured = measure(scenario_of({producers, consumers}, 20'000));
  fmt::print("  batches of {:.2f}, {:.0f} records/s\n", measured.mean_batch, measured.rate);
  EXPECT_GE(measured.mean_batch, 0.95 * 32);
}

// From a worker one report a batch, and to its producer one order.
TEST(Fairness, ABusyWorkerCostsTwoControlMessagesABatch) {
  const StageModel producers{{}, workers(4, 1ms), {}};
  const StageModel consumers{{}, workers(4, 2ms), {}};
  auto scenario = scenario_of({producers, consumers}, 4'000);
  const auto outcome = World(scenario, 1).run();
  const double per_batch =
      static_cast<double>(outcome.messages) / static_cast<double>(outcome.batches);
  fmt::print("  {:.3f} control messages a batch\n", per_batch);
  EXPECT_LE(per_batch, 2.5);
}

}  // namespace
}  // namespace sluice::control::world
