#pragma once

#include "runtime/pipelines.hpp"

#include <random>

namespace sluice::testing {

struct RandomPipeline {
  Pipeline<Item, Item> pipeline;
  int inputs = 0;
};

/// Filters, splits and plain stages, with batches of any size.
inline RandomPipeline random_pipeline(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto between = [&random](int low, int high) {
    return low + static_cast<int>(random() % static_cast<std::uint64_t>(high - low + 1));
  };
  Pipeline<Item, Item> pipeline("random");
  const int stages = between(1, 4);
  for (int k = 0; k < stages; ++k) {
    StageSpec spec;
    spec.name = "s" + std::to_string(k);
    spec.batch_size = static_cast<std::size_t>(between(1, 3) == 1 ? 1 : between(2, 40));
    const bool fan = between(0, 2) > 0;
    pipeline = fan ? pipeline.then(Fan(spec.name, between(2, 4)), spec)
                   : pipeline.then(Stamp(spec.name), spec);
  }
  return {pipeline, between(0, 3) == 0 ? between(0, 3) : between(20, 400)};
}

}  // namespace sluice::testing
