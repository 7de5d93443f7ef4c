#include "runtime/slow_batches.hpp"

#include "runtime/spec.hpp"

namespace sluice::runtime {

std::vector<SlowBatch> named(const control::Slowest& slowest, const ErasedSpec& spec) {
  std::vector<SlowBatch> found;
  for (const auto& batch : slowest.batches()) {
    found.push_back({spec.stages.at(batch.stage).spec.name, input_name(spec, batch.input),
                     batch.records, batch.rank, batch.seconds});
  }
  return found;
}

}  // namespace sluice::runtime
