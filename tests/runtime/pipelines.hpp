#pragma once

#include <sluice/sluice.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

/// Small stages for tests of whole runs.
namespace sluice::testing {

/// A record that says where it has been.
struct Item {
  int number = 0;
  std::string trail;

  bool operator==(const Item&) const = default;
  auto operator<=>(const Item&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(number, trail);
  }
};

inline std::vector<Item> items(int count) {
  std::vector<Item> result;
  for (int i = 0; i < count; ++i) result.push_back({i, ""});
  return result;
}

/// Emits `copies(number)` records for each: 0 drops it, several split it.
class Fan : public Stage<Item, Item> {
 public:
  Fan(std::string name, int modulus) : name_(std::move(name)), modulus_(modulus) {}

  void process(Batch<Item>& batch, Emitter<Item>& out) override {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const int copies = batch[i].number % modulus_;
      for (int c = 0; c < copies; ++c) {
        out.emit(i, {batch[i].number + c, batch[i].trail + name_ + std::to_string(c)});
      }
    }
  }

 private:
  std::string name_;
  int modulus_;
};

class Stamp : public MapStage<Item, Item> {
 public:
  explicit Stamp(std::string name) : name_(std::move(name)) {}
  Item map(Item item) override {
    item.trail += name_;
    return item;
  }

 private:
  std::string name_;
};

/// A stamp that takes its time.
class SlowStamp : public MapStage<Item, Item> {
 public:
  SlowStamp(std::string name, std::chrono::microseconds time)
      : name_(std::move(name)), time_(time) {}
  Item map(Item item) override {
    std::this_thread::sleep_for(time_);
    item.trail += name_;
    return item;
  }

 private:
  std::string name_;
  std::chrono::microseconds time_;
};

/// One stage is ten times slower than the others and none says so: ranks must change their stages.
inline Pipeline<Item, Item> uneven() {
  using std::chrono::microseconds;
  return Pipeline<Item>("uneven")
      .then(SlowStamp("a", microseconds(4'000)), {.name = "quick"})
      .then(SlowStamp("b", microseconds(500)), {.name = "pinned", .workers = 1})
      .then(SlowStamp("c", microseconds(40'000)), {.name = "slow", .batch_size = 2});
}

inline PipelineSpec<Item, Item> uneven_run(int count) {
  PipelineSpec spec(uneven(), items(count));
  spec.collect = true;
  spec.in_order = true;
  return spec;
}

/// What must hold when ranks have changed their stages.
inline void expect_whole(const RunResult<Item>& result, int count) {
  auto expected = items(count);
  for (auto& item : expected) item.trail = "abc";
  EXPECT_EQ(result.outputs, expected) << "exactly once";
  EXPECT_EQ(result.status.done, static_cast<std::uint64_t>(count));
  EXPECT_EQ(result.status.stages[1].workers, 1u) << "it is pinned";
  for (const auto& channel : result.status.channels) {
    EXPECT_LE(channel.peak_records, channel.bound_records);
  }
  for (const auto& stage : result.status.stages) {
    EXPECT_EQ(stage.records_in, static_cast<std::uint64_t>(count));
  }
}

}  // namespace sluice::testing
