#pragma once

#include "runtime/pipelines.hpp"

#include <atomic>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

/// Stages for groups of ranks.
namespace sluice::testing {

/// Each rank of the group gives a part of a sum; the record is stamped with the whole. What ranks
/// other than the primary emit is to be lost.
class Team : public Stage<Item, Item> {
 public:
  void setup(const WorkerContext& context) override {
    group_ = context.group;
    group_->barrier();
    greeting_ = group_->broadcast("from " + std::to_string(group_->rank()), group_->size() - 1);
  }

  void process(Batch<Item>& batch, Emitter<Item>& out) override {
    std::vector<double> parts;
    for (const auto& item : batch) parts.push_back(item.number * (group_->rank() + 1.0));
    const auto sums = group_->allreduce(parts);
    const auto all = group_->allgather(std::to_string(group_->rank()));
    const auto ranks = std::accumulate(all.begin(), all.end(), std::string());
    for (std::size_t i = 0; i < batch.size(); ++i) {
      work_on(batch[i].number);
      const bool counts = group_->rank() == 0;
      const auto sum = std::to_string(static_cast<long>(sums[i]));
      out.emit(i, {batch[i].number, counts ? "=" + sum + " of " + ranks + greeting_ : "wrong"});
    }
  }

  void teardown() override { group_->barrier(); }

  static std::vector<Item> expected(int count, int size) {
    std::string ranks;
    for (int rank = 0; rank < size; ++rank) ranks += std::to_string(rank);
    auto result = items(count);
    for (auto& item : result) {
      item.trail = "=" + std::to_string(item.number * size * (size + 1) / 2) + " of " + ranks +
                   "from " + std::to_string(size - 1);
    }
    return result;
  }

 protected:
  virtual void work_on(int) {}
  Group& group() { return *group_; }

 private:
  std::shared_ptr<Group> group_;
  std::string greeting_;
};

/// One rank fails while the others wait for it in an operation.
class Torn : public Team {
 public:
  /// Rank `rank` throws on number `number`, so many times in all.
  Torn(int rank, int number, int times)
      : rank_(rank), number_(number), left_(std::make_shared<std::atomic<int>>(times)) {}

  void process(Batch<Item>& batch, Emitter<Item>& out) override {
    for (const auto& item : batch) {
      const bool fails = group().rank() == rank_ && item.number == number_;
      if (fails && --*left_ >= 0) throw std::runtime_error("torn");
    }
    Team::process(batch, out);
  }

 private:
  int rank_;
  int number_;
  std::shared_ptr<std::atomic<int>> left_;  ///< in one process, shared by all workers
};

inline PipelineSpec<Item, Item> team_run(const Pipeline<Item, Item>& pipeline, int count) {
  PipelineSpec spec(pipeline, items(count));
  spec.collect = spec.in_order = true;
  spec.options.mode = Mode::streaming;
  return spec;
}

}  // namespace sluice::testing
