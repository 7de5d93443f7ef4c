#include "runtime/processed.hpp"

#include "control/lineage.hpp"

#include <utility>

namespace sluice::runtime {

void add(const ErasedStage& stage, ProcessResult result, Processed& processed) {
  auto& event = processed.event;
  const auto records = result.outputs.size();
  if (!event.delivered) {
    auto outputs = stage.output->encode(std::move(result.outputs));
    event.bytes += outputs.stored_bytes();
    if (processed.outputs.empty()) {
      processed.outputs = std::move(outputs);
    } else {
      processed.outputs.append(outputs);
    }
    for (const auto& descent : result.descents) {
      control::add(event.descents, {descent.origin, descent.change, 1});
      if (descent.change < 0) ++event.filtered;
    }
  }
  event.records += records;
}

void conclude(const std::vector<std::uint64_t>& origins, Processed& processed) {
  auto& event = processed.event;
  if (event.delivered) {
    event.descents = control::one_less_of_each(origins);
    return;
  }
  for (const auto& letter : processed.dead) control::add(event.descents, {letter.input, -1, 1});
}

}  // namespace sluice::runtime
