#include "runtime/stage_runner.hpp"

#include "control/lineage.hpp"

#include <fmt/format.h>

#include <exception>
#include <utility>

namespace sluice::runtime {

template <class Body>
void StageRunner::guarded(Body body) {
  try {
    body();
  } catch (...) {
    throw Failed{to_failure(std::current_exception(), fmt::format("stage '{}'", stage_.spec.name),
                            origins_)};
  }
}

void StageRunner::set_up_node(const WorkerContext& context) {
  guarded([&] {
    user_ = stage_.make();
    user_->setup_on_node(context);
  });
}

void StageRunner::set_up(const WorkerContext& context) {
  guarded([&] {
    if (!user_) user_ = stage_.make();
    user_->setup(context);
  });
}

StageRunner::Processed StageRunner::process(control::BatchId batch, EncodedBatch input) {
  origins_.clear();
  for (std::size_t i = 0; i < input.size(); ++i) origins_.push_back(input.id(i).origin);
  Processed processed;
  guarded([&] {
    auto decoded = stage_.input->decode(input);
    input = {};  // the records' buffers now have one owner, who may write to them
    processed = process_decoded(batch, std::move(decoded));
  });
  origins_.clear();
  return processed;
}

StageRunner::Processed StageRunner::process_decoded(control::BatchId batch, AnyBatch input) {
  auto result = user_->process(std::move(input));
  Processed processed;
  auto& event = processed.event;
  event.batch = batch;
  event.records = result.outputs.size();
  event.delivered = deliver_;
  if (deliver_) {
    // The last stage's inputs are done, whatever it made of them.
    event.descents = control::one_less_of_each(origins_);
    return processed;
  }
  for (const auto& descent : result.descents) {
    control::add(event.descents, {descent.origin, descent.change, 1});
  }
  processed.outputs = stage_.output->encode(std::move(result.outputs));
  event.bytes = processed.outputs.stored_bytes();
  return processed;
}

void StageRunner::hand_on(const EncodedBatch& records, Processed& processed) const {
  processed.event.records += records.size();
  if (!deliver_) {
    processed.outputs.append(records);
    processed.event.bytes = processed.outputs.stored_bytes();
    return;
  }
  for (std::size_t i = 0; i < records.size(); ++i) {
    control::add(processed.event.descents, {records.id(i).origin, -1, 1});
  }
}

void StageRunner::tear_down() {
  guarded([&] { user_->teardown(); });
  user_.reset();
}

}  // namespace sluice::runtime
